"""Straight and A-line skirts with darts and a waistband, and the skirt part of the sheath dress.

After the tailored skirt block of Aldrich (Metric Pattern Cutting) and the basic skirt of Armstrong: half the hip girth
plus ease split at the side, the difference to the waist taken in at the side seam and by darts (longer at the back),
the waistline raised at the side and lowered at the centre back. Where the waist is wider than the hips (pregnancy,
large belly) there are no darts and the side seam runs outward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.pattern_types import Pattern
from garments.blocks.band_level import at_the_band
from garments.blocks.draft import Draft, Outline, band, curve_length, measured, root, smooth, unit
from garments.blocks.frames import Stand
from garments.blocks.options import choice, option
from garments.lines import RATIO_LEAST

__all__ = ["SKIRT_NEEDS", "ALineOptions", "SkirtOptions", "a_line_skirt", "add_waistband", "skirt_shares",
           "dart_places", "skirt_panels", "straight_skirt", "waist_chain", "waist_ease", "waist_edge", "waist_edge_up"]

SKIRT_NEEDS = ("waist_girth", "hip_girth", "back_waist_width", "back_hip_width", "waist_to_hip", "waist_height",
               "knee_height")

#: Rise of the waistline at the side and drop at the centre back [m].
SIDE_RISE, BACK_DROP = 0.012, 0.010
#: Largest intake of one dart and of the side seam per quarter [m].
MAX_DART, MAX_SIDE = 0.036, 0.035
MIN_DART = 0.006
WAISTS = ("fitted", "elastic")
WAIST_TEXT = "fitted with darts, or pulled on over the hips and gathered by an elastic in the waistband"
#: Relaxed length of a waist's elastic over the waist girth, and its force per strain [N]: woven waistband elastics of
#: 3 cm pull with about 8 N at 40 %. Estimates.
ELASTIC_SHARE, ELASTIC_STIFFNESS = 0.88, 22.0
#: Force per strain of the stay that keeps a waist seam from stretching [N]: a cotton tape of 1 cm. An estimate.
STAY_STIFFNESS = 1000.0


@dataclass(frozen=True)
class SkirtOptions:
    """Options of the straight skirt [m]."""

    length: float | None = option(None, 0.25, 1.30, "waist to hem; by default to the middle of the knee")
    ease_waist: float = option(0.01, -0.08, 0.20, "ease on the waist girth")
    ease_hip: float = option(0.04, -0.08, 0.50, "ease on the hip girth")
    waistband: float = option(0.035, 0.02, 0.10, "height of the waistband")
    waist: str = choice("fitted", WAISTS, WAIST_TEXT)


@dataclass(frozen=True)
class ALineOptions(SkirtOptions):
    """Options of the A-line skirt [m]."""

    flare: float = option(0.07, 0.02, 0.30, "widening of each quarter from the hip line to a knee-length hem")


@dataclass(frozen=True)
class Shares:
    """Half widths of one face (front or back) and how the waist is reached."""

    hip: float
    waist: float
    side: float  #: how far the side seam comes in at the waist; negative: it runs outward
    darts: tuple[float, ...]  #: intakes from the centre outward


def skirt_shares(m: Mapping[str, float], *, ease_hip: float, ease_waist: float, max_darts: dict[bool, int],
                 side_share: float = 0.4) -> dict[bool, Shares]:
    """Splits hip and waist over front (False) and back (True).

    Front and back share the side seam's shape, except where one of them is wider at the waist than at the hip: there
    its side runs outward, as over a pregnant belly, and the other's does not.
    """
    hip, waist = {}, {}
    for name, out, ease in (("hip", hip, ease_hip), ("waist", waist, ease_waist)):
        girth = m[f"{name}_girth"]
        back = float(np.clip(m[f"back_{name}_width"], 0.40 * girth, 0.58 * girth))
        out[True], out[False] = back / 2 + ease / 4, (girth - back) / 2 + ease / 4
    surplus = {b: hip[b] - waist[b] for b in (False, True)}
    least = min(surplus.values())
    even = max(0.0, min(side_share * sum(surplus.values()) / 2, least, MAX_SIDE))
    side = {b: even if least > 0 else min(surplus[b], 0.5 * side_share * max(surplus[b], 0.0)) for b in surplus}
    # more than the darts may hold goes into the side seam, evenly over front and back
    over = max(0.0, *(surplus[b] - side[b] - max_darts[b] * MAX_DART for b in (False, True)))
    if over:
        side = {b: side[b] + min(over, max(0.0, surplus[b] - side[b])) for b in side}
    shares = {}
    for b in (False, True):
        rest = surplus[b] - side[b]
        if rest < MIN_DART:
            shares[b] = Shares(hip[b], waist[b], surplus[b], ())
            continue
        count = int(np.clip(np.ceil(rest / 0.027), 1, max_darts[b]))
        weights = np.linspace(1.1, 0.9, count) if count > 1 else np.ones(1)
        shares[b] = Shares(hip[b], waist[b], side[b], tuple(rest * weights / weights.sum()))
    return shares


def dart_places(count: int, first: float | None = None) -> tuple[float, ...]:
    """Distances of darts from the centre as fractions of the sewn waist: even, or from a given first one on."""
    if first is None:
        return tuple((i + 1) / (count + 1) for i in range(count))
    return tuple(first + (1 - first) * 0.55 * i / max(count - 1, 1) for i in range(count))


def waist_edge(path: Outline, side_top: np.ndarray, centre: np.ndarray, side_dir: np.ndarray, darts: tuple[float, ...],
               lengths: tuple[float, ...], places: tuple[float, ...] | None = None) -> None:
    """Draws the waist from the side to the centre with its darts (given from the centre outward).

    The edge meets the side seam, the darts' legs and the centre line at right angles, so that it runs smoothly once
    the darts are sewn. Labels: waist_1.., dartN_a (mouth to tip), dartN_b; N counts from the centre.

    Args:
        side_dir: Direction of the side seam at its top, pointing down.
        places: Distance of each dart's middle from the centre along the sewn edge, as a fraction; by default even.
    """
    count = len(darts)
    places = places or dart_places(count)
    line = side_top - centre
    total = np.linalg.norm(line)
    along = line / total
    down = np.array([along[1], -along[0]])
    sewn = total - sum(darts)
    start, tangent = side_top, _square(side_dir, -along)
    piece = 1
    for i in range(count - 1, -1, -1):
        mid = centre + along * (places[i] * sewn + sum(darts[:i]) + darts[i] / 2)
        tip = mid + down * lengths[i]
        outer, inner = mid + along * darts[i] / 2, mid - along * darts[i] / 2
        path.curve(outer, *smooth(start, outer, tangent, _square(tip - outer, -along)), label=f"waist_{piece}")
        path.line(tip, f"dart{i + 1}_a").line(inner, f"dart{i + 1}_b")
        start, tangent = inner, _square(tip - inner, -along)
        piece += 1
    path.curve(centre, *smooth(start, centre, tangent, (-1.0, 0.0)), label=f"waist_{piece}")


def waist_edge_up(path: Outline, side: np.ndarray, side_dir: np.ndarray, darts: tuple[float, ...],
                  lengths: tuple[float, ...], places: tuple[float, ...] | None = None) -> None:
    """Draws the waist of a bodice from the centre (where the path is) to the side, its darts pointing up.

    Args:
        side_dir: Direction of the side seam at the waist, pointing up.
    """
    flip = np.array([1.0, -1.0])
    turned = Outline(side * flip)
    waist_edge(turned, side * flip, path.at * flip, np.asarray(side_dir) * flip, darts, lengths, places)
    points = [turned.start, *(s.end for s in turned.steps)]
    for i in range(len(turned.steps) - 1, -1, -1):
        step = turned.steps[i]
        path.curve(points[i] * flip, *(c * flip for c in step.controls[::-1]), label=step.label)


def _square(v: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """The unit vector square to ``v`` on the side of ``towards``."""
    n = unit((-v[1], v[0]))
    return n if n @ towards > 0 else -n


def _side_up(s: Shares, to_hip: float, rise: float, along: np.ndarray) -> tuple[np.ndarray, tuple, np.ndarray]:
    """Hip point, control points and top of the side seam above the hip."""
    hip, top = np.array([s.hip, -to_hip]), np.array([s.hip - s.side, rise])
    return hip, smooth(hip, top, along, (-0.42 * s.side, 0.4 * to_hip), 0.4), top


def side_rises(shares: dict[bool, Shares], to_hip: float, along: dict[bool, np.ndarray]) -> dict[bool, float]:
    """Rise of the waist at the side of front and back, such that both side seams are as long."""
    def length(back: bool, rise: float) -> float:
        hip, controls, top = _side_up(shares[back], to_hip, rise, along[back])
        return curve_length(hip, controls, top)

    want = max(length(b, SIDE_RISE) for b in (False, True))
    return {b: root(lambda r, b=b: length(b, r) - want, SIDE_RISE - 1e-4, SIDE_RISE + 0.15, "the sides above the hip")
            for b in shares}


def _feet(shares: dict[bool, Shares], to_hip: float, length: float, flare: float) -> dict[bool, np.ndarray]:
    """Lower end of the side seam of front and back."""
    below = length - to_hip
    angle = np.arctan(flare / 0.40)
    out = below * np.sin(angle)
    # the hem rises to a point between a side as long as the centre and a hem square to the side
    mean = (shares[False].hip + shares[True].hip) / 2 + out
    lift = 0.5 * (below * (1 - np.cos(angle)) + 0.5 * mean * np.tan(angle))
    return {b: np.array([s.hip + out, -length + lift]) for b, s in shares.items()}


def _face(s: Shares, *, back: bool, length: float, to_hip: float, foot: np.ndarray, rise: float,
          first_dart: float | None = None) -> Outline:
    """Half a skirt panel, y = 0 at the natural waist."""
    path = Outline((0.0, -length))
    if foot[1] > -length + 1e-4:
        path.curve(foot, (foot[0] * 0.5, -length), label="hem")
    else:
        path.line(foot, "hem")
    hip = np.array([s.hip, -to_hip])
    hip, controls, top = _side_up(s, to_hip, rise, hip - foot)
    path.line(hip, "side_low").curve(top, *controls, label="side_up")
    full = (0.135 if back else 0.095) * np.clip(to_hip / 0.205, 0.7, 1.3)
    lengths = tuple(full - 0.015 * i for i in range(len(s.darts)))
    waist_edge(path, top, np.array([0.0, -BACK_DROP if back else 0.0]), controls[1] - top, s.darts, lengths,
               dart_places(len(s.darts), first_dart))
    return path


def waist_ease(m: Mapping[str, float], waist: str, ease_waist: float, ease_hip: float) -> float:
    """Ease on the waist girth of the cloth: with an elastic, what lets the hips through."""
    if waist == "fitted":
        return ease_waist
    return max(ease_waist, m["hip_girth"] + ease_hip - m["waist_girth"])


def add_waistband(d: Draft, stand: Stand, *, height: float, front: list[tuple[str, str]], back: list[tuple[str, str]],
                  y: float, radius: float, elastic: float = 0.0) -> None:
    """A straight waistband in two halves, sewn to the waist's edges (chains from side to side) and at the sides.

    Args:
        elastic: Relaxed length of the elastic in it all round [m]; 0 for a band with interlining instead.
    """
    stiffness = 8.0 if elastic else 3.0  # a woven elastic is stiff across, so as not to roll over
    for name, chain, is_back in (("waistband_front", front, False), ("waistband_back", back, True)):
        length = d.length(*chain)
        d.add(name, band(length, length, height),
              stand.trunk(name, back=is_back, y=y, radius=radius, gap=-0.01), stiffness=stiffness)
        d.sew([(name, "bottom_1"), (name, "bottom_2")], chain)
    d.sew([("waistband_front", "end_plus")], [("waistband_back", "end_minus")])
    d.sew([("waistband_front", "end_minus")], [("waistband_back", "end_plus")])
    if elastic:  # half of its pull at each edge of its casing
        bands = ("waistband_front", "waistband_back")
        for edge in ("bottom", "top"):
            edges = [(name, f"{edge}_{k}") for name in bands for k in (1, 2)]
            ratio = float(np.clip(elastic / d.length(*edges), RATIO_LEAST, 1.0))
            d.tape(*edges, ratio=ratio, stiffness=0.5 * ELASTIC_STIFFNESS, label="elastic")
    else:
        edges = [(name, f"bottom_{k}") for name in ("waistband_front", "waistband_back") for k in (1, 2)]
        d.tape(*edges, stiffness=STAY_STIFFNESS, label="waist stay")


def waist_chain(d: Draft, panels: list[str], plus: str) -> list[tuple[str, str]]:
    """The waist edges of a face from its +x side over the centre to its -x side.

    Args:
        panels: The one whole panel, or the two halves, +x first.
        plus: The wearer's side at +x.
    """
    other = {"l": "r", "r": "l"}[plus]

    def labels(panel: str, end: str) -> list[str]:
        found = [e.label for e in d.panels[panel].edges if e.label.startswith("waist_")]
        return sorted(x for x in found if x.endswith(end))

    if len(panels) == 1:
        panel = panels[0]
        return [(panel, x) for x in labels(panel, plus)] + [(panel, x) for x in labels(panel, other)[::-1]]
    return [(panels[0], x) for x in labels(panels[0], "")] + [(panels[1], x) for x in labels(panels[1], "")[::-1]]


def skirt_panels(d: Draft, stand: Stand, m: Mapping[str, float], shares: dict[bool, Shares], *, length: float | None,
                 flare: float = 0.0, split_back: bool = False, y: float | None = None,
                 first_dart: float | None = None) -> None:
    """Adds the skirt's panels (skirt_front, skirt_back or skirt_back_l/_r) and sews darts, sides and centre back.

    Args:
        y: World height of the waist line; by default the body's waist.
        first_dart: Place of the front's first dart, see ``dart_places``.
    """
    length = max(m["waist_height"] - m["knee_height"], 0.3) if length is None else length
    to_hip = min(m["waist_to_hip"], length - 0.03)
    feet = _feet(shares, to_hip, length, flare)
    along = {b: np.array([s.hip, -to_hip]) - feet[b] for b, s in shares.items()}
    rises = side_rises(shares, to_hip, along)
    level = stand.level("waist_front", "waist_back") if y is None else y
    radius = m["hip_girth"] / (2 * np.pi)
    for back, s in shares.items():
        half = _face(s, back=back, length=length, to_hip=to_hip, foot=feet[back], rise=rises[back],
                     first_dart=None if back else first_dart)
        face = "skirt_back" if back else "skirt_front"
        place = stand.trunk(face, back=back, y=level, radius=radius)
        if back and split_back:
            half.line(half.start, "centre")
            d.add("skirt_back_r", half, place)
            d.add("skirt_back_l", half.mirrored(), place)
            d.sew([("skirt_back_r", "centre")], [("skirt_back_l", "centre")])
        else:
            d.add(face, half.unfolded("r" if back else "l"), place)
    for name in [n for n in d.panels if n.startswith("skirt_")]:
        d.darts(name)
    for s in "lr":
        for label in ("side_low", "side_up"):
            back = (f"skirt_back_{s}", label) if split_back else ("skirt_back", f"{label}_{s}")
            d.sew([("skirt_front", f"{label}_{s}")], [back])


def _skirt(name: str, measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None, o: SkirtOptions, *,
           flare: float, max_darts: dict[bool, int], side_share: float) -> Pattern:
    body = measured(measurements, SKIRT_NEEDS, name.replace("_", " "))
    measurements, landmarks, band = at_the_band(measurements, landmarks)
    m = measured(measurements, SKIRT_NEEDS, name.replace("_", " "))
    stand = Stand(measurements, landmarks)
    d = Draft(name)
    ease_waist = waist_ease(m, o.waist, o.ease_waist, o.ease_hip)
    shares = skirt_shares(m, ease_hip=o.ease_hip, ease_waist=ease_waist, max_darts=max_darts, side_share=side_share)
    skirt_panels(d, stand, m, shares, length=o.length, flare=flare)
    level = stand.level("waist_front", "waist_back")
    add_waistband(d, stand, height=o.waistband, front=waist_chain(d, ["skirt_front"], "l"),
                  back=waist_chain(d, ["skirt_back"], "r"),
                  y=level + 0.005, radius=m["waist_girth"] / (2 * np.pi),
                  elastic=ELASTIC_SHARE * m["waist_girth"] if o.waist == "elastic" else 0.0)
    ease = {band: ease_waist, "hip_girth": o.ease_hip}
    return d.pattern(kind="skirt", ease=ease, drafted_for=body, source="skirt block after Aldrich and Armstrong")


def straight_skirt(measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
                   options: SkirtOptions | None = None) -> Pattern:
    """Drafts the straight skirt for a body. See ``SkirtOptions``."""
    return _skirt("skirt_straight", measurements, landmarks, options or SkirtOptions(), flare=0.0,
                  max_darts={False: 2, True: 3}, side_share=0.4)


def a_line_skirt(measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
                 options: ALineOptions | None = None) -> Pattern:
    """Drafts the A-line skirt for a body: fewer darts, more taken at the side, flared from the hip line down."""
    o = options or ALineOptions()
    return _skirt("skirt_a_line", measurements, landmarks, o, flare=o.flare, max_darts={False: 1, True: 2},
                  side_share=0.6)
