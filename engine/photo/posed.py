"""A look in the pose of a photo, and the camera that took it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from engine.core import codec
from engine.core.store import Store, stage_key
from engine.core.types import Body, BodyMotion, Camera, Drape, PhotoView
from engine.look import Look
from engine.runtime import Run, code_version

__all__ = ["body_in_photo", "look_in_photo", "photo_camera"]


def body_in_photo(body: Body, motion: BodyMotion) -> Body:
    """The body as it stands in the motion's last frame; landmarks and rotations stay those it was dressed in."""
    return replace(
        body, vertices=motion.vertices[-1], contact_vertices=motion.contact_vertices[-1], joints=motion.joints[-1]
    )


def photo_camera(view: PhotoView, pelvis: np.ndarray) -> Camera:
    """The photo's camera in a world in which the body stands upright, facing +Z, with its pelvis joint at ``pelvis``.

    The fit turns the body before a level camera; phones are tilted more than people lean, so the turn is the camera's.
    """
    turn = Rotation.from_rotvec(np.asarray(view.global_orient, np.float64)).as_matrix()
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = turn, -turn @ np.asarray(pelvis, np.float64)
    to_camera = np.asarray(view.camera.world_to_camera, np.float64) @ move
    return replace(view.camera, world_to_camera=to_camera.astype(np.float32))


def look_in_photo(run: Run, look: Look, view: PhotoView) -> tuple[Look, Camera]:
    """Moves a dressed body from the draping pose into that of a photo, and its clothes with it.

    Returns:
        The look at rest in the photo's pose, upright on the floor, and the photo's camera in its world.

    Raises:
        SolverDiverged: the clothes could not follow.
        UnsupportedError: the body's model is not at hand.
    """
    from avatars.motion import move_to_pose
    from sim.motion import MotionConfig, animate

    with run.stage("pose", "Taking the photo's pose") as progress:
        moving = move_to_pose(look.body, view.body_pose, progress=progress)
    config = MotionConfig(device=run.config.device, threads=run.config.threads)

    def moved() -> Drape:
        with run.stage("animate", "Moving the clothes") as progress:
            frames = animate(look.garment, look.drape, look.body, moving, config=config, progress=progress)
        return replace(
            look.drape, positions=frames.positions[-1], strain=frames.strain[-1], pressure=frames.pressure[-1],
            status=frames.status, metrics=frames.metrics, history={}, warnings=frames.warnings,
            stress=np.zeros((0, 3), np.float32), seam_load=np.zeros(0, np.float32),
        )  # fmt: skip

    inputs = [codec.content_hash(v) for v in (look.garment, look.drape, look.body)] + [view.body_pose]
    key = stage_key("photo_pose", code_version(), [run.config.device], inputs, run.config.seed)
    drape, _ = (Store.default() if run.config.cache else Store(None)).fetch(key, Drape, moved)
    posed = replace(look, body=body_in_photo(look.body, moving), drape=drape)
    return posed, photo_camera(view, moving.joints[-1, 0])
