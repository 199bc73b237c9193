"""Trousers: two fronts and two backs with darts, a straight waistband, the fly simplified to the centre front seam.

After the classic trouser block of Aldrich (Metric Pattern Cutting), with its proportions of the hip girth: centre
front a twelfth of the hips and 1.5 cm inside the crease, front fork a sixteenth and 0.5 cm, back fork half as long
again and 0.5 cm, centre back slanted and raised. The sum of the crotch seams is then brought to the body's own total
crotch length, mostly by raising the back.
Coordinates of a left front: x from the crease towards the outside of the leg, y up from the natural waist [m].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.pattern_types import PanelLine, Pattern
from garments.blocks.band_level import at_the_band
from garments.blocks.draft import Draft, Outline, curve_length, measured, root, smooth
from garments.blocks.frames import Stand
from garments.blocks.options import choice, option
from garments.blocks.skirts import (
    ELASTIC_SHARE,
    WAIST_TEXT,
    WAISTS,
    Shares,
    add_waistband,
    skirt_shares,
    waist_ease,
    waist_edge,
)

__all__ = ["TROUSERS_NEEDS", "TrousersOptions", "trousers"]

TROUSERS_NEEDS = ("waist_girth", "hip_girth", "back_waist_width", "back_hip_width", "waist_to_hip", "body_rise",
                  "waist_height", "knee_height", "knee_girth", "thigh_girth", "ankle_girth", "total_crotch_length")


@dataclass(frozen=True)
class TrousersOptions:
    """Options of the trousers [m]."""

    ease_waist: float = option(0.01, -0.08, 0.20, "ease on the waist girth")
    ease_hip: float = option(0.06, -0.06, 0.50, "ease on the hip girth")
    ease_rise: float = option(0.012, -0.01, 0.10, "crotch of the trousers below that of the body")
    hem: float | None = option(None, 0.20, 1.20, "width of the hem, all round; by default a straight leg")
    length: float | None = option(None, 0.38, 1.30, "waist to hem; by default just above the floor")
    waistband: float = option(0.035, 0.02, 0.10, "height of the waistband")
    waist: str = choice("fitted", WAISTS, WAIST_TEXT)
    crease: float = option(0.0, 0.0, 2.8, "angle to which the creases are pressed [rad], 0 none", unit="")


@dataclass(frozen=True)
class _Leg:
    """Named points of one leg panel."""

    centre_hip: np.ndarray  #: on the centre seam where it turns straight
    fork: np.ndarray  #: tip of the crotch extension
    hip: np.ndarray  #: side at hip level
    side_top: np.ndarray
    centre_top: np.ndarray
    knee: float  #: half width at the knee
    hem: float  #: half width at the hem
    knee_y: float
    hem_y: float
    shares: Shares


def trousers(measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
             options: TrousersOptions | None = None) -> Pattern:
    """Drafts the trousers for a body. See ``TrousersOptions``."""
    o = options or TrousersOptions()
    body = measured(measurements, TROUSERS_NEEDS, "trousers")
    measurements, landmarks, band = at_the_band(measurements, landmarks)
    m = measured(measurements, TROUSERS_NEEDS, "trousers")
    stand = Stand(measurements, landmarks)
    d = Draft("trousers")
    ease_waist = waist_ease(m, o.waist, o.ease_waist, o.ease_hip)
    shares = skirt_shares(m, ease_hip=o.ease_hip, ease_waist=ease_waist, max_darts={False: 1, True: 2},
                          side_share=0.45)
    legs = _match(m, o, {b: _leg(m, o, s, back=b) for b, s in shares.items()})
    crotch = -(m["body_rise"] + o.ease_rise)
    for back, leg in legs.items():
        face = "back" if back else "front"
        for side in "lr":
            path = _panel(leg, back)
            if (side == "r") != back:
                path = path.mirrored()
            place = stand.leg(side, back=back, crotch=crotch, radius=m["thigh_girth"] / 6.28)
            d.add(f"{face}_{side}", path, place, lines=_crease(leg, o.crease))
            d.darts(f"{face}_{side}")
    for side in "lr":
        for label in ("out_low", "out_mid", "out_up", "in_low", "in_up"):
            d.sew([(f"front_{side}", label)], [(f"back_{side}", label)])
    for face in ("front", "back"):
        for label in ("crotch", "centre"):
            d.sew([(f"{face}_l", label)], [(f"{face}_r", label)])
    level = stand.level("waist_front", "waist_back")
    add_waistband(d, stand, height=o.waistband, front=_waist(d, "front", "l", "r"), back=_waist(d, "back", "r", "l"),
                  y=level + 0.005, radius=m["waist_girth"] / (2 * np.pi),
                  elastic=ELASTIC_SHARE * m["waist_girth"] if o.waist == "elastic" else 0.0)
    width = sum(_width_at(leg) for leg in legs.values())
    ease = {band: ease_waist, "hip_girth": o.ease_hip, "thigh_girth": width - m["thigh_girth"]}
    return d.pattern(kind="trousers", ease=ease, drafted_for=body, source="trouser block after Aldrich")


def _crease(leg: _Leg, angle: float) -> tuple[PanelLine, ...]:
    """The pressed crease down the middle of a leg panel, from a little below the hips to the hem."""
    if not angle:
        return ()
    top = leg.hip[1] + 0.3 * (leg.fork[1] - leg.hip[1])
    return (PanelLine(np.array([(0.0, top), (0.0, leg.hem_y)]), angle, "crease"),)


def _waist(d: Draft, face: str, first: str, second: str) -> list[tuple[str, str]]:
    """Waist edges of both panels of a face from the side of ``first`` over the centre to the other side."""
    def labels(panel: str) -> list[str]:
        return sorted(e.label for e in d.panels[panel].edges if e.label.startswith("waist_"))

    one, two = f"{face}_{first}", f"{face}_{second}"
    return [(one, x) for x in labels(one)] + [(two, x) for x in labels(two)[::-1]]


def _width_at(leg: _Leg) -> float:
    """Width of a panel at the crotch level [m]."""
    return float(leg.hip[0] - leg.fork[0])


def _leg(m: dict[str, float], o: TrousersOptions, s: Shares, *, back: bool) -> _Leg:
    hips = m["hip_girth"]
    crotch = -(m["body_rise"] + o.ease_rise)
    hip_y = -min(m["waist_to_hip"], -crotch - 0.05)
    front_centre = -(hips / 12 + 0.015)
    front_fork = hips / 16 + 0.005
    length = m["waist_height"] - 0.025 if o.length is None else o.length
    hem_y = -max(length, -crotch + 0.10)
    knee_y = max(-(m["waist_height"] - m["knee_height"]) + 0.04, hem_y + 0.02)
    if back:
        slant = float(np.clip(0.25 * -front_centre + 0.005, 0.01, 0.04))
        centre = front_centre + slant
        fork_x = front_centre - 1.5 * front_fork - 0.005 + slant * 0.4
        fork_y = crotch - 0.006
        centre_top = np.array([centre + 0.75 * slant, 0.02])
    else:
        centre, fork_x, fork_y = front_centre, front_centre - front_fork, crotch
        centre_top = np.array([centre + float(np.clip(0.35 * max(s.hip - s.waist, 0), 0.0, 0.01)), 0.0])
    taken = centre_top[0] - centre
    side_x = centre + s.hip
    side_top = np.array([centre_top[0] + s.waist + sum(s.darts), 0.008])
    if s.hip - s.waist > 0 and side_top[0] > side_x + 0.004:  # the centre's slant has used up the side's shaping
        side_top[0] = side_x + min(taken, 0.004)
    full = m["knee_girth"] + 0.085 if o.hem is None else max(o.hem * 1.06, m["knee_girth"] + 0.03)
    hem = full * 0.94 if o.hem is None else o.hem
    hem = max(hem, m["ankle_girth"] + 0.04)
    wider = 0.01 if back else -0.01
    return _Leg(np.array([centre, hip_y]), np.array([fork_x, fork_y]), np.array([side_x, hip_y]), side_top, centre_top,
                full / 4 + wider, hem / 4 + wider, knee_y, hem_y, s)


def _inseam(leg: _Leg, fork: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Knee point and control points of the inseam from the fork down to it."""
    knee = np.array([-leg.knee, leg.knee_y])
    down = np.array([leg.knee - leg.hem, leg.hem_y - leg.knee_y])
    drop = fork[1] - knee[1]
    down = down / np.linalg.norm(down)
    return knee, (fork + [0.35 * (knee[0] - fork[0]), -0.22 * drop], knee - down * 0.3 * drop)


