"""Moving pictures as files: WebP loops and MP4 films."""

from __future__ import annotations

import io
import itertools
import tempfile
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from engine.core.errors import InputError, JobError
from engine.core.safe_io import write_bytes

__all__ = ["FORMATS", "check_moving", "write_moving", "write_mp4", "write_webp"]

FORMATS = (".webp", ".mp4")
AHEAD = 24  #: pictures that are drawn before the encoder gets to them


def check_moving(path: str | Path) -> Path:
    """The path, if its ending is that of a format that can be written.

    Raises:
        InputError: ``render.moving_format``.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            "render.moving_format", f"{path}: no moving picture ends in '{path.suffix}'", f"one of {', '.join(FORMATS)}"
        )
    return path


def write_moving(path: str | Path, frames: Iterable[np.ndarray], *, fps: float = 15.0) -> Path:
    """Writes uint8 pictures [H, W, 3] in the format of the path's ending, .webp or .mp4, as they come."""
    path = check_moving(path)
    return write_webp(path, frames, fps=fps) if path.suffix.lower() == ".webp" else write_mp4(path, frames, fps=fps)


def write_webp(path: str | Path, frames: Iterable[np.ndarray], *, fps: float = 15.0, quality: int = 82) -> Path:
    """Writes uint8 pictures [H, W, 3] as an endlessly looping WebP."""
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    stream = io.BytesIO()
    images[0].save(
        stream,
        format="WEBP",
        save_all=True,
        append_images=images[1:],
        duration=round(1000 / fps),
        loop=0,
        quality=quality,
        method=1,
    )
    return write_bytes(path, stream.getvalue())


def write_mp4(path: str | Path, frames: Iterable[np.ndarray], *, fps: float = 15.0) -> Path:
    """Writes uint8 pictures [H, W, 3] as VP9 in MP4, which today's browsers and players show.

    Pictures are encoded while the next are drawn: as VP9 takes some from the future to foretell those between, it works
    in bursts, for which up to ``AHEAD`` pictures may wait.

    VP9 is free of fees, and OpenCV's libvpx (BSD) and FFmpeg (LGPL) encode it. Odd sizes lose a row or column.

    Raises:
        JobError: ``render.no_video`` where this machine's OpenCV has no VP9 encoder.
    """
    import cv2

    frames = iter(frames)
    first = next(frames)
    height, width = (n - n % 2 for n in first.shape[:2])
    with tempfile.TemporaryDirectory() as scratch:
        film = Path(scratch) / "film.mp4"
        writer = cv2.VideoWriter(str(film), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"vp09"), fps, (width, height))
        if not writer.isOpened():
            raise JobError("render.no_video", f"{path}: OpenCV on this machine cannot encode VP9", "give a .webp file")
        with ThreadPoolExecutor(1) as encoder:
            waiting: deque[Future[None]] = deque()
            for frame in itertools.chain([first], frames):
                waiting.append(encoder.submit(writer.write, np.ascontiguousarray(frame[:height, :width, 2::-1])))
                if len(waiting) > AHEAD:
                    waiting.popleft().result()
            for written in waiting:
                written.result()
        writer.release()
        return write_bytes(path, film.read_bytes())
