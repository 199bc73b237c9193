"""Meshes to begin with: a sphere and a ring."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import normalize

from engine.core.errors import ArgumentError
from render.diff.meshes import Meshes

__all__ = ["ico_sphere", "torus"]


def ico_sphere(level: int = 0, device="cpu") -> Meshes:
    """A sphere of radius 1: an icosahedron whose triangles are split in four ``level`` times."""
    golden = (1 + 5**0.5) / 2
    ends = torch.tensor([[-1.0, golden, 0.0], [1.0, golden, 0.0], [-1.0, -golden, 0.0], [1.0, -golden, 0.0]])
    verts = torch.cat([ends, ends.roll(1, 1), ends.roll(2, 1)])
    distance = torch.cdist(verts, verts)
    near = (distance < 2.1) & (distance > 0.1)
    faces = torch.tensor(
        [[a, b, c] for a in range(12) for b in range(a + 1, 12) for c in range(b + 1, 12)
         if near[a, b] and near[b, c] and near[a, c]]
    )  # fmt: skip
    corners = verts[faces]
    outwards = (torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) * corners[:, 0]).sum(1)
    faces = torch.where(outwards[:, None] > 0, faces, faces[:, [0, 2, 1]])
    verts = normalize(verts)
    for _ in range(level):
        mesh = Meshes([verts], [faces])
        edges, index = mesh.edges_packed(), mesh.faces_packed_to_edges_packed() + len(verts)
        (a, b, c), (d, e, f) = faces.T, index.T  # d is the middle opposite a
        faces = torch.cat([torch.stack(t, 1) for t in ((a, f, e), (f, b, d), (e, d, c), (d, e, f))])
        verts = normalize(torch.cat([verts, verts[edges].mean(1)]))
    return Meshes([verts.to(device)], [faces.to(device)])


def torus(r: float, R: float, sides: int, rings: int, device=None) -> Meshes:
    """A ring about z: a circle of radius ``r`` and ``sides`` points, ``rings`` times on a circle of radius ``R``."""
    if sides <= 0 or rings <= 0:
        raise ArgumentError("mesh.torus", f"a torus of {rings} rings of {sides} sides", "both are above 0")
    across, around = torch.meshgrid(torch.arange(rings), torch.arange(sides), indexing="ij")
    phi, theta = 2 * math.pi * across / rings, 2 * math.pi * around / sides
    out = R + r * theta.cos()
    verts = torch.stack((out * phi.cos(), out * phi.sin(), r * theta.sin()), -1).reshape(-1, 3)
    a = across * sides + around
    b, d = (across + 1) % rings * sides + around, across * sides + (around + 1) % sides
    c = (across + 1) % rings * sides + (around + 1) % sides
    faces = torch.stack((torch.stack((a, b, c), -1), torch.stack((c, d, a), -1)), 2)
    faces = faces.roll((1, 1), (0, 1)).reshape(-1, 3)  # PyTorch3D's order
    return Meshes([verts.to(device)], [faces.to(device)])
