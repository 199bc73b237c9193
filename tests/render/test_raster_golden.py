"""Parity with fragments, silhouettes and gradients that the real PyTorch3D made."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from render.raster import rasterize_meshes
from render.raster.blend import sigmoid_alpha

SHARED = Path(os.environ.get("TOILE_SHARED") or Path(__file__).parents[3] / "shared")
GOLDEN = SHARED / "data" / "pytorch3d_golden"
FILES = sorted(p for p in GOLDEN.glob("*.npz") if not p.stem.startswith("extra") and not p.stem.endswith("_scene"))


def stored(data, keep: int):
    """The fragments of a golden file as dense arrays, the pixels that are stored, and the used places."""
    first, step = data["sub_start_step"] if "sub_start_step" in data else (0, 1)
    pixels = (slice(first, None, step), slice(first, None, step))
    used = np.arange(keep) < data["count"][pixels][..., None]
    dense = {}
    for name in ("pix_to_face", "zbuf", "dists", "bary"):
        dense[name] = np.full(used.shape + data[name].shape[1:], -1.0)
        dense[name][used] = data[name]
    return dense, pixels, used


def compare(found, data, keep: int) -> None:
    """Holds fragments to the limits: which faces, depths, distances, barycentric coordinates."""
    want, pixels, used = stored(data, keep)
    faces, zbuf, bary, dists = (part[0].detach().numpy()[pixels] for part in found)
    count = (found[0][0] >= 0).sum(-1).numpy()
    assert np.mean(count == data["count"]) >= 0.999
    assert np.sum((faces != want["pix_to_face"]) & (used | (faces >= 0))) <= 1e-3 * used.sum()
    equal = (faces == want["pix_to_face"]) & used
    assert np.abs(zbuf - want["zbuf"])[equal].max() <= 1e-5
    assert np.abs(dists - want["dists"])[equal].max() <= 1e-7
    assert np.quantile(np.abs(bary - want["bary"])[equal], 0.999) <= 1e-4


@pytest.mark.skipif(not FILES, reason="no golden data from PyTorch3D here (set TOILE_SHARED)")
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_parity_with_pytorch3d(path):
    data, scene = np.load(path), np.load(GOLDEN / f"{path.stem.split('_')[0]}_scene.npz")
    keep, blur, size = int(data["K"]), float(data["blur_radius"]), tuple(int(n) for n in data["size"])
    verts = torch.tensor(scene["verts_ndc"]).requires_grad_()
    found = rasterize_meshes(
        verts,
        torch.tensor(scene["faces"].astype(np.int64)),
        image_size=size,
        blur_radius=blur,
        faces_per_pixel=keep,
        perspective_correct=True,
        clip_barycentric_coords=blur > 0,
        z_clip_value=0.05,
    )
    compare(found, data, keep)
    pix_to_face, zbuf, bary, dists = found
    rows, columns = np.mgrid[: size[0], : size[1]]
    weight = torch.tensor(np.sin(0.1 * columns + 0.07 * rows + 0.3).astype(np.float32))
    if blur > 0:
        alpha = sigmoid_alpha(dists, pix_to_face, 1e-4)[0]
        assert np.mean(np.abs(alpha.detach().numpy() - data["alpha"]) > 1e-5) <= 5e-4
        loss = (alpha * weight).sum()
    else:
        covered = pix_to_face[0, ..., 0] >= 0
        value = zbuf[0, ..., 0] + bary[0, ..., 0, :] @ torch.tensor([1.0, 2.0, 3.0])
        loss = (value * weight)[covered].sum()
    loss.backward()
    want = data["grad_verts_ndc"]
    limit = 1e-2 if keep == 8 else 1e-3
    assert np.linalg.norm(verts.grad.numpy() - want) <= limit * np.linalg.norm(want)