def _crotch_curves(leg: _Leg) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Where the crotch curve leaves the straight centre seam, and its control points from there to the fork."""
    up = leg.centre_top - leg.centre_hip
    up = up / np.linalg.norm(up)
    start = leg.centre_hip
    reach = start[1] - leg.fork[1]
    return start, (start - up * 0.62 * reach, leg.fork + np.array([0.62 * (start[0] - leg.fork[0]), -0.0015]))


def _crotch_length(leg: _Leg) -> float:
    start, controls = _crotch_curves(leg)
    return curve_length(start, controls, leg.fork) + float(np.linalg.norm(leg.centre_top - start))


def _out_controls(leg: _Leg) -> tuple[np.ndarray, tuple, tuple]:
    """Knee point on the outside; controls knee to hip and hip to waist."""
    knee = np.array([leg.knee, leg.knee_y])
    down = np.array([leg.hem - leg.knee, leg.hem_y - leg.knee_y])
    lean = np.array([min(leg.side_top[0] - leg.knee, 0.03) * 0.12, 1.0])
    mid = smooth(knee, leg.hip, -down, lean, 0.36)
    end = (leg.side_top - leg.hip) * np.array([0.9, 1.0])
    return knee, mid, smooth(leg.hip, leg.side_top, lean, end, 0.38)


def _out_up_length(leg: _Leg) -> float:
    return curve_length(leg.hip, _out_controls(leg)[2], leg.side_top)


def _shifted(leg: _Leg, by: float) -> _Leg:
    """The part above the knee moved sideways against the crease."""
    names = ("centre_hip", "fork", "hip", "side_top", "centre_top")
    return replace(leg, **{n: getattr(leg, n) + [by, 0.0] for n in names})


def _match(m: dict[str, float], o: TrousersOptions, legs: dict[bool, _Leg]) -> dict[bool, _Leg]:
    """Brings the crotch seams to the body's total crotch length and the seams of front and back to one length."""
    front, back = legs[False], legs[True]
    # a wide seat hangs over the crease on both sides, not on the outside only
    lean = 0.5 * max(0.0, (back.hip[0] - back.knee) - (front.hip[0] - front.knee))
    back = _shifted(back, -lean)
    want = m["total_crotch_length"] + 0.012 + o.ease_rise
    lack = float(np.clip(want - _crotch_length(front) - _crotch_length(back), -0.05, 0.09))
    front = replace(front, centre_top=front.centre_top + [0.0, np.clip(0.3 * lack, -0.02, 0.02)])
    back = replace(back, centre_top=back.centre_top + [0.0, np.clip(0.7 * lack, -0.02, 0.065)])

    def inseam(leg: _Leg, fork_y: float) -> float:
        fork = np.array([leg.fork[0], fork_y])
        knee, controls = _inseam(leg, fork)
        return curve_length(fork, controls, knee) + float(np.hypot(leg.knee - leg.hem, leg.knee_y - leg.hem_y))

    goal = inseam(front, front.fork[1])
    y = root(lambda v: inseam(back, v) - goal, back.fork[1] - 0.06, back.fork[1] + 0.03, "the inseams")
    back = replace(back, fork=np.array([back.fork[0], y]))
    # the hip's side point shifts a little so that knee to hip is as long; likewise the top of the side seam
    def out_mid(leg: _Leg, hip_y: float) -> float:
        moved = replace(leg, hip=np.array([leg.hip[0], hip_y]))
        knee, controls, _ = _out_controls(moved)
        return curve_length(knee, controls, moved.hip)

    goal = out_mid(front, front.hip[1])
    y = root(lambda v: out_mid(back, v) - goal, back.hip[1] - 0.05, back.hip[1] + 0.05, "the outside seams")
    back = replace(back, hip=np.array([back.hip[0], y]))
    goal = max(_out_up_length(front), _out_up_length(back))

    def lifted(leg: _Leg) -> _Leg:
        def at(v: float) -> _Leg:
            return replace(leg, side_top=np.array([leg.side_top[0], v]))

        top = leg.side_top[1]
        return at(root(lambda v: _out_up_length(at(v)) - goal, top - 1e-3, top + 0.08, "the sides above the hip"))

    return {False: lifted(front), True: lifted(back)}


