"""Random garments, bodies, fabrics and standing poses that people could have, each drawn from (seed, number) alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from avatars.body_model import JOINT_NAMES
from avatars.open_body import load_open_body, make_body, prior
from avatars.typed import body_from_measurements
from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from engine.core.types import Body, Fabric
from engine.measurement_file import read_measurements
from garments import library
from garments.fabrics import fabric, load_fabrics
from garments.formats import read_pattern

__all__ = ["draw", "make"]

#: Most that a drawn shape lies off its sex's mean, in standard deviations per shape direction.
FARTHEST = 1.35
#: Share of the population's spread that bodies for patterns of fixed size have around the body they were drafted for.
NEAR = 0.25
#: Measurements of which some are typed for every second body; girths and stature, as people know them.
TYPED = ("bust_girth", "waist_girth", "hip_girth", "upper_arm_girth", "neck_girth")
#: Least distance of forearms and hands to the trunk and the legs [m].
CLEAR = 0.02
_TRUNK_AND_LEGS = (0, 1, 2, 3, 4, 5, 6, 9)
_FOREARMS = (18, 19, 20, 21, *range(25, 55))


def draw(seed: int, number: int, patterns: tuple[str, ...] = ()) -> dict:
    """What is draped in case ``number``: plain values, from which :func:`make` makes it again.

    Args:
        patterns: Pattern files, one of which is taken in every third case.
    """
    rng = np.random.default_rng([seed, number])
    sex = str(rng.choice(["female", "male"]))
    case = {"number": number, "fabric": str(rng.choice(list(load_fabrics()))), "options": {}}
    if patterns and rng.random() < 1 / 3:
        case |= {"garment": str(rng.choice(patterns)), "sex": "female", "body": "near"}
    else:
        entry = library.describe()[rng.integers(len(library.names()))]
        case |= {"garment": entry["name"], "sex": sex, "body": "typed" if rng.random() < 0.5 else "drawn"}
        case["options"] = {name: _value(rng, o) for name, o in entry["options"].items() if rng.random() < 0.4}
    return case | {"pose": _pose_figures(rng), "body_seed": int(rng.integers(2**31))}


def _value(rng: np.random.Generator, option: dict) -> float | int | str:
    """A value of a library garment's option within its range."""
    if option["unit"] == "word":
        return str(rng.choice(option["values"]))
    if option["unit"] == "count":
        return int(rng.integers(option["low"], option["high"] + 1))
    return round(float(rng.uniform(option["low"], option["high"])), 4)


def make(case: dict, mean_woman: Path) -> tuple[Pattern, Body, Fabric]:
    """The pattern, the posed body and the fabric of a drawn case.

    Args:
        mean_woman: Measurement file of the body that patterns of fixed size are drafted for.
    """
    body = _body(case, mean_woman)
    if case["body"] == "near":
        pattern = read_pattern(Path(case["garment"]))
    else:
        pattern = _draft(case, body)
    return pattern, body, fabric(case["fabric"])


def _draft(case: dict, body: Body) -> Pattern:
    """The library garment; options that the block refuses together are left out, from the last on, in ``case`` too."""
    values = {name: m.value for name, m in body.measurements.items()}
    while True:
        try:
            return library.draft(case["garment"], values, body.landmarks, **case["options"])
        except InputError:
            if not case["options"]:
                raise
            case["options"] = dict(list(case["options"].items())[:-1])


def _body(case: dict, mean_woman: Path) -> Body:
    model, rng = load_open_body(), np.random.default_rng(case["body_seed"])
    sex = case["sex"]
    mean, spread = prior(model, sex)
    offset = np.linalg.cholesky(spread + 1e-9 * np.eye(len(mean))) @ _bounded(rng, len(mean))
    if case["body"] == "near":
        values, _ = read_measurements(mean_woman)
        betas = body_from_measurements(values, sex).betas + NEAR * offset
    else:
        betas = mean + offset
    if case["body"] == "typed":
        known = make_body(model, betas, sex=sex).measurements
        names = ["stature", *rng.choice(TYPED, int(rng.integers(2, 5)), replace=False).tolist()]
        typed = {name: round(known[name].value, 2) for name in names}
        betas = body_from_measurements(typed, sex).betas
    return _posed(model, betas, sex, case["pose"])


def _bounded(rng: np.random.Generator, count: int) -> np.ndarray:
    """A standard normal vector, redrawn where it would be far from any that people have."""
    while True:
        z = rng.standard_normal(count)
        if np.linalg.norm(z) < FARTHEST * np.sqrt(count) and np.abs(z).max() < 3.0:
            return z


# ---- poses


def _pose_figures(rng: np.random.Generator) -> dict[str, float]:
    """Angles of a relaxed standing pose [degrees]."""
    low = rng.uniform(20, 60)
    bent = rng.random(2) < 0.3
    step = rng.uniform(3, 14) * rng.choice([-1, 1]) if rng.random() < 0.35 else 0.0
    figures = {
        "arm_l": low + rng.normal(0, 3), "arm_r": low + rng.normal(0, 3), "forward": rng.uniform(-8, 15),
        "elbow_l": rng.uniform(20, 70) if bent[0] else rng.uniform(2, 15),
        "elbow_r": rng.uniform(20, 70) if bent[1] else rng.uniform(2, 15),
        "spread": rng.uniform(2.5, 6), "step": step, "twist": rng.uniform(-12, 12), "lean": rng.uniform(-3, 3),
    }
    return {k: round(float(v), 1) for k, v in figures.items()}


def _posed(model, betas: np.ndarray, sex: str, figures: dict[str, float]) -> Body:
    """The body in the pose, its arms raised as far as it needs to keep them off its sides."""
    for raised in range(0, 60, 5):
        now = figures | {s: max(figures[s] - raised, 5.0) for s in ("arm_l", "arm_r")}
        body = make_body(model, betas, pose=_axis_angles(now), sex=sex)
        points, segment = np.asarray(body.contact_vertices), np.asarray(body.contact_segment)
        trunk = points[np.isin(segment, _TRUNK_AND_LEGS)]
        if cKDTree(trunk).query(points[np.isin(segment, _FOREARMS)])[0].min() > CLEAR:
            break
    return body


def _axis_angles(f: dict[str, float]) -> np.ndarray:
    """SMPL-X body pose (axis-angle of joints 1-21 [rad], shape [21, 3]) of a pose's angles."""
    pose = np.zeros((21, 3), np.float32)

    def turn(joint: str, order: str, degrees: list[float]) -> None:
        pose[JOINT_NAMES.index(joint) - 1] = Rotation.from_euler(order, degrees, degrees=True).as_rotvec()

    for side, sign in (("left", 1.0), ("right", -1.0)):
        s, step = side[0], sign * f["step"]
        turn(f"{side}_shoulder", "zy", [-sign * f[f"arm_{s}"], -sign * f["forward"]])
        turn(f"{side}_elbow", "y", [-sign * f[f"elbow_{s}"]])
        knee = max(-step, 0.0)
        turn(f"{side}_hip", "zx", [sign * f["spread"], -step])
        turn(f"{side}_knee", "x", [knee])
        turn(f"{side}_ankle", "xz", [step - knee, -sign * f["spread"]])
    for joint in ("spine1", "spine2", "spine3"):
        turn(joint, "yz", [f["twist"] / 3, f["lean"] / 3])
    return pose
