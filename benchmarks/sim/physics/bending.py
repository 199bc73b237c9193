"""Bending: the clamped strip's drape (cantilever) and the lateral buckling of a strip on edge."""

import numpy as np
from scipy.integrate import solve_bvp, trapezoid

from engine.core.types import Fabric, Garment
from physics.scenes import GRAVITY, Figure, grid, lattice, level_of, settle, sheet
from sim.level import Level
from sim.solver import StepSettings

__all__ = [
    "elastica", "cantilever", "cantilever_figures", "BUCKLING_GAMMA", "growth", "buckling", "buckling_figures",
]

WIDTH = 0.025  #: of the strip, as in the cantilever tests ASTM D1388 and BS 3356 [m]
GAMMAS = (1.0, 2.0, 4.0, 8.0, 10.0, 20.0, 50.0)
#: Lattices turned by so many degrees, and a grid of right triangles with alternating diagonals; cells along the strip.
MESHES = (("0", 16), ("0", 32), ("20", 16), ("20", 32), ("50", 16), ("grid", 16), ("grid", 32))
#: Strip on edge, clamped at one end, under its own weight: q L^3 = 12.85 sqrt(EI GJ) (Timoshenko and Gere, Theory of
#: Elastic Stability, ch. 6), with q = rho g w, and EI = B w, GJ = 2 B w of a plate without lateral contraction in
#: bending.
BUCKLING_GAMMA = 12.85 * np.sqrt(2.0)


def elastica(gamma: float) -> float:
    """H/W (drop over reach of the tip) of the planar inextensible cantilever, gamma = rho g L^3 / B.

    theta'' = -gamma (1 - s) cos theta, theta(0) = 0, theta'(1) = 0 (Bickley 1934), in continuation over gamma.
    """
    s = np.linspace(0, 1, 200)
    state = np.zeros((2, len(s)))
    for g in np.geomspace(min(0.5, gamma), gamma, 12):
        solution = solve_bvp(
            lambda t, y, g=g: np.stack([y[1], -g * (1 - t) * np.cos(y[0])]), lambda a, b: np.array([a[0], b[1]]),
            s, state, tol=1e-8, max_nodes=20000,
        )
        s, state = solution.x, solution.y
    fine = np.linspace(0, 1, 4001)
    theta = solution.sol(fine)[0]
    return float(trapezoid(np.sin(theta), fine) / trapezoid(np.cos(theta), fine))


def clamped(
    fabric: Fabric, length: float, width: float, cells: int, mesh: str, *, on_edge: bool, grain: float
) -> tuple[Level, Garment]:
    """A strip along x from a clamp at x = 0; the clamp's edge lies in the middle of the held triangles.

    An angle is shared by the cloth of its two triangles, so a clamp that ends in mid-triangle is exact.

    Returns:
        The level, held, and its garment; gravity is along -y.
    """
    edge = length / cells
    across = max(int(round(width / edge)), 2)
    if mesh == "grid":
        edge = length / (cells + 0.5)
        uv, faces = grid(edge * (np.arange(cells + 2) - 0.5), np.linspace(-width / 2, width / 2, across + 1))
    else:
        x = np.array([-0.5 * edge, 0.5 * edge, length])
        y = np.array([-width / 2, width / 2])
        uv, faces = lattice(x, y, edge, np.radians(float(mesh)))
    zero = np.zeros(len(uv))
    positions = np.column_stack([uv[:, 0], uv[:, 1], zero] if on_edge else [uv[:, 0], zero, -uv[:, 1]])
    garment = sheet(uv, faces, positions, fabric, grain=grain)
    level = level_of(garment)
    level.solver.pin(np.flatnonzero(uv[level_first(level), 0] < 0.51 * edge))
    return level, garment


def level_first(level: Level) -> np.ndarray:
    """A vertex of every particle."""
    return np.unique(level.particle, return_index=True)[1]


def cantilever(fabric: Fabric, gamma: float, *, cells: int = 16, mesh: str = "grid", grain: float = 0.0, **changes):
    """H/W of a strip of the fabric so long that its gamma is as given; warp along the strip for grain 0."""
    angle_rigidity = {0.0: fabric.bend_warp}.get(grain, fabric.bend_weft)
    length = (gamma * angle_rigidity / (fabric.areal_density * GRAVITY)) ** (1 / 3)
    level, garment = clamped(fabric, length, WIDTH, cells, mesh, on_edge=False, grain=grain)
    steps = settle(level, **({"speed": 2e-3 * length} | changes))
    x = level.vertices()
    tip = x[garment.rest_uv[:, 0] > length - 1e-6].mean(0)
    return float(-tip[1] / tip[0]), {"length_mm": round(1e3 * length, 2), "steps": steps}


def cantilever_figures(fabric: Fabric, *, meshes=MESHES, gammas=GAMMAS) -> list[Figure]:
    """Every gamma on every mesh."""
    out = []
    for gamma in gammas:
        reference = elastica(gamma)
        for mesh, cells in meshes:
            value, detail = cantilever(fabric, gamma, cells=cells, mesh=mesh)
            name = f"cantilever_gamma{gamma:g}_{mesh if mesh == 'grid' else 'turned' + mesh}_{cells}"
            out.append(Figure(name, value, reference, 0.03, detail=detail))
    return out


def growth(fabric: Fabric, gamma: float, *, cells: int, mesh: str, slender: float) -> float:
    """Rate [1/s] at which a strip on edge leans further (or, below 0, rights itself) after a push of L / 1000.

    In air so thick that it creeps: what swings would hide the sign near the threshold.
    """
    length = (gamma * fabric.bend_warp / (fabric.areal_density * GRAVITY)) ** (1 / 3)
    level, _ = clamped(fabric, length, length / slender, cells, mesh, on_edge=True, grain=0.0)
    solver = level.solver
    x = solver.positions()
    x[:, 2] += 0.001 * length * (np.maximum(x[:, 0], 0.0) / length) ** 2
    solver.x.from_numpy(x)
    tip = x[:, 0] > 0.999 * length
    settings = StepSettings(drag=40.0, tolerance=1e-4, iterations=300, dt=0.01)
    lean = []
    for _ in range(2):
        for _ in range(40):
            solver.step(settings)
        lean.append(abs(float(solver.positions()[tip, 2].mean())))
    return float(np.log(lean[1] / lean[0]) / (40 * settings.dt))


def buckling(fabric: Fabric, *, cells: int, mesh: str, slender: float = 16.0) -> float:
    """Gamma from which the strip on edge buckles sideways: where the rate of leaning, near it linear, is zero."""
    gammas = (BUCKLING_GAMMA, 1.15 * BUCKLING_GAMMA)
    rates = [growth(fabric, gamma, cells=cells, mesh=mesh, slender=slender) for gamma in gammas]
    return float(gammas[0] - rates[0] * (gammas[1] - gammas[0]) / (rates[1] - rates[0]))


def buckling_figures(fabric: Fabric, *, meshes=(("20", 64), ("20", 96), ("50", 64), ("grid", 64))) -> list[Figure]:
    """The threshold on every mesh, with compression as in a drape."""
    out = []
    for mesh, cells in meshes:
        name = f"lateral_buckling_{mesh if mesh == 'grid' else 'turned' + mesh}_{cells}"
        out.append(Figure(name, buckling(fabric, cells=cells, mesh=mesh), BUCKLING_GAMMA, 0.1))
    return out
