"""Puts a person, a room and a phone camera into a Mitsuba 3 scene and path-traces it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from tools.sample_photos.camera import PhoneCamera

__all__ = ["Surface", "coverage", "path_trace", "use_variant"]

_LLVM = ("/usr/lib/x86_64-linux-gnu/libLLVM.so.19.1", "/usr/lib/llvm-19/lib/libLLVM.so.19.1",
         "/usr/lib/x86_64-linux-gnu/libLLVM-15.so.1")  # fmt: skip


def use_variant(threads: int | None = None) -> str:
    """Chooses Mitsuba's vectorised LLVM variant where LLVM is found, else ``scalar_rgb``; returns its name."""
    for path in _LLVM:
        if "DRJIT_LIBLLVM_PATH" not in os.environ and Path(path).exists():
            os.environ["DRJIT_LIBLLVM_PATH"] = path
    import drjit as dr
    import mitsuba as mi

    if mi.variant() is None:
        try:
            mi.set_variant("llvm_ad_rgb")
            dr.eval(mi.Float([1.0]) + 1)  # the library is loaded on first use
        except (ImportError, RuntimeError, AttributeError):
            mi.set_variant("scalar_rgb")
    if threads and mi.variant() != "scalar_rgb":
        dr.set_thread_count(threads)
    return mi.variant()


class Surface:
    """Triangles with normals and texture coordinates per corner, and a Mitsuba BSDF dictionary."""

    def __init__(self, vertices, normals, faces, bsdf, uv=None, uv_faces=None):
        if uv is not None:  # a vertex on a texture seam has several texture coordinates: split it
            corner = np.stack([faces.ravel(), uv_faces.ravel()], 1)
            pairs, index = np.unique(corner, axis=0, return_inverse=True)
            faces = index.reshape(-1, 3)
            vertices, normals = vertices[pairs[:, 0]], normals[pairs[:, 0]]
            uv = uv[pairs[:, 1]] * [1, -1] + [0, 1]  # Mitsuba's v runs down the picture
        self.vertices, self.normals, self.faces, self.uv, self.bsdf = vertices, normals, faces, uv, bsdf

    def mesh(self, name: str):
        """The Mitsuba mesh."""
        import mitsuba as mi

        props = mi.Properties()
        props["mesh_bsdf"] = mi.load_dict(self.bsdf)
        mesh = mi.Mesh(name, len(self.vertices), len(self.faces), has_vertex_normals=True,
                       has_vertex_texcoords=self.uv is not None, props=props)  # fmt: skip
        params = mi.traverse(mesh)
        params["vertex_positions"] = np.ravel(self.vertices).astype(np.float32)
        params["vertex_normals"] = np.ravel(self.normals).astype(np.float32)
        params["faces"] = np.ravel(self.faces).astype(np.uint32)
        if self.uv is not None:
            params["vertex_texcoords"] = np.ravel(self.uv).astype(np.float32)
        params.update()
        return mesh


def _sensor(camera: PhoneCamera, spp: int) -> dict:
    import mitsuba as mi

    w, h = camera.size
    # Mitsuba's camera looks along +z with x to the left and y up; OpenCV's has x right and y down.
    to_world = np.linalg.inv(camera.world_to_camera) @ np.diag([-1.0, -1.0, 1.0, 1.0])
    return {
        "type": "perspective", "fov_axis": "y", "fov": float(np.degrees(2 * np.arctan(h / 2 / camera.focal_px))),
        "near_clip": 0.05, "far_clip": 50.0, "to_world": mi.ScalarTransform4f(to_world),
        "film": {"type": "hdrfilm", "width": w, "height": h, "pixel_format": "rgba", "rfilter": {"type": "box"}},
        "sampler": {"type": "independent", "sample_count": spp},
    }  # fmt: skip


def _person(surfaces: dict[str, Surface], strands: np.ndarray | None, hair_bsdf: dict | None, folder: Path) -> dict:
    from tools.sample_photos.hair import write_strands

    scene = {f"person_{name}": surface.mesh(name) for name, surface in surfaces.items()}
    if strands is not None:
        path = folder / "strands.txt"
        write_strands(path, strands, 0.00032)
        scene["person_hair"] = {"type": "bsplinecurve", "filename": str(path), "bsdf": hair_bsdf}
    return scene


def path_trace(
    surfaces: dict[str, Surface], room: dict, camera: PhoneCamera, *, strands: np.ndarray | None = None,
    hair_bsdf: dict | None = None, spp: int = 32, depth: int = 5, seed: int = 0,
) -> dict[str, np.ndarray]:
    """Radiance and the buffers that guide the denoiser.

    Returns:
        ``rgb``, ``albedo`` and ``normal``, shape [H, W, 3], ``depth`` [m], shape [H, W].
    """  # fmt: skip
    import mitsuba as mi

    per_pass = 4
    with tempfile.TemporaryDirectory() as folder:
        scene = mi.load_dict({
            "type": "scene", "sensor": _sensor(camera, per_pass),
            "integrator": {"type": "aov", "aovs": "albedo:albedo,nn:sh_normal,dd:depth",
                           "image": {"type": "path", "max_depth": depth, "rr_depth": 4}},
            **room, **_person(surfaces, strands, hair_bsdf, Path(folder)),
        })  # fmt: skip
        total = None
        passes = max(1, spp // per_pass)
        for k in range(passes):
            image = np.array(mi.render(scene, spp=per_pass, seed=(seed * 1000 + k) % (1 << 31)), np.float32)
            image = np.nan_to_num(image, posinf=50.0)
            image[..., :3] = np.minimum(image[..., :3], 12.0)  # fireflies
            total = image if total is None else total + image
    total /= passes
    rest = total[..., 4:]
    return {"rgb": total[..., :3], "albedo": rest[..., :3].clip(0, 1), "normal": rest[..., 3:6], "depth": rest[..., 6]}


def coverage(
    surfaces: dict[str, Surface], camera: PhoneCamera, *, strands: np.ndarray | None = None, spp: int = 16
) -> np.ndarray:
    """How much of each pixel the person covers (0..1), unoccluded, shape [H, W]."""
    import mitsuba as mi

    plain = {"type": "diffuse"}
    sensor = _sensor(camera, spp)
    sensor["sampler"]["type"] = "stratified"
    with tempfile.TemporaryDirectory() as folder:
        scene = mi.load_dict({
            "type": "scene", "sensor": sensor, "integrator": {"type": "direct"},
            **_person(surfaces, strands, plain, Path(folder)),
        })  # fmt: skip
        return np.array(mi.render(scene, spp=spp), np.float32)[..., 3].clip(0, 1)
