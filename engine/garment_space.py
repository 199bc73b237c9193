"""What the garment space gives: garments like one, between two, in a style, or changed in one figure.

Every result is a pattern drafted by the library for a body. Where the model and the design of a garment that is known
disagree, the design is right: results keep that difference, in proportion to how near they are to the garment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from engine.core.types import Body, Fabric
from engine.sewable import Sewn, drafted, sewn
from garments.fabrics import load_fabrics
from garments.silhouette import silhouette
from recsys.vae.design import Design, Family, Value
from recsys.vae.figures import fabric_figures, nearest_fabric
from recsys.vae.space import Found, GarmentSpace, Point, nearest

__all__ = ["DIRECTIONS", "Known", "Result", "blend", "known", "sample", "similar", "vary"]

_EASES, _FLARES = ("ease_bust", "ease_waist", "ease_hip"), ("hem_to_waist", "leg_flare")
#: Direction -> figures of the silhouette that grow (1) or shrink (-1).
DIRECTIONS: dict[str, tuple[tuple[str, ...], int]] = {
    "longer": (("length",), 1), "shorter": (("length",), -1), "looser": (_EASES, 1), "tighter": (_EASES, -1),
    "more_flared": (_FLARES, 1), "less_flared": (_FLARES, -1),
    "longer_sleeves": (("sleeve_length",), 1), "shorter_sleeves": (("sleeve_length",), -1),
    "deeper_neck": (("neck_depth",), 1), "higher_neck": (("neck_depth",), -1),
}  # fmt: skip
#: Change of a share below which an option stays as it was.
STILL = 0.02
#: Share of the wanted change that may be missing when the search for it ends; its steps; how much one of them may
#: lengthen the way at most, and all of them.
CLOSE, STEPS, LONGEST, FURTHEST = 0.04, 6, 3.0, 12.0


@dataclass(frozen=True)
class Known:
    """A garment as it is given."""

    pattern: Pattern
    fabric: Fabric
    point: Point
    design: Design | None  #: what it was drafted from, where that is known


@dataclass(frozen=True)
class Result:
    """A garment that was found or made."""

    sewn: Sewn
    fabric: str  #: name of the library's fabric that suits it
    distance: float  #: in the space, from the garment asked about
    figures: dict[str, float]  #: of ``garments.silhouette``


def known(space: GarmentSpace, pattern: Pattern, fabric: Fabric, design: Design | None) -> Known:
    """A garment as a point of the space."""
    return Known(pattern, fabric, space.points([(pattern, fabric)])[0], design)


def similar(space: GarmentSpace, garment: Known, body: Body, count: int) -> list[Result]:
    """The designs of the gallery that are most like a garment, drafted for a body, nearest first."""
    results = []
    place, places = space.places(garment.point.latent)[0], space.places(space.weights.gallery)
    for index, distance in nearest(place, places, count):
        design = space.gallery_design(index)
        results.append(_result(space, design, body, space.gallery_fabric(index), distance))
    return results


def blend(space: GarmentSpace, a: Known, b: Known, body: Body, steps: int) -> list[Result]:
    """Garments on the way from one to another, ends included, evenly spaced."""
    results = []
    for t in np.linspace(0.0, 1.0, steps):
        latent = (1 - t) * a.point.latent + t * b.point.latent
        fabric = (1 - t) * fabric_figures(a.fabric) + t * fabric_figures(b.fabric)
        end = {0.0: a.design, 1.0: b.design}.get(float(t))
        design = end or _corrected(space, latent, body, [(a, 1 - t), (b, t)])
        results.append(_result(space, design, body, fabric, float(np.linalg.norm(latent - a.point.latent))))
    return results


def sample(space: GarmentSpace, like: Sequence[Known], body: Body, count: int, *, spread: float, seed: int
           ) -> list[Result]:  # fmt: skip
    """New garments in the style of some: points near a random mixture of them.

    Args:
        spread: Standard deviation of the latent's prior by which each coordinate is moved; 0 mixes only.
    """
    rng = np.random.default_rng(seed)
    results = []
    for _ in range(count):
        share = rng.dirichlet(np.ones(len(like)))
        mean = sum(w * g.point.latent for w, g in zip(share, like, strict=True))
        latent = mean + spread * rng.standard_normal(len(mean))
        design = _corrected(space, latent, body, list(zip(like, share, strict=True)))
        fabric = sum(w * fabric_figures(g.fabric) for w, g in zip(share, like, strict=True))
        results.append(_result(space, design, body, fabric, float(np.linalg.norm(latent - mean))))
    return results


def vary(space: GarmentSpace, garment: Known, body: Body, direction: str, amount: float) -> tuple[Result, float]:
    """A garment with one figure changed by an amount [m or -], measured on the drawn pattern.

    The step along the direction is corrected until the drawn pattern has changed by ``amount`` (secant method), or the
    options are at the end of their ranges.

    Returns:
        The garment, and by how much the figure has changed.

    Raises:
        InputError: the direction is not known, or means nothing for such a garment.
    """
    if direction not in DIRECTIONS:
        names = ", ".join(DIRECTIONS)
        raise InputError("garments.direction", f"--direction {direction}: is not known", f"one of {names}")
    start, base = _start(space, garment, body)
    if not space.knows(start.family):
        raise InputError("garments.family", f"{start.family}: is newer than the garment model",
                         "train it again with python -m tools.garment_vae.build")
    figures, sign = DIRECTIONS[direction]
    before = silhouette(base.pattern, body.measurements)
    moves = [space.direction(start.family, f)[0] for f in figures if np.isfinite(before[f])]
    moves = [m for m in moves if m.any()]
    if not moves:
        raise InputError("garments.direction", f"{base.pattern.name}: cannot be made {direction.replace('_', ' ')}",
                         "choose a direction that such a garment has")
    step = sign * sum(moves) / len(moves) * amount
    best, reached, scale, usual = base, 0.0, 1.0, space.anchor(start.family)
    for _ in range(STEPS):
        made = drafted(_shifted(space, garment.point.latent, scale * step, start, body), body, usual)
        changed = sign * _mean_change(before, silhouette(made.pattern, body.measurements), figures)
        if abs(changed - amount) < abs(reached - amount):
            best, reached = made, changed
        if abs(changed - amount) < CLOSE * amount or scale >= FURTHEST:
            break
        scale = min(scale * min(amount / max(changed, 1e-6), LONGEST), FURTHEST)
    found = sewn(best.design, body, usual)
    best = replace(found, moved=best.moved | found.moved)
    reached = sign * _mean_change(before, silhouette(best.pattern, body.measurements), figures)
    distance = float(np.linalg.norm(scale * step))
    return _finished(best, fabric_figures(garment.fabric), space, distance, body), reached


def _start(space: GarmentSpace, garment: Known, body: Body) -> tuple[Design, Sewn]:
    """The design to change, and its pattern for the body: its own, or what the model makes of the garment."""
    design = garment.design or _decode(space, garment.point.latent, body).design
    return design, drafted(design, body, space.anchor(design.family))


def _mean_change(before: dict[str, float], after: dict[str, float], figures: Sequence[str]) -> float:
    change = [after[f] - before[f] for f in figures if np.isfinite(before[f]) and np.isfinite(after[f])]
    return float(np.mean(change)) if change else 0.0


def _decode(space: GarmentSpace, latent: np.ndarray, body: Body, family: str | None = None) -> Found:
    return space.decode(latent[None], space.standard_body(body.measurements), family)[0]


def _shifted(space: GarmentSpace, latent: np.ndarray, step: np.ndarray, start: Design, body: Body) -> Design:
    """The design changed by what the model sees change over a step; options that hardly change stay as they are."""
    family = space.library.families[space.library.index(start.family)]
    old = _decode(space, latent, body, start.family).design.options
    new = _decode(space, latent + step, body, start.family).design.options
    return Design(start.family, _carried(family, start.options, old, new, 1.0))


def _corrected(space: GarmentSpace, latent: np.ndarray, body: Body, near: Sequence[tuple[Known, float]]) -> Design:
    """What a latent decodes to, with what the model gets wrong about known garments nearby, by their shares."""
    design = _decode(space, latent, body).design
    family = space.library.families[space.library.index(design.family)]
    options = design.options
    for garment, share in near:
        if garment.design is not None and garment.design.family == design.family and share > 0:
            seen = _decode(space, garment.point.latent, body, design.family).design.options
            options = _carried(family, garment.design.options, seen, options, float(share))
    return Design(design.family, options)


def _carried(family: Family, own: dict[str, Value], seen: dict[str, Value], new: dict[str, Value], share: float
             ) -> dict[str, Value]:  # fmt: skip
    """New options plus a share of what separates a garment's own ones from what the model sees in it."""
    out: dict[str, Value] = {}
    for p in family.parameters:
        mine, was, now = own.get(p.name, p.default), seen[p.name], new[p.name]
        if p.words or now is None:
            out[p.name] = mine if now == was and share >= 0.5 else now
            continue
        change = p.shares(now)[0] - p.shares(was)[0]
        if share == 1.0 and abs(change) < STILL:
            out[p.name] = mine
        elif mine is None:
            out[p.name] = now
        else:
            out[p.name] = p.value(np.array([p.shares(now)[0] + share * (p.shares(mine)[0] - p.shares(was)[0])]))
    return out


def _result(space: GarmentSpace, design: Design, body: Body, fabric: np.ndarray, distance: float) -> Result:
    return _finished(sewn(design, body, space.anchor(design.family)), fabric, space, distance, body)


def _finished(made: Sewn, fabric: np.ndarray, space: GarmentSpace, distance: float, body: Body) -> Result:
    name = nearest_fabric(fabric, load_fabrics(), space.weights.fabric_scale[1])
    return Result(made, name, distance, silhouette(made.pattern, body.measurements))
