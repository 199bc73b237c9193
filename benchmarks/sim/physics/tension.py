"""Tension: strips pulled along the thread and on the bias, and cloth that hangs."""

import dataclasses

import numpy as np
from scipy.optimize import brentq

from engine.core.types import Fabric
from physics.scenes import GRAVITY, Figure, grid, lattice, level_of, settle, sheet

__all__ = ["pulled", "bias_force", "tension_figures", "hanging", "hanging_figures"]

LENGTH, STRIP, EDGE = 0.24, 0.04, 0.01  #: of the strip and its mesh [m]
#: A toe and a stiff end, as tensile testers draw them: (strain, force per width [N/m]).
CURVE = ((0.0, 0.0), (0.01, 4.0), (0.02, 14.0), (0.04, 60.0), (0.05, 98.0))


def pulled(
    fabric: Fabric, strain: float, *, grain: float = 0.0, length: float = LENGTH, mesh: str = "grid"
) -> tuple[float, float]:
    """Pulls a strip held at both ends; warp along it for grain 0, weft for pi / 2.

    Returns:
        (engineering strain of its middle half, force per width [N/m]).
    """
    along = np.linspace(0, length, int(round(length / EDGE)) + 1)
    across = np.linspace(-STRIP / 2, STRIP / 2, int(round(STRIP / EDGE)) + 1)
    if mesh == "grid":
        uv, faces = grid(along, across)
    else:
        uv, faces = lattice(along[[0, -1]], across, EDGE, np.radians(float(mesh)))
    thin = 1.0 - 0.2 * strain
    positions = np.column_stack([uv[:, 0] * (1 + strain), uv[:, 1] * thin, np.zeros(len(uv))])
    level = level_of(sheet(uv, faces, positions, fabric, grain=grain))
    ends = [np.flatnonzero(uv[level.particle, 0] < 1e-6), np.flatnonzero(uv[level.particle, 0] > length - 1e-6)]
    level.solver.pin(np.concatenate(ends), stiffness=1e4)
    settle(level, gravity=0.0, speed=1e-4, steps=400)
    force = level.solver.pin_forces()[:, 0]
    x = level.vertices()[:, 0]
    middle = np.abs(uv[:, 0] - length / 2) < length / 4 + 1e-6
    slope = np.polyfit(uv[middle, 0], x[middle], 1)[0]
    return float(slope - 1), float(0.5 * (force[ends[1]].sum() - force[ends[0]].sum()) / STRIP)


def bias_force(fabric: Fabric, strain: float) -> float:
    """Force per width [N/m] of a long strip on the bias of a fabric with equal warp and weft, by its least energy.

    Threads at 45 degrees keep a common extension e with (1 + e)^2 = (a^2 + b^2) / 2 and shear (a^2 - b^2) / 2, where a
    and b are the stretches along and across the strip; b is free.
    """
    k = fabric.stretch_warp / (1 - fabric.poisson)  # of both threads pulled alike
    a = 1 + strain

    def across(b: float) -> float:
        length = np.sqrt(0.5 * (a * a + b * b))
        return k * (length - 1) * b / length - fabric.shear * 0.5 * (a * a - b * b) * b

    b = brentq(across, 0.3, 1.5)
    length = np.sqrt(0.5 * (a * a + b * b))
    return float(k * (length - 1) * a / length + fabric.shear * 0.5 * (a * a - b * b) * a)


def tension_figures(fabrics: dict[str, Fabric]) -> list[Figure]:
    """Strips of library fabrics along warp and weft, on a measured curve, and on the bias."""
    out = []
    for name, grain, strains in (
        ("poplin", 0.0, (0.01, 0.03)), ("denim", np.pi / 2, (0.02, 0.1)), ("jersey", np.pi / 2, (0.05, 0.3)),
        ("wool_suiting", 0.0, (0.03,)),
    ):
        fabric = fabrics[name]
        stiffness = fabric.stretch_warp if grain == 0.0 else fabric.stretch_weft
        for strain in strains:
            got, force = pulled(fabric, strain, grain=grain)
            label = f"uniaxial_{name}_{'warp' if grain == 0 else 'weft'}_{100 * strain:g}pct"
            out.append(Figure(label, force, stiffness * got, 0.02))
    curved = dataclasses.replace(fabrics["wool_suiting"], stretch_curves={"warp": CURVE})
    for strain, _ in CURVE[1:]:
        got, force = pulled(curved, strain)
        expected = float(np.interp(got, *np.array(CURVE).T))
        out.append(Figure(f"uniaxial_curve_{100 * strain:g}pct", force, expected, 0.02))
    for mesh in ("grid", "20"):
        for strain in (0.01, 0.05, 0.1):
            got, force = pulled(fabrics["wool_suiting"], strain, grain=np.pi / 4, length=0.4, mesh=mesh)
            label = f"bias_wool_suiting_{100 * strain:g}pct_{'grid' if mesh == 'grid' else 'turned' + mesh}"
            out.append(Figure(label, force, bias_force(fabrics["wool_suiting"], got), 0.02))
    return out


def hanging(fabric: Fabric, *, corners: bool, edge: float = 0.02) -> tuple[float, float, float]:
    """Hangs 0.3 x 0.4 m by its upper edge or two corners: (pins' upward force, weight, stray sideways force) [N]."""
    x, y = np.linspace(-0.15, 0.15, int(0.3 / edge) + 1), np.linspace(0.0, 0.4, int(0.4 / edge) + 1)
    uv, faces = grid(x, y)
    level = level_of(sheet(uv, faces, np.column_stack([uv, 0.002 * np.sin(9 * uv[:, 0])]), fabric))
    top = np.flatnonzero(uv[:, 1] > 0.4 - 1e-6)
    level.solver.pin(level.particle[top[[0, -1]] if corners else top])
    settle(level, speed=2e-3, steps=500)
    force = level.solver.pin_forces().sum(0)
    return float(force[1]), float(level.cloth.mass.sum() * GRAVITY), float(np.hypot(force[0], force[2]))


def hanging_figures(fabrics: dict[str, Fabric]) -> list[Figure]:
    """The pins carry the weight."""
    out = []
    for name in ("silk_chiffon", "poplin", "denim"):
        for corners in (False, True):
            up, weight, stray = hanging(fabrics[name], corners=corners)
            label = f"hanging_{name}_{'corners' if corners else 'edge'}"
            out.append(Figure(label, up, weight, 0.005, detail={"sideways_N": round(stray, 5)}))
    return out
