"""Tells which part of the body each panel goes around, from its region, label, name, and where the file put it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.core.pattern_types import Panel, Pattern
from garments.panels import outline

__all__ = ["PanelRegion", "panel_regions"]


@dataclass(frozen=True)
class PanelRegion:
    """What a panel covers."""

    part: str  #: torso, skirt, waistband, sleeve, cuff, leg, collar, hood or other
    side: str  #: l, r or "" for both
    face: str  #: front, back or around (one piece going all the way round)
    name: str  #: the panel's


_PARTS = (
    ("cuff", "cuff"), ("collar", "collar"), ("neckband", "collar"), ("turtle", "collar"), ("lapel", "collar"),
    ("waistband", "waistband"), ("wb", "waistband"), ("belt", "waistband"), ("hood", "hood"),
    ("sleeve", "sleeve"), ("sl", "sleeve"), ("arm", "sleeve"), ("pant", "leg"), ("pants", "leg"), ("trouser", "leg"),
    ("trousers", "leg"), ("skirt", "skirt"), ("godet", "skirt"), ("torso", "torso"), ("bodice", "torso"),
    ("ftorso", "torso"), ("btorso", "torso"), ("placket", "torso"), ("body", "torso"), ("leg", "leg"),
    ("yoke", "torso"), ("pocket", "torso"), ("dress", "torso"), ("chest", "torso"),
)


def _tokens(text: str) -> list[str]:
    return [t for t in re.split(r"[^a-z]+", text.lower()) if t]


def _part(panel: Panel) -> str:
    """The region that a drafter states goes before the name, the name before GarmentCode's coarse label."""
    region, name = _tokens(panel.placement.region), _tokens(panel.name)
    coarse = region in (["body"], ["leg"], ["arm"])
    for tokens in ((name, region) if coarse else (region, name)):
        for word, part in _PARTS:
            if any(t == word or (len(word) > 3 and word in t) for t in tokens):
                if word in ("pocket", "cuff") and any(t in ("leg", "pant", "pants", "trouser") for t in region + name):
                    return "leg"
                return part
    return "other"


def _middle(panel: Panel) -> np.ndarray:
    """The middle of the outline where it is placed [m], shape [3]."""
    axes = np.asarray(panel.placement.rotation, float)[:, :2]
    return axes @ outline(panel, 0.02).mean(0) + panel.placement.translation


def _side(panel: Panel) -> str:
    tokens = _tokens(panel.placement.region) + _tokens(panel.name)
    if any(t in ("l", "left") for t in tokens):
        return "l"
    if any(t in ("r", "right") for t in tokens):
        return "r"
    return "l" if _middle(panel)[0] >= 0 else "r"


def _face(panel: Panel, part: str) -> str:
    tokens = _tokens(panel.placement.region) + _tokens(panel.name)
    if any(t in ("front", "f", "ftorso") for t in tokens):
        return "front"
    if any(t in ("back", "b", "btorso") for t in tokens):
        return "back"
    if part in ("sleeve", "cuff", "collar", "waistband", "leg", "skirt"):
        return "around"  # unless other panels of the part face the other way
    return "front" if panel.placement.rotation[2, 2] >= 0 else "back"


def panel_regions(pattern: Pattern) -> list[PanelRegion]:
    """The region of every panel, in the pattern's order."""
    regions = []
    for panel in pattern.panels:
        part = _part(panel)
        if part == "other" and abs(panel.placement.rotation[2, 2]) > 0.8 and abs(_middle(panel)[0]) < 0.3:
            part = "torso" if _middle(panel)[1] > 0.95 else "skirt"  # a nameless panel before or behind the trunk
        side = _side(panel) if part in ("sleeve", "cuff", "leg") else ""
        regions.append(PanelRegion(part, side, _face(panel, part), panel.name))
    return regions
