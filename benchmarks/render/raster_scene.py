"""The open body before a camera, for the rasterizer's benchmarks."""

from __future__ import annotations

import numpy as np
import open3d as o3d
import torch

from avatars.open_body import load_open_body

FOCAL = 1.0 / np.tan(np.deg2rad(40.0) / 2)  #: of a field of view of 40 degrees, in normalised device coordinates
DISTANCE = 2.75  #: from the camera to the body [m]: it fills nine tenths of the picture's height


def open_body(betas: dict[int, float] | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices [vertex, 3] around the origin [m] and faces of the open body, arms lowered."""
    model = load_open_body()
    shape = torch.zeros(1, model.n_betas)
    for index, value in (betas or {}).items():
        shape[0, index] = value
    pose = torch.zeros(1, 63)
    pose[0, 15 * 3 + 2], pose[0, 16 * 3 + 2] = -0.9, 0.9
    verts = model.forward(betas=shape, body_pose=pose)[0][0].detach().float()
    middle = 0.5 * (verts[:, 1].max() + verts[:, 1].min())
    return verts - torch.tensor([0.0, float(middle), 0.0]), torch.as_tensor(np.array(model.faces)).long()


def reduced(verts: torch.Tensor, faces: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """About ``count`` faces of the same surface."""
    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(verts.double().numpy()), o3d.utility.Vector3iVector(faces.int().numpy())
    ).simplify_quadric_decimation(count)
    return torch.tensor(np.asarray(mesh.vertices), dtype=torch.float32), torch.tensor(np.asarray(mesh.triangles)).long()


def project(verts: torch.Tensor, turn: float = 0.5) -> torch.Tensor:
    """Normalised device coordinates and view depth of world points, the body turned by ``turn`` [rad]."""
    c, s = np.cos(turn), np.sin(turn)
    x, y, z = verts.unbind(-1)
    depth = DISTANCE - (c * z - s * x)
    return torch.stack((-FOCAL * (c * x + s * z) / depth, FOCAL * y / depth, depth), -1)