def _panel(leg: _Leg, back: bool) -> Outline:
    path = Outline((-leg.hem, leg.hem_y)).line((leg.hem, leg.hem_y), "hem")
    knee, mid, up = _out_controls(leg)
    path.line(knee, "out_low").curve(leg.hip, *mid, label="out_mid").curve(leg.side_top, *up, label="out_up")
    rise = leg.hip[1] * -1
    full = (0.125 if back else 0.085) * np.clip(rise / 0.205, 0.7, 1.2)
    darts = _darts_that_fit(leg)
    waist_edge(path, leg.side_top, leg.centre_top, up[1] - leg.side_top, darts,
               tuple(full - 0.02 * i for i in range(len(darts))))
    start, crotch = _crotch_curves(leg)
    path.line(start, "centre").curve(leg.fork, *crotch, label="crotch")
    knee, inner = _inseam(leg, leg.fork)
    return path.curve(knee, *inner, label="in_up").line((-leg.hem, leg.hem_y), "in_low")


def _darts_that_fit(leg: _Leg) -> tuple[float, ...]:
    """Darts scaled so that the sewn waist is as wide as intended, the centre's slant and side's slope included."""
    length = float(np.linalg.norm(leg.side_top - leg.centre_top))
    rest = length - leg.shares.waist
    if rest < 0.006:
        return ()
    count = max(1, len(leg.shares.darts))
    if rest > 0.04 * count:
        count += 1
    return tuple([rest / count] * count)
