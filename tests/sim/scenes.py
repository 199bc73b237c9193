"""Small garments and bodies for the simulator's tests."""

import numpy as np
import trimesh

from engine.core.mesh import subdivide
from engine.core.types import Body, Fabric, Garment


def cotton(**changes) -> Fabric:
    """A plain cotton."""
    values = dict(
        name="cotton", label="Cotton", areal_density=0.15, thickness=0.0005, stretch_warp=2000.0, stretch_weft=1500.0,
        stretch_bias=400.0, shear=150.0, bend_warp=1e-5, bend_weft=8e-6, bend_bias=7e-6, friction_static=0.35,
        friction_dynamic=0.3, damping=0.05,
    )
    return Fabric(**(values | changes))


def body_from(mesh: trimesh.Trimesh) -> Body:
    """A body that is only a contact surface."""
    v, f = np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.int32)
    return Body(
        vertices=v, faces=f, joints=np.zeros((55, 3), np.float32), skinning_weights=np.zeros((len(v), 55), np.float32),
        contact_vertices=v, contact_faces=f, contact_segment=np.zeros(len(v), np.int32),
        betas=np.zeros(10, np.float32), betas_std=np.zeros(10, np.float32), global_orient=np.zeros(3, np.float32),
        body_pose=np.zeros((21, 3), np.float32), left_hand_pose=np.zeros((15, 3), np.float32),
        right_hand_pose=np.zeros((15, 3), np.float32), transl=np.zeros(3, np.float32), landmarks={}, measurements={},
    )


def rectangle(width: float, height: float, edge: float):
    """Grid mesh of a rectangle with alternating diagonals, y up: uv [N, 2], faces [T, 3], shape (columns, rows)."""
    nx, ny = max(int(round(width / edge)), 1), max(int(round(height / edge)), 1)
    x, y = np.meshgrid(np.linspace(-width / 2, width / 2, nx + 1), np.linspace(0, height, ny + 1), indexing="xy")
    uv = np.stack([x.ravel(), y.ravel()], 1)
    j, i = np.meshgrid(np.arange(ny), np.arange(nx), indexing="ij")
    a = (j * (nx + 1) + i).ravel()
    b, d = a + 1, a + nx + 1
    c = d + 1
    even = ((i + j) % 2 == 0).ravel()[:, None]
    t0 = np.where(even, np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    t1 = np.where(even, np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    return uv, np.stack([t0, t1], 1).reshape(-1, 3), (nx + 1, ny + 1)


def assemble(panels, pairs, fabric: Fabric, *, name: str = "test") -> Garment:
    """A garment of (uv, faces, positions) panels and seam pairs given as ((panel, vertex), (panel, vertex))."""
    start = np.cumsum([0] + [len(p[0]) for p in panels])
    seam = np.array([[start[a[0]] + a[1], start[b[0]] + b[1]] for a, b in pairs], np.int32).reshape(-1, 2)
    n = start[-1]
    panel_id = np.concatenate([np.full(len(p[1]), k) for k, p in enumerate(panels)])
    return Garment(
        rest_uv=np.concatenate([p[0] for p in panels]).astype(np.float32),
        faces=np.concatenate([p[1] + start[k] for k, p in enumerate(panels)]).astype(np.int32),
        positions=np.concatenate([p[2] for p in panels]).astype(np.float32), seam_pairs=seam,
        seam_ids=np.zeros(len(seam), np.int32), seam_angles=np.zeros(len(seam), np.float32),
        panel_id=panel_id.astype(np.int32),
        vertex_panel=np.concatenate([np.full(len(p[0]), k) for k, p in enumerate(panels)]).astype(np.int32),
        layer=np.zeros(n, np.int32), grain=np.full(len(panels), np.pi / 2, np.float32),
        bend_scale=np.ones(len(panel_id), np.float32), fabrics=(fabric,) * len(panels),
        panel_names=tuple(f"panel_{k}" for k in range(len(panels))), name=name,
    )


def refined(garment: Garment) -> Garment:
    """The garment one level finer."""
    n = len(garment.positions)
    faces, edges = subdivide(garment.faces, n)
    lookup = {tuple(e): n + k for k, e in enumerate(edges.tolist())}
    mate: dict[int, list[int]] = {}
    for a, b in garment.seam_pairs.tolist():
        mate.setdefault(a, []).append(b)
    pairs = garment.seam_pairs.tolist()
    for a0, a1 in edges.tolist():
        for b0 in mate.get(a0, ()):
            for b1 in mate.get(a1, ()):
                other = lookup.get((min(b0, b1), max(b0, b1)))
                if other is not None and other != lookup[a0, a1]:
                    pairs.append([lookup[a0, a1], other])
    mid = lambda v: np.concatenate([v, v[edges].mean(1)]).astype(np.float32)  # noqa: E731
    pairs = np.array(pairs, np.int32).reshape(-1, 2)
    return Garment(
        rest_uv=mid(garment.rest_uv), faces=faces, positions=mid(garment.positions), seam_pairs=pairs,
        seam_ids=np.zeros(len(pairs), np.int32), seam_angles=np.zeros(len(pairs), np.float32),
        panel_id=np.repeat(garment.panel_id, 4), vertex_panel=np.concatenate(
            [garment.vertex_panel, garment.vertex_panel[edges[:, 0]]]),
        layer=np.zeros(len(garment.layer) + len(edges), np.int32), grain=garment.grain,
        bend_scale=np.repeat(garment.bend_scale, 4), fabrics=garment.fabrics, panel_names=garment.panel_names,
        name=garment.name, coarser=garment,
    )


def tube(
    *, girth: float, height: float, edge: float, gap: float, bottom: float, fabric: Fabric | None = None
) -> Garment:
    """Two rectangles in front of and behind the y axis, to be sewn along both sides."""
    uv, faces, (nx, ny) = rectangle(girth / 2, height, edge)
    front = np.stack([uv[:, 0], uv[:, 1] + bottom, np.full(len(uv), gap)], 1)
    back = np.stack([-uv[:, 0], uv[:, 1] + bottom, np.full(len(uv), -gap)], 1)
    pairs = []
    for r in range(ny):
        pairs.append(((0, r * nx), (1, r * nx + nx - 1)))
        pairs.append(((0, r * nx + nx - 1), (1, r * nx)))
    return assemble([(uv, faces, front), (uv, faces, back)], pairs, fabric or cotton(), name="tube")


def capsule(radius: float, bottom: float, top: float) -> trimesh.Trimesh:
    """A vertical capsule around the y axis between two heights."""
    mesh = trimesh.creation.capsule(height=top - bottom - 2 * radius, radius=radius, count=[48, 48])
    mesh.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    mesh.apply_translation([0, (top + bottom) / 2 - mesh.bounds.mean(0)[1], 0])
    return mesh
