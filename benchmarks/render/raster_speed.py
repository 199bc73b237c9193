"""Seconds and memory of the rasterizer:
OMP_WAIT_POLICY=passive python benchmarks/render/raster_speed.py [--threads 2] [--repeats 5]

(Without that policy, torch's idle threads spin, and take the kernels' processors from them on a busy machine.)

Forward + backward on the open body, reduced to 13,000 faces (soft and hard) or whole (coverage), beside the seconds of
PyTorch3D 0.7.9 on two cores of the same kind. Prints one JSON line: best wall and processor seconds of each case, and
the peak resident memory of a fresh process that does only soft 512 x 512, K = 50.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from engine.core.taichi_runtime import init
from render.raster import MeshEdges, coverage, rasterize_meshes
from render.raster.blend import sigmoid_alpha

BLUR = float(np.log(1 / 1e-4 - 1) * 1e-4)
#: seconds of PyTorch3D 0.7.9, forward + backward, two cores, 13,000 faces
PYTORCH3D = {"soft 256 K 8": 2.5 + 2.6, "soft 256 K 50": 2.7 + 12.8, "soft 512 K 50": 10.4 + 50.4, "hard 1024": 35.2}


def soft(verts, faces, size: int, keep: int) -> None:
    pix_to_face, _, _, dists = rasterize_meshes(
        verts, faces, image_size=size, blur_radius=BLUR, faces_per_pixel=keep, perspective_correct=True,
        clip_barycentric_coords=True, z_clip_value=0.05,
    )  # fmt: skip
    sigmoid_alpha(dists, pix_to_face, 1e-4).sum().backward()


def hard(verts, faces, size: int) -> None:
    _, zbuf, _, _ = rasterize_meshes(
        verts, faces, image_size=size, faces_per_pixel=1, perspective_correct=True, z_clip_value=0.05
    )
    zbuf.sum().backward()


def measure(work, verts: torch.Tensor, repeats: int) -> dict[str, float]:
    """Best wall and processor seconds of several runs, after one that warms up."""
    runs = []
    for _ in range(repeats + 1):
        leaf = verts.clone().requires_grad_()
        wall, cpu = time.perf_counter(), time.process_time()
        work(leaf)
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = np.min(runs[1:], axis=0)
    return {"wall_s": round(float(wall), 4), "cpu_s": round(float(cpu), 4)}


def main(threads: int, repeats: int) -> dict:
    from raster_scene import open_body, project, reduced  # not in the process whose memory is measured

    init(device="cpu", threads=threads)
    torch.set_num_threads(threads)
    whole, whole_faces = open_body()
    small, faces = reduced(whole, whole_faces, 13_000)
    small, whole = project(small), project(whole)
    edges = MeshEdges(whole_faces, len(whole))
    cases = {
        "soft 256 K 8": measure(lambda v: soft(v, faces, 256, 8), small, repeats),
        "soft 256 K 50": measure(lambda v: soft(v, faces, 256, 50), small, repeats),
        "soft 512 K 50": measure(lambda v: soft(v, faces, 512, 50), small, repeats),
        "hard 1024": measure(lambda v: hard(v, faces, 1024), small, repeats),
        "edge 512": measure(lambda v: coverage(v, whole_faces, 512, edges=edges).sum().backward(), whole, repeats),
    }
    for name, seconds in PYTORCH3D.items():
        cases[name]["pytorch3d_s"] = seconds
        cases[name]["times_faster"] = round(seconds / cases[name]["wall_s"], 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.npz"
        np.savez(path, verts=small.numpy(), faces=faces.numpy())
        run = [sys.executable, __file__, "--memory", str(path)]
        child = subprocess.run(run, capture_output=True, text=True, check=True)
    return {
        "threads": threads,
        "faces": len(faces),
        "edge_faces": len(whole_faces),
        **cases,
        **json.loads(child.stdout),
    }


def memory(path: str) -> dict[str, int]:
    """Peak resident memory [MB] of this process before and after three passes of soft 512 x 512, K = 50."""
    init(device="cpu", threads=1)
    mesh = np.load(path)
    verts, faces = torch.tensor(mesh["verts"]), torch.tensor(mesh["faces"])
    before = peak_mb()
    for _ in range(3):
        soft(verts.clone().requires_grad_(), faces, 512, 50)
    return {"memory_before_mb": before, "memory_peak_mb": peak_mb()}


def peak_mb() -> int:
    """Peak resident memory [MB]; from the kernel's own file, since ru_maxrss remembers the process that forked."""
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", metavar="MESH.NPZ", help="print only this process' memory, on this mesh")
    args = parser.parse_args()
    print(json.dumps(memory(args.memory) if args.memory else main(args.threads, args.repeats)))
