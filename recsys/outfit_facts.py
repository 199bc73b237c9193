"""What an outfit asks of an item: where it is worn, its colour, how formal, warm and wide it is, whether patterned.

Taken from the items table. Columns that are read, all optional but one that says where an item is worn:
    ``slot`` (top, bottom, layer, dress), or ``type``, ``category``, ``kind`` or ``name``, whose words say it
    ``colour`` or ``color``  names or #rrggbb
    ``formality``            0 casual to 1 formal, or words (casual, smart, formal); else from type and fabric
    ``season``               words (summer, winter, ...); else from type and fabric
    ``cut`` or ``fit``       words (slim, straight, loose, ...); where the garment's geometry is known
                             (``silhouette_*``, from ``toile garments embed``), that instead
    ``pattern``              plain, striped, ...
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from recsys.colour import lab_of
from recsys.schema import Catalogue

__all__ = ["SLOTS", "OutfitFacts", "outfit_facts"]

SLOTS = ("top", "bottom", "layer", "dress")
_WORN = {
    "top": "top tee tshirt shirt blouse sweater jumper pullover knit polo tank camisole hoodie sweatshirt bodysuit",
    "bottom": "bottom skirt trousers pants jeans shorts leggings chinos culottes",
    "layer": "layer jacket coat cardigan blazer vest gilet overshirt parka trench",
    "dress": "dress sheath jumpsuit gown overall",
}
_SLOT_OF = {word: slot for slot, words in _WORN.items() for word in words.split()}
#: 0 casual to 1 formal, and 0 for heat to 1 for frost, by what an item is and is made of (usual Western wear).
_FORMAL = {
    "tee": 0.1, "hoodie": 0.05, "sweatshirt": 0.05, "shorts": 0.1, "leggings": 0.1, "jeans": 0.2, "polo": 0.35,
    "sweater": 0.4, "knit": 0.4, "cardigan": 0.45, "skirt": 0.55, "trousers": 0.6, "shirt": 0.6, "blouse": 0.65,
    "jacket": 0.55, "coat": 0.6, "dress": 0.6, "sheath": 0.8, "blazer": 0.85, "overshirt": 0.35, "parka": 0.2,
}  # fmt: skip
_FORMAL_CLOTH = {"satin": 0.15, "silk": 0.15, "wool": 0.1, "crepe": 0.1, "poplin": 0.05, "jersey": -0.1,
                 "linen": -0.05, "denim": -0.2, "fleece": -0.25, "ripstop": -0.2, "corduroy": -0.1}  # fmt: skip
_WARM = {"tank": 0.0, "shorts": 0.05, "tee": 0.25, "blouse": 0.3, "shirt": 0.35, "skirt": 0.4, "dress": 0.35,
         "jeans": 0.5, "trousers": 0.5, "jacket": 0.6, "sweater": 0.75, "knit": 0.7, "cardigan": 0.65,
         "hoodie": 0.6, "coat": 0.9, "parka": 1.0}  # fmt: skip
_WARM_CLOTH = {"linen": -0.25, "voile": -0.25, "silk": -0.1, "satin": -0.1, "viscose": -0.1, "poplin": -0.1,
               "jersey": 0.0, "twill": 0.05, "denim": 0.1, "ponte": 0.1, "wool": 0.3, "fleece": 0.3}  # fmt: skip
_SEASON = {"summer": 0.1, "spring": 0.35, "autumn": 0.6, "fall": 0.6, "winter": 0.9}
_FORMALITY = {"casual": 0.15, "everyday": 0.3, "smart": 0.6, "business": 0.75, "elegant": 0.85, "formal": 0.95}
#: -1 close to the body to 1 wide.
_WIDE = {"slim": -0.8, "skinny": -1.0, "fitted": -0.8, "tight": -0.8, "cropped": -0.2, "straight": 0.0,
         "regular": 0.0, "relaxed": 0.5, "loose": 0.8, "boxy": 0.7, "wide": 1.0, "flared": 0.7, "oversized": 1.0,
         "pleated": 0.6, "long": 0.1}  # fmt: skip
#: Geometry: ease [m] at which a garment is neither close nor wide, and what counts as wide beyond it.
_EASE = {"silhouette_ease_bust": (0.11, 0.10), "silhouette_ease_hip": (0.08, 0.10)}
_FLARE = {"silhouette_hem_to_waist": (1.6, 0.6), "silhouette_leg_flare": (1.0, 0.35)}


@dataclass(frozen=True)
class OutfitFacts:
    """Facts of items, NaN where unknown.

    Attributes:
        slot: Index into SLOTS, -1 for what is no part of an outfit, shape [item].
        lab: Main colour, shape [item, 3]. colour: Its name.
        formality: 0 casual to 1 formal. warmth: 0 for heat to 1 for frost. width: -1 close to 1 wide. shape [item].
        patterned: 1 where the cloth has a pattern, 0 plain, shape [item].
    """

    slot: np.ndarray
    lab: np.ndarray
    colour: tuple[str, ...]
    formality: np.ndarray
    warmth: np.ndarray
    width: np.ndarray
    patterned: np.ndarray


def outfit_facts(catalogue: Catalogue) -> OutfitFacts:
    """The facts of a whole catalogue."""
    n = len(catalogue)
    kind = [_first_known(catalogue, k, _SLOT_OF, "slot", "type", "category", "kind", "name") for k in range(n)]
    cloth = [_words(catalogue, k, "fabric", "material", "name") for k in range(n)]
    slot = np.array([SLOTS.index(_SLOT_OF[w]) if w else -1 for w in kind])
    colour = [next((c for c in _cells(catalogue, k, "colour", "color", "name") if lab_of(c) is not None), "")
              for k in range(n)]  # fmt: skip
    lab = np.array([lab_of(c) if c else np.full(3, np.nan) for c in colour]).reshape(n, 3)
    formality = _leaning(catalogue, kind, cloth, "formality", _FORMALITY, _FORMAL, _FORMAL_CLOTH)
    warmth = _leaning(catalogue, kind, cloth, "season", _SEASON, _WARM, _WARM_CLOTH)
    patterned = np.full(n, np.nan)
    for k, cells in enumerate(catalogue.categories.get("pattern", [])):
        if cells:
            patterned[k] = float(not {"plain", "solid", "uni"} & {c.lower() for c in cells})
    names = tuple(_colour_name(c) for c in colour)
    return OutfitFacts(slot, lab, names, formality, warmth, _width(catalogue), patterned)


def _cells(catalogue: Catalogue, item: int, *columns: str) -> list[str]:
    out: list[str] = []
    for column in columns:
        if column == "name":
            out.append(catalogue.names[item])
        elif column in catalogue.categories:
            out += catalogue.categories[column][item]
    return out


def _words(catalogue: Catalogue, item: int, *columns: str) -> list[str]:
    return [w for cell in _cells(catalogue, item, *columns) for w in re.findall(r"[a-z]+", cell.lower())]


def _first_known(catalogue: Catalogue, item: int, known: dict[str, str], *columns: str) -> str:
    """The last known word of the first column that has one: in a name it is the noun (``denim shirt dress``)."""
    for column in columns:
        found = [w for w in _words(catalogue, item, column) if w in known or w.removesuffix("s") in known]
        if found:
            return found[-1] if found[-1] in known else found[-1].removesuffix("s")
    return ""


def _leaning(
    catalogue: Catalogue, kind: list[str], cloth: list[list[str]], column: str, words: dict[str, float],
    by_kind: dict[str, float], by_cloth: dict[str, float],
) -> np.ndarray:  # fmt: skip
    """A column's number or words, else what kind and cloth imply, 0 to 1."""
    if column in catalogue.numbers:
        return np.clip(catalogue.numbers[column], 0, 1)
    out = np.full(len(kind), np.nan)
    for k, (what, of) in enumerate(zip(kind, cloth, strict=True)):
        said = [words[w] for w in _words(catalogue, k, column) if w in words]
        if said:
            out[k] = np.mean(said)
        elif what in by_kind:
            out[k] = np.clip(by_kind[what] + max((by_cloth[w] for w in of if w in by_cloth), key=abs, default=0), 0, 1)
    return out


def _width(catalogue: Catalogue) -> np.ndarray:
    n = len(catalogue)
    out = np.full(n, np.nan)
    for k in range(n):
        said = [_WIDE[w] for w in _words(catalogue, k, "cut", "fit", "name") if w in _WIDE]
        if said:
            out[k] = np.mean(said)
    seen = [np.clip((catalogue.numbers[c] - middle) / wide, -1, 1) for c, (middle, wide) in (_EASE | _FLARE).items()
            if c in catalogue.numbers]  # fmt: skip
    if seen:
        columns = np.array(seen)
        known = np.isfinite(columns).any(0)
        # the widest part is what the eye sees
        out[known] = np.nanmax(columns[:, known], 0)
    return out


def _colour_name(text: str) -> str:
    return text.lower() if not text.startswith("#") else text
