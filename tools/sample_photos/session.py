"""A photo session: a person in a room, seen by a phone from the front and from the side, with truth on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tools.sample_photos.body import Pose, body_model
from tools.sample_photos.camera import PhoneCamera
from tools.sample_photos.people import Person, photo_poses
from tools.sample_photos.room import Room, random_room
from tools.sample_photos.studio import photograph, write_person

__all__ = ["random_camera", "shoot", "shoot_sample"]


def random_camera(rng: np.random.Generator, size: tuple[int, int], person: Person, pose: Pose) -> PhoneCamera:
    """A phone held by hand, aimed so that the whole person with some margin is in the picture."""
    vertices, _ = body_model().posed(person.shape, pose)
    w, h = size
    distance = rng.uniform(2.2, 3.0)
    while True:
        height = rng.uniform(1.0, 1.5)
        camera = PhoneCamera(
            size, focal_35mm=float(rng.choice([24.0, 26.0, 26.0, 27.0, 28.0])), distance=float(distance),
            height=float(height), lateral=float(rng.normal(0, 0.06)),
            pitch=float(np.arctan2(height - 0.5 * vertices[:, 1].max(), distance) * rng.uniform(0.4, 1.0)),
            pan=float(rng.normal(0, 0.03)), roll=float(rng.normal(0, 0.012)),
        )  # fmt: skip
        pixels = camera.project(vertices)
        margin = 0.045 * h
        if pixels.min() > margin and pixels[:, 0].max() < w - margin and pixels[:, 1].max() < h - margin:
            return camera
        distance += 0.05


def shoot(
    person: Person, folder: Path, *, seed: int, size: tuple[int, int], spp: int, depth: int = 4,
    room: Room | None = None, cameras: dict[str, PhoneCamera] | None = None, texture_size: int = 1024,
    noise: int = 0, progress: Callable[[float, str], None] | None = None,
) -> dict:
    """Takes the front and the side photo, writes them with their ground truth to ``folder`` and returns that.

    ``noise`` changes the paths traced and nothing else.
    """
    rng = np.random.default_rng([seed, 99])
    poses = dict(zip(("front", "side"), photo_poses(rng), strict=True))
    cameras = cameras or {view: random_camera(rng, size, person, pose) for view, pose in poses.items()}
    room = room or random_room(rng, max(c.distance for c in cameras.values()))
    warmth, exposure, grain = float(rng.normal(0, 0.03)), float(rng.normal(0, 0.2)), float(rng.uniform(0.006, 0.02))
    views = {}
    for k, (view, pose) in enumerate(poses.items()):
        if progress:
            progress(k / 2, f"{person.name}, {view}")
        shot = photograph(
            person, pose, room, cameras[view], spp=spp, depth=depth, seed=seed % 100000 + k + 100000 * noise,
            warmth=warmth, exposure=exposure, grain=grain, texture_size=texture_size,
        )  # fmt: skip
        views[view] = (pose, cameras[view], shot)
    return write_person(folder, person, views, room)


def shoot_sample(folder: Path, *, size: tuple[int, int], spp: int) -> dict:
    """The sample pair of the repository: one woman in a bright room."""
    from tools.sample_photos.people import named_person

    person = named_person("sample")
    room = Room(back=1.15, left=1.75, right=1.6, front=3.6, wall="cream", floor="oak", window_side=-1, window_z=1.3,
                daylight=9.0, lamp=5.0, seed=5, pieces=("shelf", "door", "plant"))  # fmt: skip
    cameras = {
        "front": PhoneCamera(size, 26.0, 2.35, 1.28, 0.03, 0.15, 0.01, 0.006),
        "side": PhoneCamera(size, 26.0, 2.40, 1.24, -0.04, 0.14, -0.012, -0.008),
    }
    return shoot(person, folder, seed=11, size=size, spp=spp, depth=6, room=room, cameras=cameras, texture_size=2048)
