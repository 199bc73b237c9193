"""Path-traced pictures of a scene, in a process of their own: a crash of native code is met with other noise."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core import codec
from engine.core.errors import InputError, JobError
from engine.core.types import Camera, SceneMesh
from render.reference.geometry import traceable
from render.reference.lights import environment_map
from render.reference.variant import PLAIN, llvm_library, require
from render.studio import Studio

__all__ = ["Traced", "check", "denoised", "trace"]

ATTEMPTS = 3  #: with the compiled variant, before the plain one is taken
MOST_SAMPLES = 65536


@dataclass(frozen=True)
class Traced:
    """One path-traced view; row 0 at the top. Colours are linear and premultiplied by ``alpha``."""

    rgb: np.ndarray  #: shape [H, W, 3]
    alpha: np.ndarray  #: shape [H, W]
    albedo: np.ndarray  #: premultiplied too, shape [H, W, 3]
    normal: np.ndarray  #: mean over each pixel, world, shape [H, W, 3]
    depth: np.ndarray  #: mean distance from the eye [m], 0 outside, shape [H, W]


def trace(
    meshes: Sequence[SceneMesh], cameras: Sequence[Camera], *, studio: Studio | None = None, samples: int = 64,
    seed: int = 0, threads: int = 0, denoise: bool = False, progress: Callable[[float, str], None] | None = None,
) -> list[Traced]:
    """Pictures of a scene by unidirectional path tracing; the studio turns with each camera, as the preview's.

    There is no paper behind the subject: its surroundings light it and are not seen (alpha is 0 there).

    Args:
        samples: paths per pixel.
        seed: of the noise; equal seeds give equal pictures on one machine.
        threads: CPU threads, 0 for all.
        denoise: by Open Image Denoise, guided by albedo and normals.

    Raises:
        UnsupportedError: ``reference.missing``, where Mitsuba (or the denoiser) is not installed.
        InputError: nothing to show, or a number of samples that cannot be.
        JobError: ``reference.crashed``, where the tracer failed every time.
    """  # fmt: skip
    check(samples, denoise=denoise)
    shown = traceable(meshes)
    if not shown:
        raise InputError("render.empty", "there is nothing to show: all meshes are empty", "drape the garment first")
    environment = environment_map(studio or Studio())
    settings = {"samples": samples, "seed": seed, "threads": threads}
    with tempfile.TemporaryDirectory() as folder:
        views = _run(Path(folder), (tuple(shown), tuple(cameras), environment), settings, progress)
    traced = [Traced(v[..., :3], v[..., 3].clip(0, 1), v[..., 4:7], v[..., 7:10], v[..., 10]) for v in views]
    return [denoised(t) for t in traced] if denoise else traced


def check(samples: int, *, denoise: bool) -> None:
    """Raises what :func:`trace` would, before any work is done."""
    require("mitsuba", "path-traced pictures need Mitsuba 3")
    if denoise:
        require("pyoidn", "denoising needs Open Image Denoise")
    if not 1 <= samples <= MOST_SAMPLES:
        what = f"{samples} samples: is not between 1 and {MOST_SAMPLES}"
        raise InputError("reference.samples", what, "64 is a start, 512 a clean picture")


def _run(folder: Path, scene: tuple, settings: dict, progress: Callable[[float, str], None] | None) -> list[np.ndarray]:
    compiled = llvm_library() is not None
    plans = [True] * ATTEMPTS * compiled + [False]
    job, result = folder / "job.npz", folder / "result.npz"
    status, said = 0, ""
    for attempt, plan in enumerate(plans):
        codec.save((*scene, {**settings, "seed": settings["seed"] + 7919 * attempt, "compiled": plan}), job)
        status, said = _child([sys.executable, "-m", "render.reference.worker", str(job), str(result)], progress)
        if status == 0:
            with np.load(result, allow_pickle=False) as arrays:
                return [arrays[f"view{i}"] for i in range(len(scene[1]))]
        if status > 0 and not plan:
            break
    variant = "the compiled variant and " * compiled + PLAIN
    raise JobError("reference.crashed", f"Mitsuba failed in {variant} ({status}): {said}", "try fewer samples")


def _child(command: list[str], progress: Callable[[float, str], None] | None) -> tuple[int, str]:
    """Runs the worker; returns its exit status (negative: a signal) and the last line of its errors."""
    root = str(Path(importlib.util.find_spec("render").origin).parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )  # fmt: skip
        try:
            for line in child.stdout:
                if progress and line.strip().replace(".", "").isdigit():
                    progress(float(line), "tracing paths")
            status = child.wait()
        finally:
            if child.poll() is None:
                child.kill()
        errors.seek(0)
        lines = errors.read().strip().splitlines()
    return status, lines[-1][:300] if lines else ""


def denoised(traced: Traced) -> Traced:
    """The view by Open Image Denoise, guided by its albedo and normals."""
    require("pyoidn", "denoising needs Open Image Denoise")
    import pyoidn

    albedo = np.ascontiguousarray(traced.albedo.clip(0, 1))
    rgb = pyoidn.denoise(
        np.ascontiguousarray(traced.rgb), albedo=albedo, normal=np.ascontiguousarray(traced.normal), hdr=True
    )
    return Traced(np.maximum(rgb, 0), traced.alpha, traced.albedo, traced.normal, traced.depth)
