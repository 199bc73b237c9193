"""A few steps of a scrap of cloth, for the machine code of the kernels to be there when a garment comes."""

from collections.abc import Iterator

import numpy as np

from engine.core.types import Fabric, Garment
from sim.body_field import DistanceGrid
from sim.level import Level
from sim.phases import SEWING
from sim.solver import StepSettings

__all__ = ["rehearsed"]

EDGE = 0.02  #: of the scrap's mesh [m]
APART = 0.0005  #: of its two layers, so near that they touch [m]
SIDE = 3  #: quads along a layer's side


def rehearsed() -> Iterator[None]:
    """Takes the scrap through what a drape does, a piece at a time; of nothing does anything stay but the kernels."""
    scrap = _scrap()
    nowhere = DistanceGrid(np.ones((2, 2, 2), np.float32), np.zeros(3, np.float32), 1.0)
    level = Level(scrap, scrap.positions.astype(np.float64), nowhere, open_pairs=np.ones(len(scrap.seam_pairs), bool))
    solver = level.solver
    yield
    solver.pull(level.cloth.pairs)
    solver.step(SEWING)
    solver.meet()
    yield
    solver.step(StepSettings())
    solver.energies(StepSettings())
    yield


def _scrap() -> Garment:
    """Two square layers of cloth, one over the other, to be sewn along a side on which a tape runs."""
    count = SIDE + 1
    at = np.stack(np.meshgrid(np.arange(count), np.arange(count), indexing="xy"), -1).reshape(-1, 2) * EDGE
    corner = (np.arange(SIDE)[:, None] * count + np.arange(SIDE)).ravel()
    quad = corner[:, None] + np.array([0, 1, count + 1, count])
    faces = np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])
    n, side = len(at), np.arange(count)
    cloth = Fabric(
        name="scrap", label="scrap", areal_density=0.15, thickness=0.0005, stretch_warp=1000.0, stretch_weft=1000.0,
        stretch_bias=400.0, shear=150.0, bend_warp=1e-5, bend_weft=1e-5, bend_bias=1e-5, friction_static=0.3,
        friction_dynamic=0.3, damping=0.05,
    )
    layers = [np.concatenate([at, np.full((n, 1), height)], 1) for height in (0.0, APART)]
    tape = np.stack([side[:-1], side[1:]], 1)
    return Garment(
        rest_uv=np.tile(at, (2, 1)).astype(np.float32), faces=np.concatenate([faces, faces + n]).astype(np.int32),
        positions=np.concatenate(layers).astype(np.float32),
        seam_pairs=np.stack([side, side + n], 1).astype(np.int32), seam_ids=np.zeros(count, np.int32),
        seam_angles=np.full(count, np.nan, np.float32), panel_id=np.repeat([0, 1], len(faces)).astype(np.int32),
        vertex_panel=np.repeat([0, 1], n).astype(np.int32), layer=np.zeros(2 * n, np.int32),
        grain=np.full(2, np.pi / 2, np.float32), bend_scale=np.ones(2 * len(faces), np.float32),
        fabrics=(cloth, cloth), panel_names=("lower", "upper"), name="scrap",
        tape_edges=tape.astype(np.int32), tape_rest=np.full(SIDE, EDGE, np.float32),
        tape_stiffness=np.full(SIDE, 10.0, np.float32),
    )
