"""`toile recommend --like look/`: what is most like the garments of a look, in the shop or among Toile's own designs.

Likeness is distance in the garment space (``recsys.vae``), which knows the geometry of garments and not their names.
A shop's items have places in it where its model was trained with ``--embeddings`` of ``toile garments embed``.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core import codec
from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from engine.core.safe_io import read_json
from engine.core.types import Body, Fabric
from engine.library_names import default_fabric, is_file, load_fabric, load_pattern
from engine.shop_files import MODEL, say
from garments.silhouette import silhouette

__all__ = ["Worn", "difference", "garments_of", "recommend_like"]

#: Figures of the silhouette in words: more of it, less of it, unit, factor, what is not worth a word.
_WORDS = {
    "length": ("longer", "shorter", "cm", 100.0, 2.0), "ease_bust": ("wider at the bust", "closer at the bust", "cm",
                                                                  100.0, 2.0),
    "ease_waist": ("wider at the waist", "closer at the waist", "cm", 100.0, 2.0),
    "ease_hip": ("wider at the hip", "closer at the hip", "cm", 100.0, 2.0),
    "leg_flare": ("more flared", "less flared", "%", 100.0, 8.0),
    "sleeve_length": ("longer sleeves", "shorter sleeves", "% of the arm", 100.0, 6.0),
    "neck_depth": ("a deeper neckline", "a higher neckline", "cm", 100.0, 1.5),
}  # fmt: skip


@dataclass(frozen=True)
class Worn:
    """A garment to look for."""

    name: str
    pattern: Pattern
    fabric: Fabric
    body: Body


def garments_of(place: str) -> list[Worn]:
    """The garments of a look's folder, or the one that a pattern file or a library name stands for.

    Raises:
        InputError: the folder does not say what is worn in it, or a pattern of it is gone.
    """
    path = Path(place)
    if not path.is_dir():
        body = _mean_woman()
        return [Worn(path.stem, load_pattern(place, body), load_fabric(default_fabric(place)), body)]
    written = path / "manifest.json"
    manifest = read_json(written, what="manifest of the look") if written.is_file() else {}
    names = manifest.get("garments")
    if not isinstance(names, list) or not names or not (path / "body.npz").is_file():
        raise InputError("like.look", f"{place}: does not say what is worn in it", "make it by toile drape or try-on")
    body = codec.load(path / "body.npz", Body)
    fabrics, options = manifest.get("fabrics") or [], manifest.get("options") or []
    worn = []
    for k, name in enumerate(names):
        if is_file(name) and not Path(name).is_file():
            raise InputError("like.pattern", f"{place}: its pattern {name} is gone", "put it back, or give the pattern")
        fabric = load_fabric(fabrics[k] if k < len(fabrics) else default_fabric(name))
        pattern = load_pattern(name, body, options[k] if k < len(options) else None)
        worn.append(Worn(Path(name).stem, pattern, fabric, body))
    return worn


def recommend_like(args: Namespace) -> dict[str, Any]:
    """toile recommend --like"""
    from recsys.vae.space import GarmentSpace

    if not 1 <= args.count <= 200:
        raise InputError("recsys.count", f"--count {args.count}: out of range", "1 to 200")
    worn, space = garments_of(args.like), GarmentSpace.load()
    shop = (Path(args.out) / MODEL).exists()
    out = []
    for one in worn:
        found = _in_shop(args, space, one) if shop else _designs(args, space, one)
        say(args, f"Like the {one.name}:", *(f"  {k:>2}  {r['label']}  ({r['item']}): {r['reason']}"
                                             for k, r in enumerate(found, 1)))  # fmt: skip
        out.append({"garment": one.name, "items": found})
    return {"status": "done", "among": "shop" if shop else "designs", "like": out}


def _in_shop(args: Namespace, space: Any, worn: Worn) -> list[dict[str, Any]]:
    from engine.shop_files import load_shop_model
    from recsys.vae.space import nearest

    catalogue = load_shop_model(args).catalogue
    place = space.places(space.points([(worn.pattern, worn.fabric)])[0].latent[None])[0]
    if catalogue.embedding is None or catalogue.embedding.shape[1] != len(place):
        hint = "make them by toile garments embed, and train again with --embeddings"
        raise InputError("like.embeddings", "the shop's items have no places in the garment space", hint)
    known = np.flatnonzero(np.isfinite(catalogue.embedding).all(1))
    own, rows = silhouette(worn.pattern, worn.body.measurements), []
    for k, distance in nearest(place, catalogue.embedding[known], args.count):
        item = int(known[k])
        theirs = {n.removeprefix("silhouette_"): float(v[item]) for n, v in catalogue.numbers.items()
                  if n.startswith("silhouette_")}  # fmt: skip
        rows.append({"item": catalogue.ids[item], "label": catalogue.label(item), "distance": round(distance, 4),
                     "reason": difference(own, theirs)})  # fmt: skip
    return rows


def _designs(args: Namespace, space: Any, worn: Worn) -> list[dict[str, Any]]:
    """Designs of the library that are like it, written as patterns that can be sewn for the same body."""
    from engine.garment_space import known, similar
    from garments.formats import write_toile

    own, rows = silhouette(worn.pattern, worn.body.measurements), []
    results = similar(space, known(space, worn.pattern, worn.fabric, None), worn.body, args.count)
    for number, result in enumerate(results, 1):
        design = result.sewn.design
        name = f"like_{worn.name}_{number:02d}_{design.family}"
        path = write_toile(Path(args.out) / f"{name}.json", replace(result.sewn.pattern, name=name),
                           design={"garment": design.family, "options": design.options})  # fmt: skip
        rows.append({"item": str(path), "label": f"{design.family} in {result.fabric}",
                     "distance": round(result.distance, 4), "reason": difference(own, result.figures)})  # fmt: skip
    return rows


def difference(own: dict[str, float], theirs: dict[str, float]) -> str:
    """What another silhouette has more or less of, in plain words, the most telling first."""
    parts = []
    for name, (more, less, unit, factor, least) in _WORDS.items():
        change = (theirs.get(name, np.nan) - own.get(name, np.nan)) * factor
        if np.isfinite(change) and abs(change) >= least:
            parts.append((abs(change) / least, f"{more if change > 0 else less} by {abs(change):.0f} {unit}"))
    if not parts:
        return "the same silhouette" if set(own) & set(theirs) else "alike in shape"
    parts.sort(key=lambda p: -p[0])
    return "like it, " + " and ".join(text for _, text in parts[:2])


def _mean_woman() -> Body:
    from avatars.open_body import load_open_body, make_body, prior

    model = load_open_body()
    return make_body(model, prior(model, "female")[0], sex="female")
