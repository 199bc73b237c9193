"""The way from a saved look to an animation: body in motion -> garment in motion -> animated GLB and preview."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.core import codec
from engine.core.errors import ToileError
from engine.core.types import Drape
from engine.pipeline import Look
from engine.runtime import Run

__all__ = ["ANIMATION", "animate_look"]

ANIMATION = "animation.npz"


def animate_look(
    run: Run, look: Look, *, motion: str, seconds: float | None = None, film: bool = False
) -> tuple[Drape, dict[str, Any]]:
    """Lets a dressed body move, and its clothes with it.

    Writes animation.npz (a drape with every frame), animation.glb and animation.webp.

    Args:
        motion: a name of ``avatars.motion.MOTIONS``, or an .npz file in AMASS's or SMPL-X's layout.
        seconds: length of the motion; by default its own.
        film: also write animation.mp4.

    Returns:
        The drape of every frame, and what the GLB holds: ``frames``, ``fps``, ``bytes``.
    """
    from avatars.body_model import JOINT_NAMES, JOINT_PARENTS
    from avatars.motion import is_cyclic, move
    from engine.export.animation import write_animation
    from engine.export.clip import make_clip
    from engine.export.scene import look_info
    from sim.motion import MotionConfig, animate

    with run.stage("pose", "Moving the body") as progress:
        moving = move(look.body, motion, seconds=seconds, progress=progress)
    with run.stage("animate", "Moving the clothes") as progress:
        config = MotionConfig(device=run.config.device, threads=run.config.threads)
        result = animate(look.garment, look.drape, look.body, moving, config=config, progress=progress)
        codec.save(result, run.out / ANIMATION)
    run.warnings += [w for w in result.warnings if w not in run.warnings]
    with run.stage("export", "Writing the GLB"):
        # what goes round and round is shown without the way into it
        clip = make_clip(
            look.body, look.garment, result, moving, first=moving.lead_in if is_cyclic(motion) else 0
        )
        info = {**look_info(look.body, look.garment, look.drape), "motion": moving.name}
        held = write_animation(run.out / "animation.glb", clip, JOINT_NAMES, JOINT_PARENTS, info=info)
    endings = [*(["webp"] if run.config.turntable else []), *(["mp4"] if film else [])]
    if endings:
        _preview(run, clip, endings)
    return replace(result, warnings=tuple(run.warnings)), held


def _preview(run: Run, clip: Any, endings: list[str]) -> None:
    from engine.export.moving_picture import write_moving_picture

    with run.stage("render", "Taking pictures") as progress:
        try:
            write_moving_picture([run.out / f"animation.{end}" for end in endings], clip, progress=progress)
        except ToileError as error:
            if error.code not in ("render.no_opengl", "render.no_video"):
                raise
            run.warnings.append(f"no pictures: {error}")
