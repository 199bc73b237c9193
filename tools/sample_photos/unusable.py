"""Photos that the photo fit must refuse: somebody sitting, two people, an empty room, feet out of the picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tools.sample_photos.body import Pose, body_model
from tools.sample_photos.camera import PhoneCamera, save_jpeg
from tools.sample_photos.develop import denoise, develop
from tools.sample_photos.people import Person, named_person
from tools.sample_photos.room import Room, box, room_scene
from tools.sample_photos.scene import Surface, coverage, path_trace
from tools.sample_photos.studio import dressed_surfaces, hair_material, hair_of

__all__ = ["SITTING", "shoot_unusable"]

SITTING = Pose(arm_abduction=(0.12, 0.12), arm_flexion=(0.35, 0.35), elbow_flexion=(0.9, 0.9),
               leg_abduction=(0.12, 0.12), leg_flexion=(1.5, 1.5), knee_flexion=(1.5, 1.5))  # fmt: skip


def shoot_unusable(folder: Path, *, size: tuple[int, int], spp: int) -> list[Path]:
    """Writes ``sitting``, ``two_people``, ``empty_room`` and ``feet_cut_off`` (JPEG) and returns their paths."""
    room = Room(back=1.3, left=1.9, right=1.9, front=3.8, wall="grey", floor="oak", seed=21, pieces=("door", "plant"))
    camera = PhoneCamera(size, 26.0, 2.6, 1.25, pitch=0.13)
    woman, man = named_person("quick_woman"), named_person("quick_man")
    stand = Pose(arm_abduction=(0.35, 0.35))
    shots = {
        "sitting": ([(woman, SITTING, 0.0)], camera, True),
        "two_people": ([(woman, stand, -0.42), (man, stand, 0.42)], camera, False),
        "empty_room": ([], camera, False),
        "feet_cut_off": ([(woman, stand, 0.0)], replace(camera, distance=1.75, pitch=-0.06), False),
    }
    paths = []
    for k, (name, (people, phone, stool)) in enumerate(shots.items()):
        scene = room_scene(room)
        if stool:
            pose_vertices, joints = body_model().posed(woman.shape, SITTING)
            seat = float(pose_vertices[pose_vertices[:, 2] < joints["knee_l"][2] - 0.15][:, 1].min())
            scene["stool"] = box((0, seat / 2, -0.02), (0.42, seat, 0.4), (0.3, 0.2, 0.12))
        paths.append(folder / f"{name}.jpg")
        save_jpeg(paths[-1], _group_photo(people, scene, phone, spp=spp, seed=k), phone, quality=80)
    return paths


def _group_photo(
    people: list[tuple[Person, Pose, float]], scene: dict, camera: PhoneCamera, *, spp: int, seed: int
) -> np.ndarray:
    """sRGB uint8 picture of people, each shifted sideways [m], shape [H, W, 3]."""
    surfaces: dict[str, Surface] = {}
    strands, material = [], None
    for k, (person, pose, shift) in enumerate(people):
        vertices, joints = body_model().posed(person.shape, pose)
        hair = hair_of(person, vertices, joints) + [shift, 0, 0]
        strands.append(hair)
        material = hair_material(person)
        dressed = dressed_surfaces(person, vertices + [shift, 0, 0], texture_size=1024)
        surfaces |= {f"{name}_{k}": surface for name, surface in dressed.items()}
    hair = np.concatenate(strands) if strands else None
    buffers = path_trace(surfaces, scene, camera, strands=hair, hair_bsdf=material, spp=spp, depth=4, seed=seed)
    covered = coverage(surfaces, camera, strands=hair) if people else np.zeros(buffers["depth"].shape, np.float32)
    return develop(denoise(buffers, covered), seed=seed)
