"""Photos of people in garments that Toile draped, to test what is read from such photos: light, cloth, cut.

The body is an open body in a photo's pose, with the skin and hair of a synthetic person.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.types import Body, SceneMesh
from tools.sample_photos.body import body_model
from tools.sample_photos.camera import PhoneCamera
from tools.sample_photos.develop import denoise, develop
from tools.sample_photos.people import Person
from tools.sample_photos.room import Room, room_scene
from tools.sample_photos.scene import Surface, coverage, path_trace
from tools.sample_photos.studio import dressed_surfaces, hair_material, hair_of

__all__ = ["cloth_surface", "photograph_look", "sun_and_sky"]

#: SMPL-X joints of the names that hair is placed by.
JOINTS = {"pelvis": 0, "neck": 12, "head": 15, "eye_l": 23, "eye_r": 24, "shoulder_l": 16, "shoulder_r": 17}


def sun_and_sky(direction: np.ndarray, *, sun: float = 2.0, sky: float = 0.5) -> dict:
    """In place of a room: a sun in a known direction, an even sky, a grey floor and wall, as Mitsuba entries.

    Args:
        direction: towards the sun, unit, shape [3].
        sun: irradiance; sky: radiance.
    """
    import mitsuba as mi

    T = mi.ScalarTransform4f
    grey = {"type": "twosided", "bsdf": {"type": "diffuse", "reflectance": {"type": "rgb", "value": [0.4, 0.4, 0.4]}}}
    return {
        "sun": {"type": "directional", "direction": [float(-v) for v in direction],
                "irradiance": {"type": "rgb", "value": [sun, 0.97 * sun, 0.9 * sun]}},
        "sky": {"type": "constant", "radiance": {"type": "rgb", "value": [0.96 * sky, sky, 1.05 * sky]}},
        "floor": {"type": "rectangle", "to_world": T().rotate([1, 0, 0], -90).scale([8, 8, 1]), "bsdf": grey},
    }  # fmt: skip


def cloth_surface(mesh: SceneMesh) -> Surface:
    """A draped garment in its colour or print."""
    import mitsuba as mi

    base = np.array(mesh.material.base_color[:3], np.float32)
    colour: dict = {"type": "rgb", "value": [float(c) for c in base]}
    if mesh.material.texture is not None:
        x = mesh.material.texture.astype(np.float32) / 255
        linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4) * base
        colour = {"type": "bitmap", "bitmap": mi.Bitmap(np.ascontiguousarray(linear, np.float32)), "raw": True}
    bsdf = {"type": "twosided", "bsdf": {"type": "principled", "base_color": colour, "roughness": 0.85,
                                         "specular": 0.2, "sheen": 0.3}}  # fmt: skip
    surface = Surface(mesh.vertices, mesh.normals, mesh.faces, bsdf)
    surface.uv = mesh.uv * [1, -1] + [0, 1]  # already one for each vertex; Mitsuba's v runs up the picture
    return surface


def photograph_look(
    body: Body, garments: Sequence[SceneMesh], person: Person, place: Room | dict, camera: PhoneCamera, *,
    spp: int = 16, seed: int = 0, grain: float = 0.01, hair: bool = True, own: tuple[str, ...] = (),
) -> np.ndarray:  # fmt: skip
    """A phone's picture of a look, sRGB uint8 [H, W, 3].

    Args:
        body: posed, upright on the floor, facing +Z; of the open body's mesh.
        garments: draped on it.
        person: whose skin and hair it has.
        place: a room, or Mitsuba entries such as :func:`sun_and_sky` gives.
        own: pieces of the person's own outfit that they keep on.
    """
    vertices = np.asarray(body.vertices, np.float64)
    if len(vertices) != len(body_model().template):
        raise ValueError("the body is not of the open body's mesh")
    joints = {name: np.asarray(body.joints[i], np.float64) for name, i in JOINTS.items()}
    bare = dressed_surfaces(person, vertices, texture_size=1024)
    surfaces = {name: s for name, s in bare.items() if name in ("skin", "eyes", *own)}
    surfaces |= {f"cloth{i}": cloth_surface(mesh) for i, mesh in enumerate(garments)}
    strands = hair_of(person, vertices, joints) if hair else None
    scene = room_scene(place) if isinstance(place, Room) else place
    buffers = path_trace(surfaces, scene, camera, strands=strands, hair_bsdf=hair_material(person), spp=spp, depth=5,
                         seed=seed)  # fmt: skip
    return develop(denoise(buffers, coverage(surfaces, camera, strands=strands)), seed=seed, grain=grain)
