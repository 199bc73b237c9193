"""How near the rasterizer is to PyTorch3D: python benchmarks/render/raster_parity.py GOLDEN_FOLDER

GOLDEN_FOLDER holds fragments, silhouettes and gradients that the real PyTorch3D made (see its README). Prints one JSON
line: per file the share of pixels with another count, the share of places with another face, the largest differences
on equal places (depth, squared distance, 99.9th percentile of barycentric coordinates), the share of pixels whose alpha
differs by more than 1e-5, and the relative L2 difference of the gradient; and the worst of each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from render import diff
from render.raster import rasterize_meshes


def fragments_of(data, scene) -> tuple[diff.Fragments, torch.Tensor, dict]:
    """Our fragments of a stored case, the world vertices (or rasterizer input) as a leaf, and the case's settings."""
    if "settings" in data:
        settings = json.loads(str(data["settings"]))
    else:
        settings = {
            "image_size": [int(n) for n in data["size"]], "faces_per_pixel": int(data["K"]),
            "blur_radius": float(data["blur_radius"]),
        }  # fmt: skip
    size = settings["image_size"]
    settings["image_size"] = size if isinstance(size, int) else tuple(size)
    verts = torch.tensor(scene["verts"]).float().requires_grad_()
    faces = torch.tensor(scene["faces"].astype(np.int64))
    if "ndc_input" in scene and bool(scene["ndc_input"]):
        return diff.Fragments(*rasterize_meshes(verts, faces, **settings)), verts, settings
    lens = {n: torch.tensor(scene[n]).reshape(-1) for n in ("znear", "zfar")}
    cameras = diff.FoVPerspectiveCameras(
        R=torch.tensor(scene["R"])[None], T=torch.tensor(scene["T"])[None],
        fov=torch.tensor(scene["fov_deg"]).reshape(-1), **lens,
    )  # fmt: skip
    rasterizer = diff.MeshRasterizer(cameras, diff.RasterizationSettings(**settings))
    return rasterizer(diff.Meshes([verts], [faces])), verts, settings


def gradient_difference(found: diff.Fragments, verts: torch.Tensor, data, blur: float) -> tuple[float, float | None]:
    """Relative L2 difference of the stored gradient, and the share of pixels whose alpha differs."""
    alpha_off = None
    if "grad_sum_zbuf_verts" in data:
        want, loss = data["grad_sum_zbuf_verts"], found.zbuf[found.pix_to_face >= 0].sum()
    else:
        want = data["grad_verts_world"]
        rows, columns = np.mgrid[: found.zbuf.shape[1], : found.zbuf.shape[2]]
        weight = torch.tensor(np.sin(0.1 * columns + 0.07 * rows + 0.3).astype(np.float32))
        if blur > 0:
            alpha = diff.SoftSilhouetteShader(diff.BlendParams(sigma=1e-4))(found, None)[0, ..., 3]
            alpha_off = float(np.mean(np.abs(alpha.detach().numpy() - data["alpha"]) > 1e-5))
            loss = (alpha * weight).sum()
        else:
            value = found.zbuf[0, ..., 0] + found.bary_coords[0, ..., 0, :] @ torch.tensor([1.0, 2.0, 3.0])
            loss = (value * weight)[found.pix_to_face[0, ..., 0] >= 0].sum()
    loss.backward()
    return float(np.linalg.norm(verts.grad.numpy() - want) / max(np.linalg.norm(want), 1e-12)), alpha_off


def parity(path: Path) -> dict[str, float]:
    data = np.load(path)
    own = "verts" in data
    found, verts, settings = fragments_of(
        data, data if own else np.load(path.parent / f"{path.stem.split('_')[0]}_scene.npz")
    )
    keep, blur = settings.get("faces_per_pixel", 1), settings.get("blur_radius", 0.0)
    first, step = data["sub_start_step"] if "sub_start_step" in data else (0, 1)
    pixels = (slice(first, None, step), slice(first, None, step))
    used = np.arange(keep) < data["count"][pixels][..., None]
    faces, zbuf, bary, dists = (
        part[0].detach().numpy()[pixels] for part in (found.pix_to_face, found.zbuf, found.bary_coords, found.dists)
    )
    count = (found.pix_to_face[0] >= 0).sum(-1).numpy()
    want = np.full(used.shape, -1)
    want[used] = data["pix_to_face"]
    equal = (faces == want)[used]
    result = {
        "counts_off": float(np.mean(count != data["count"])),
        "faces_off": float(np.sum((faces != want) & (used | (faces >= 0))) / used.sum()),
        "zbuf": float(np.abs(zbuf[used] - data["zbuf"])[equal].max()),
        "dists": float(np.abs(dists[used] - data["dists"])[equal].max()),
        "bary_p999": float(np.quantile(np.abs(bary[used] - data["bary"])[equal], 0.999)),
    }
    result["gradient"], alpha_off = gradient_difference(found, verts, data, blur)
    return result if alpha_off is None else {**result, "alpha_off": alpha_off}


def main(folder: Path) -> dict:
    files = {p.stem: parity(p) for p in sorted(folder.glob("*.npz")) if not p.stem.endswith("_scene")}
    names = {name for result in files.values() for name in result}
    worst = {name: max(r[name] for r in files.values() if name in r) for name in sorted(names)}
    return {"files": files, "worst": worst}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
