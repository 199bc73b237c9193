"""One photo from first to last: dress the body, build the scene, trace, develop, and write the ground truth."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tools.sample_photos.body import MEASURING_POSE, Pose, body_model, mass_of
from tools.sample_photos.camera import PhoneCamera, save_jpeg
from tools.sample_photos.clothes import cut_patch, garment_fields, lifted, worn
from tools.sample_photos.develop import denoise, develop
from tools.sample_photos.hair import HAIR_COLOURS, STYLES, grow_hair, scalp_mask
from tools.sample_photos.people import Person
from tools.sample_photos.room import Room, room_scene
from tools.sample_photos.scene import Surface, coverage, path_trace
from tools.sample_photos.skin import SKIN_TONES, paint_skin

__all__ = ["dressed_surfaces", "hair_material", "hair_of", "photograph", "write_person"]


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals, shape [V, 3]."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    out = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(out, faces[:, i], face)
    return out / (np.linalg.norm(out, axis=1, keepdims=True) + 1e-12)


def template_joints() -> dict[str, np.ndarray]:
    """Joints of the template body [m], on the same floor as ``BodyModel.template``."""
    from tools.sample_photos.body import JOINTS

    body = body_model()
    vertices, heads = body._forward({"phenotype": {"gender": 0.5, "age": 0.67}}, None)
    heads = heads - [0, vertices[:, 1].min(), 0]
    return {name: heads[body.bone_index[bone]] for name, bone in JOINTS.items()}


def dressed_surfaces(person: Person, vertices: np.ndarray, *, texture_size: int = 2048) -> dict[str, Surface]:
    """Skin, eyes and clothes of the posed person."""
    import mitsuba as mi

    body, joints = body_model(), template_joints()
    normals = vertex_normals(vertices, body.faces)
    hair = np.asarray(HAIR_COLOURS[person.hair_colour])
    texture = paint_skin(
        body, joints, tone=SKIN_TONES[person.skin], brow=tuple(hair * 0.5 + 0.004), iris=person.iris,
        lipstick=person.lipstick, stubble=person.stubble, seed=person.seed, size=texture_size,
        scalp=scalp_mask(body.template, joints, STYLES[person.hair]), scalp_colour=tuple(hair * 0.5),
    )  # fmt: skip
    bitmap = {"type": "bitmap", "bitmap": mi.Bitmap(texture), "raw": True}
    eyes = (body.uv[body.uv_faces].min(1) > [0.735, 0.915]).all(1)
    skin_bsdf = {"type": "twosided", "bsdf": {"type": "principled", "base_color": bitmap, "roughness": 0.48,
                                              "specular": 0.42, "flatness": 0.0}}  # fmt: skip
    eye_bsdf = {"type": "twosided", "bsdf": {"type": "principled", "base_color": bitmap, "roughness": 0.12,
                                             "specular": 0.5}}  # fmt: skip
    surfaces = {
        "skin": Surface(vertices, normals, body.faces[~eyes], skin_bsdf, body.uv, body.uv_faces[~eyes]),
        "eyes": Surface(vertices, normals, body.faces[eyes], eye_bsdf, body.uv, body.uv_faces[eyes]),
    }
    fields = worn(garment_fields(body.template, joints, body.arm_weight), person.outfit)
    for layer, ((piece, field), colour) in enumerate(zip(fields.items(), person.colours, strict=False)):
        patch, between, weight = cut_patch(body.faces[~eyes], field)
        lerp = lambda m: m[between[:, 0]] * (1 - weight[:, None]) + m[between[:, 1]] * weight[:, None]  # noqa: B023, E731
        normal = lerp(normals)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        cloth = lifted(lerp(vertices), normal, patch, offset=0.0012 + 0.0016 * layer, steps=14)
        bsdf = {"type": "twosided", "bsdf": {"type": "principled", "base_color": _rgb(colour), "roughness": 0.75,
                                             "specular": 0.25, "sheen": 0.5}}  # fmt: skip
        surfaces[piece] = Surface(cloth, vertex_normals(cloth, patch), patch, bsdf)
    return surfaces


def hair_of(person: Person, vertices: np.ndarray, joints: dict[str, np.ndarray]) -> np.ndarray:
    """Strands of the posed person in the world [m], shape [strand, points, 3]."""
    body = body_model()
    return grow_hair(vertices, body.faces, body.template, template_joints(), joints, STYLES[person.hair],
                     seed=person.seed)  # fmt: skip


def hair_material(person: Person) -> dict:
    """Mitsuba BSDF of the person's hair."""
    colour = _rgb(HAIR_COLOURS[person.hair_colour])
    return {"type": "principled", "base_color": colour, "roughness": 0.35, "specular": 0.5}


