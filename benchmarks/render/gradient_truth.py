"""Are silhouette gradients right? python benchmarks/render/gradient_truth.py [--size 256] [--threads 1]

Compares the gradients of every silhouette mode with central finite differences of the true coverage (a picture of
4096 x 4096, averaged; its values only), on the open body, for rigid motion, inflation and shape directions, for a
linear and an L2 loss. Prints one JSON line: the ratio gradient / truth of each case, and per mode the range of the
ratios and the number of wrong signs.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch
from raster_scene import open_body, project

from engine.core.taichi_runtime import init
from render.raster import MeshEdges, coverage, rasterize_meshes
from render.raster.blend import sigmoid_alpha

FINE = 4096  #: side of the true picture [px]
STEP = 0.1  #: largest motion of a vertex in the finite difference [px of the small picture]
SOFT = {"soft 1e-4 K 8": (1e-4, 8), "soft 1e-4 K 50": (1e-4, 50), "soft 1e-5 K 50": (1e-5, 50)}


def true_coverage(verts: torch.Tensor, faces: torch.Tensor, edges: MeshEdges, size: int) -> torch.Tensor:
    """Covered share of each pixel, from a picture of FINE x FINE whose own border pixels are sampled 64 times."""
    fine = coverage(project(verts), faces, FINE, edges=edges)
    return torch.nn.functional.avg_pool2d(fine, FINE // size)[0]


def soft_silhouette(verts_ndc, faces, size: int, sigma: float, keep: int) -> torch.Tensor:
    pix_to_face, _, _, dists = rasterize_meshes(
        verts_ndc, faces, image_size=size, blur_radius=float(np.log(1 / 1e-4 - 1)) * sigma, faces_per_pixel=keep,
        perspective_correct=True, clip_barycentric_coords=True,
    )  # fmt: skip
    return sigmoid_alpha(dists, pix_to_face, sigma)[0]


def directions(verts: torch.Tensor, faces: torch.Tensor) -> dict[str, torch.Tensor]:
    """Motions of the vertices in the world, shape [vertex, 3]."""
    corners = verts[faces]
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inflation = torch.zeros_like(verts)
    for i in range(3):
        inflation.index_add_(0, faces[:, i], normals)
    found = {f"translation {axis}": torch.eye(3)[i].expand_as(verts) for i, axis in enumerate("xyz")}
    found["inflation"] = torch.nn.functional.normalize(inflation, dim=1)
    for index in range(4):
        found[f"shape {index}"] = open_body({index: 1.0})[0] - verts
    return found


def main(size: int, threads: int) -> dict:
    init(device="cpu", threads=threads)
    torch.set_num_threads(threads)
    started = time.process_time()
    verts, faces = open_body()
    edges = MeshEdges(faces, len(verts))
    rows, columns = np.mgrid[:size, :size]
    weight = torch.tensor(np.sin(0.1 * columns + 0.07 * rows + 0.3), dtype=torch.float32)
    target = true_coverage(
        open_body({0: 1.5, 1: -1.0, 2: 1.0})[0] + torch.tensor([0.02, 0.015, 0.0]), faces, edges, size
    )
    losses = {"linear": lambda a: (weight * a).sum(), "L2": lambda a: (a - target).square().sum()}
    modes = {"edge": lambda v: coverage(v, faces, size, edges=edges)[0]}
    for name, (sigma, keep) in SOFT.items():
        modes[name] = lambda v, sigma=sigma, keep=keep: soft_silhouette(v, faces, size, sigma, keep)

    gradients = {}
    for mode, picture in modes.items():
        for loss, measure in losses.items():
            leaf = verts.clone().requires_grad_()
            measure(picture(project(leaf))).backward()
            gradients[mode, loss] = leaf.grad
    cases = []
    for name, motion in directions(verts, faces).items():
        shift = (project(verts + 1e-3 * motion) - project(verts))[:, :2].norm(dim=1).max() * 1e3
        step = float(STEP * 2.0 / size / shift)
        ahead, behind = (true_coverage(verts + sign * step * motion, faces, edges, size) for sign in (1, -1))
        for loss, measure in losses.items():
            truth = float(measure(ahead) - measure(behind)) / (2 * step)
            ratios = {mode: round(float((gradients[mode, loss] * motion).sum()) / truth, 4) for mode in modes}
            cases.append({"direction": name, "loss": loss, "truth": round(truth, 3), **ratios})
    summary = {
        mode: {
            "lowest": min(case[mode] for case in cases),
            "highest": max(case[mode] for case in cases),
            "wrong_sign": sum(case[mode] < 0 for case in cases),
        }
        for mode in modes
    }
    return {
        "size": size, "faces": len(faces), "cases": cases, "modes": summary,
        "cpu_s": round(time.process_time() - started, 1),
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    print(json.dumps(main(args.size, args.threads)))
