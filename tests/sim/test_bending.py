"""The bending stiffness between dihedral angles, beside plates' closed forms, on meshes without order."""

import numpy as np
import pytest
import scenes
from scipy.sparse import csr_matrix
from scipy.spatial import Delaunay
from test_elastic import nowhere

from sim.bending import bending_form
from sim.level import Level
from sim.solver import StepSettings

SIDE, EDGE = 0.2, 0.02


def scattered(seed, turn=0.0, fabric=None):
    """A square sheet of irregular triangles as a level, with its flat vertices [m]."""
    rng = np.random.default_rng(seed)
    n = int(SIDE / EDGE)
    line = np.linspace(0, SIDE, n + 1)
    rim = np.concatenate([np.column_stack([line, 0 * line + s]) for s in (0, SIDE)]
                         + [np.column_stack([0 * line[1:-1] + s, line[1:-1]]) for s in (0, SIDE)])  # fmt: skip
    inner = np.stack(np.meshgrid(line[1:-1], line[1:-1]), -1).reshape(-1, 2)
    uv = np.concatenate([rim, inner + rng.normal(size=inner.shape) * 0.2 * EDGE])
    faces = Delaunay(uv).simplices
    d = uv[faces[:, 1:]] - uv[faces[:, :1]]
    area = d[:, 0, 0] * d[:, 1, 1] - d[:, 0, 1] * d[:, 1, 0]
    faces = np.where(area[:, None] < 0, faces[:, ::-1], faces)[np.abs(area) > 1e-9]
    garment = scenes.assemble([(uv, faces, np.column_stack([uv, 0 * uv[:, 0]]))], [], fabric or scenes.cotton())
    garment.grain[:] += turn
    return Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool)), uv


def bent(level, uv, heights):
    """Bending energy [J] of the sheet at small heights [m]."""
    x = np.column_stack([uv, heights]).astype(np.float32)
    first = np.unique(level.particle, return_index=True)[1]
    level.solver.x.from_numpy(x[first])
    return level.solver.energies(StepSettings())["bending"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_bent_sheet_holds_the_plates_energy_on_any_mesh(seed):
    """Cylinder and saddle (twist): B k^2 / 2 and B k^2 of every square metre, but for the free rim that gives way."""
    b, k = 1e-5, 0.5
    level, uv = scattered(seed, fabric=scenes.cotton(bend_warp=b, bend_weft=b, bend_bias=b))
    cylinder = bent(level, uv, 0.5 * k * uv[:, 0] ** 2)
    twist = bent(level, uv, k * (uv[:, 0] - SIDE / 2) * (uv[:, 1] - SIDE / 2))
    assert 0.85 < cylinder / (0.5 * b * k * k * SIDE**2) < 1.001
    assert twist == pytest.approx(b * k * k * SIDE**2, rel=0.02)


@pytest.mark.parametrize("turn", [0.0, 0.4, np.pi / 2])
def test_inner_moments_of_a_quadratic_surface_are_in_balance(turn):
    """Constant curvature leaves no force inside, whatever the mesh and the grain: the patch test."""
    fabric = scenes.cotton(bend_warp=4e-5, bend_weft=1e-5, bend_bias=1.5e-5)
    level, uv = scattered(3, turn, fabric)
    centred = uv - SIDE / 2
    bent(level, uv, 0.1 * centred[:, 0] ** 2 - 0.05 * centred[:, 1] ** 2 + 0.1 * centred[:, 0] * centred[:, 1])
    s = level.solver
    moment, grad = s.moment.to_numpy(), s.hinge_grad.to_numpy().reshape(-1, 4, 3)
    force, loads = np.zeros(len(level.cloth.mass)), np.zeros(len(level.cloth.mass))
    for a in range(4):
        push = grad[: len(level.cloth.hinge), a, 2] * moment[: len(level.cloth.hinge)]
        np.add.at(force, level.cloth.hinge[:, a], push)
        np.add.at(loads, level.cloth.hinge[:, a], np.abs(push))
    first = np.unique(level.particle, return_index=True)[1]
    inner = (np.abs(centred[first]) < SIDE / 2 - 2.5 * EDGE).all(1)
    assert inner.sum() > 20
    assert np.abs(force[inner]).max() < 0.02 * loads[inner].max()


def test_the_matrix_is_symmetric_positive_and_below_its_bound():
    level, _ = scattered(4)
    m = level.cloth.bending
    count = len(m.bound)
    whole = csr_matrix((m.value.astype(float), m.item, m.start), shape=(count, count)).toarray()
    assert np.abs(whole - whole.T).max() < 1e-3 * np.abs(whole).max()
    scaled = whole / np.sqrt(np.outer(m.bound, m.bound))
    values = np.linalg.eigvalsh(0.5 * (scaled + scaled.T))
    assert values.min() > -1e-3 and values.max() < 1.4


def test_a_free_strip_on_the_bias_bends_with_its_own_figure():
    form = bending_form(np.array([4e-5]), np.array([1e-5]), np.array([1.5e-5]))[0]
    assert 4 / (1 / form[0] + 1 / form[1] + 4 / form[2]) == pytest.approx(1.5e-5)
    plain = bending_form(np.array([1e-5]), np.array([1e-5]), np.array([1e-5]))[0]
    assert plain == pytest.approx([1e-5, 1e-5, 2e-5])