def _rgb(colour) -> dict:
    return {"type": "rgb", "value": [float(c) for c in colour]}


def photograph(
    person: Person, pose: Pose, room: Room, camera: PhoneCamera, *, spp: int, depth: int = 5, seed: int = 0,
    warmth: float = 0.0, exposure: float = 0.0, grain: float = 0.012, texture_size: int = 2048,
) -> dict:
    """The picture and what it shows.

    Returns:
        ``image`` sRGB uint8 [H, W, 3]; ``mask`` coverage 0..1 with hair and ``mask_no_hair`` [H, W]; ``vertices``
        [m] and ``joints`` {name: m} of the posed body; ``seconds`` of each step.
    """  # fmt: skip
    clock = [time.perf_counter()]
    vertices, joints = body_model().posed(person.shape, pose)
    surfaces = dressed_surfaces(person, vertices, texture_size=texture_size)
    strands = hair_of(person, vertices, joints)
    clock.append(time.perf_counter())
    buffers = path_trace(surfaces, room_scene(room), camera, strands=strands, hair_bsdf=hair_material(person), spp=spp,
                         depth=depth, seed=seed)  # fmt: skip
    clock.append(time.perf_counter())
    mask, bare = coverage(surfaces, camera, strands=strands), coverage(surfaces, camera)
    clock.append(time.perf_counter())
    image = develop(denoise(buffers, mask), seed=seed, warmth=warmth, exposure=exposure, grain=grain)
    clock.append(time.perf_counter())
    steps = dict(zip(("dress", "trace", "masks", "develop"), np.diff(clock).round(2).tolist(), strict=True))
    return {"image": image, "mask": mask, "mask_no_hair": bare, "vertices": vertices, "joints": joints,
            "seconds": steps}  # fmt: skip


def write_person(
    folder: Path, person: Person, views: dict[str, tuple[Pose, PhoneCamera, dict]], room: Room
) -> dict:
    """Writes ``front.jpg``, ``side.jpg``, masks, ``truth.npz`` and ``truth.json``; returns the JSON's content."""
    import cv2

    body = body_model()
    standing, standing_joints = body.posed(person.shape, MEASURING_POSE)
    volume, mass = mass_of(standing, body.faces)
    arrays = {"vertices_measuring": standing, "faces": body.faces}
    truth = {
        "synthetic": True, "name": person.name, "sex": person.sex, "notes": list(person.notes),
        "stature_m": float(np.ptp(standing[:, 1])), "volume_m3": volume, "mass_kg": mass,
        "shape": person.shape, "measuring_pose": asdict(MEASURING_POSE),
        "joints_measuring": {k: v.tolist() for k, v in standing_joints.items()},
        "look": {"skin": person.skin, "hair": person.hair, "outfit": person.outfit},
        "room": asdict(room), "views": {},
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for view, (pose, camera, shot) in views.items():
        save_jpeg(folder / f"{view}.jpg", shot["image"], camera)
        for name in ("mask", "mask_no_hair"):
            cv2.imwrite(str(folder / f"{view}_{name}.png"), (shot[name] * 255 + 0.5).astype(np.uint8))
        arrays |= {f"vertices_{view}": shot["vertices"], f"K_{view}": camera.K,
                   f"world_to_camera_{view}": camera.world_to_camera}  # fmt: skip
        truth["views"][view] = {
            "K": camera.K.tolist(), "world_to_camera": camera.world_to_camera.tolist(), "size": list(camera.size),
            "focal_35mm": camera.focal_35mm, "pose": asdict(pose), "seconds": shot["seconds"],
            "joints": {k: v.tolist() for k, v in shot["joints"].items()},
        }  # fmt: skip
    np.savez_compressed(folder / "truth.npz", **{k: np.asarray(v, np.int32 if k == "faces" else np.float64)
                                                 for k, v in arrays.items()})  # fmt: skip
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))
    return truth
