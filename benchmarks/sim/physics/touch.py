"""Contact and motion: friction on an incline, pressure on a ball, and energy that does not grow."""

import numpy as np

from engine.core.types import Fabric
from physics.scenes import GRAVITY, Figure, grid, level_of, settle, sheet
from sim.body_field import DistanceGrid
from sim.solver import StepSettings

__all__ = ["slides", "slip_angle", "friction_figures", "carried", "pressure_figures", "energy_rise", "energy_figures"]


def field_of(distance, low: np.ndarray, high: np.ndarray, cell: float = 0.005) -> DistanceGrid:
    """The exact distance function of a body on a grid between two corners [m]."""
    axes = [np.arange(a, b + cell, cell) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    return DistanceGrid(distance(points).astype(np.float32), np.asarray(low, np.float32), cell)


def slides(fabric: Fabric, degrees: float) -> bool:
    """Whether a square of 10 cm, laid on a slope, goes on sliding down."""
    a = np.radians(degrees)
    normal, down = np.array([np.sin(a), np.cos(a), 0.0]), np.array([np.cos(a), -np.sin(a), 0.0])
    body = field_of(lambda p: p @ normal, np.array([-0.12, -0.2, -0.08]), np.array([0.3, 0.12, 0.08]))
    uv, faces = grid(np.linspace(-0.05, 0.05, 6), np.linspace(-0.05, 0.05, 6))
    gap = 0.002 + 0.5 * fabric.thickness
    room = gap - StepSettings.body_floor
    # laid where the pressure carries it: k deep^2 / (room - deep) = weight
    weight = fabric.areal_density * GRAVITY * np.cos(a) / StepSettings.body_stiffness
    gap -= 0.5 * (np.sqrt(weight * weight + 4 * weight * room) - weight)
    positions = uv[:, :1] * down + gap * normal + uv[:, 1:] * np.array([0.0, 0.0, 1.0])
    level = level_of(sheet(uv, faces, positions, fabric), body)
    for _ in range(15):
        level.solver.step(StepSettings(drag=100.0))  # takes up the elastic slip of the contact without a jolt
    travel = []
    for _ in range(3):
        for _ in range(15):
            level.solver.step(StepSettings(drag=0.0))
        travel.append(float((level.vertices() @ down).mean()))
    return travel[-1] - travel[-2] > 2e-4


def slip_angle(fabric: Fabric, *, rounds: int = 6) -> float:
    """Slope from which cloth slides [deg], by bisection between 5 degrees above and below the expected one."""
    expected = np.degrees(np.arctan(fabric.friction_static))
    low, high = expected - 5.0, expected + 5.0
    for _ in range(rounds):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if slides(fabric, middle) else (middle, high)
    return 0.5 * (low + high)


def friction_figures(fabrics: dict[str, Fabric]) -> list[Figure]:
    """Slip angles of smooth and rough fabrics."""
    out = []
    for name in ("satin", "wool_suiting", "denim"):
        expected = float(np.degrees(np.arctan(fabrics[name].friction_static)))
        out.append(Figure(f"incline_{name}_deg", slip_angle(fabrics[name]), expected, 1.0, relative=False))
    return out


def carried(fabric: Fabric, *, edge: float = 0.02) -> tuple[float, float, float]:
    """A 24 cm square on a ball of 40 cm: (pressure's and friction's upward force, pressure's alone, weight) [N]."""
    radius = 0.2
    body = field_of(
        lambda p: np.linalg.norm(p, axis=-1) - radius, np.array([-0.2, 0.0, -0.2]), np.array([0.2, 0.25, 0.2])
    )
    line = np.linspace(-0.12, 0.12, int(round(0.24 / edge)) + 1)
    uv, faces = grid(line, line)
    above = np.column_stack([uv[:, 0], np.full(len(uv), radius + 0.003), uv[:, 1]])
    level = level_of(sheet(uv, faces, above, fabric), body)
    settle(level, drag=15.0, steps=300, speed=5e-4)
    solver = level.solver
    x = solver.positions().astype(np.float64)
    normal = x / np.linalg.norm(x, axis=1)[:, None]
    area = level.cloth.vertex_area.astype(np.float64)
    pressure = np.zeros(len(x))
    pressure[level.particle] = level.pressure()
    pushed = float((pressure * area * normal[:, 1]).sum())
    touch = solver.body_force.to_numpy().astype(np.float64)
    rub = touch - normal * (touch * normal).sum(1)[:, None]
    return pushed + float(rub[:, 1].sum()), pushed, float(level.cloth.mass.sum() * GRAVITY)


def pressure_figures(fabrics: dict[str, Fabric]) -> list[Figure]:
    """The pressure's integral over the ball, with the friction, is the cloth's weight."""
    out = []
    for name in ("silk_chiffon", "poplin", "denim"):
        up, alone, weight = carried(fabrics[name])
        out.append(Figure(f"pressure_{name}_N", up, weight, 0.02, detail={"pressure_alone_N": round(alone, 5)}))
    return out


def energy_rise(fabric: Fabric, *, ball: bool, steps: int = 120) -> tuple[float, float]:
    """Swings a cloth without air: (largest rise of its energy above any earlier value, energy that it lost) over the
    energy of its fall; onto a ball if so said."""
    radius = 0.1
    centre = np.array([0.0, -0.25, 0.0])
    body = field_of(
        lambda p: np.linalg.norm(p - centre, axis=-1) - radius, np.array([-0.2, -0.5, -0.2]), np.array([0.2, 0.1, 0.2])
    )
    line = np.linspace(-0.1, 0.1, 11)
    uv, faces = grid(line, line)
    level = level_of(sheet(uv, faces, np.column_stack([uv[:, 0], np.zeros(len(uv)), uv[:, 1]]), fabric), body)
    if not ball:
        level.solver.pin(level.particle[uv[:, 0] < -0.1 + 1e-6])
    settings = StepSettings(drag=0.0, tolerance=1e-4, iterations=200, dt=0.005)
    total, kinetic = [], []
    for _ in range(steps):
        level.solver.step(settings)
        energies = level.solver.energies(settings)
        total.append(sum(energies.values()))
        kinetic.append(energies["gravity"])
    fall = max(kinetic) - min(kinetic)
    rise = np.max(np.array(total) - np.minimum.accumulate(total))
    return float(rise / fall), float((total[0] - total[-1]) / fall)


def energy_figures(fabrics: dict[str, Fabric]) -> list[Figure]:
    """Rise of the energy as a share of the fall's; the cloth-body contact's own energy is not counted."""
    out = []
    for name in ("poplin", "jersey"):
        for ball in (False, True):
            rise, lost = energy_rise(fabrics[name], ball=ball)
            label = f"energy_rise_{name}_{'ball' if ball else 'swing'}"
            out.append(Figure(label, rise, 0.0, 0.002, relative=False, detail={"lost": round(lost, 4)}))
    return out
