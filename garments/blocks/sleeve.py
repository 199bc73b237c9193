"""Set-in sleeves fitted to an armhole.

Rule (Aldrich, Metric Pattern Cutting; Armstrong, Patternmaking for Fashion Design): the cap's curve is as long as the
armhole plus its ease, the sleeve is as wide at the underarm as the upper arm plus ease, and the cap's height follows
from the two. The ease is set in near the crown; below the notches cap and armhole match one to one.

A sleeve is cut as a front and a back half joined along the middle by a flat seam, so that both halves can lie flat
before and behind the arm at the start of a drape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from garments.blocks.draft import Draft, Outline, curve_length
from garments.blocks.frames import Stand

__all__ = ["Cap", "fit_cap", "set_in"]

#: Pull of the cap's curve at crown and underarm as fractions of its width: the front is hollowed out more.
_PULL = {False: (0.44, 0.52), True: (0.50, 0.40)}


@dataclass(frozen=True)
class Cap:
    """A sleeve's cap: height and half widths [m]."""

    height: float
    front: float
    back: float

    @property
    def width(self) -> float:
        """Whole width at the underarm line [m]."""
        return self.front + self.back

    def share(self, back: bool, hem: float) -> float:
        """Part of a hem that falls to the front or back half, such that both underarm seams are as long."""
        half = (self.back if back else self.front) - (self.width - hem) / 2
        return float(np.clip(half / hem, 0.35, 0.65))


def _controls(height: float, width: float, back: bool) -> tuple[np.ndarray, np.ndarray]:
    crown, under = _PULL[back]
    return np.array([width * (1 - under), 0.0]), np.array([width * crown, height])


def _length(height: float, width: float, back: bool) -> float:
    return curve_length((width, 0.0), _controls(height, width, back), (0.0, height))


def fit_cap(front: float, back: float, *, biceps: float, max_height: float) -> Cap:
    """The cap whose halves' curves are ``front`` and ``back`` long [m] and together ``biceps`` wide.

    A thin arm in a deep armhole would make the cap higher than ``max_height``; the sleeve is then wider instead.
    """
    def widths(height: float) -> tuple[float, float]:
        out = []
        for length, is_back in ((front, False), (back, True)):
            if height >= 0.98 * length:
                out.append(0.2 * length)
                continue
            out.append(brentq(lambda w, n=length, b=is_back: _length(height, w, b) - n, 1e-3, length))
        return out[0], out[1]

    low, high = 0.015, min(max_height, 0.9 * min(front, back))
    if sum(widths(high)) >= biceps:
        height = high
    elif sum(widths(low)) <= biceps:
        height = low
    else:
        height = brentq(lambda h: sum(widths(h)) - biceps, low, high, xtol=1e-6)
    return Cap(height, *widths(height))


def _half(cap: Cap, *, back: bool, length: float, hem: float) -> Outline:
    """Half a sleeve with its centre line at x = 0, the underarm at +x, y = 0 at the underarm."""
    width = cap.back if back else cap.front
    foot = cap.height - length
    under = np.array([width, 0.0])
    path = Outline((0.0, foot)).line((hem, foot), "hem")
    if length - cap.height > 0.25:  # long: a little narrower at the elbow than a straight line
        path.curve(under, (hem + 0.25 * (width - hem), foot * 0.55), (width - 0.04 * width, foot * 0.3), label="under")
    else:
        path.line(under, "under")
    path.curve((0.0, cap.height), *_controls(cap.height, width, back), label="cap")
    return path.line((0.0, foot), "centre")


def set_in(d: Draft, stand: Stand, cap: Cap, *, length: float, hem: float, arm_girth: float,
           holes: dict[tuple[str, bool], list[tuple[str, str]]], ease_above: float = 0.45) -> None:
    """Adds both sleeves (panels sleeve_{l,r}_{front,back}) and sews them into the armholes.

    Args:
        length: From the crown to the hem [m].
        hem: Width of the whole hem [m], shared between the halves as the underarm is.
        arm_girth: Girth of the upper arm [m].
        holes: For (side, is it the back) the armhole's edges (panel, label) from the underarm up.
        ease_above: Fraction of the armhole from the underarm up to the notch where the ease begins.
    """
    for side in ("l", "r"):
        for back in (False, True):
            name = f"sleeve_{side}_{'back' if back else 'front'}"
            half = _half(cap, back=back, length=length, hem=hem * cap.share(back, hem))
            if (side == "l") != back:
                half = half.mirrored()
            d.add(name, half, stand.arm(side, back=back, cap=cap.height, thickness=arm_girth / np.pi))
            d.sew([(name, "cap")], holes[side, back], ease_from=ease_above)
        d.sew([(f"sleeve_{side}_front", "centre")], [(f"sleeve_{side}_back", "centre")])
        d.sew([(f"sleeve_{side}_front", "under")], [(f"sleeve_{side}_back", "under")])
