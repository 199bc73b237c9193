"""Garments drawn from the library's parameter ranges, drafted for a few bodies, rastered and measured.

    python -m tools.garment_vae.dataset --out build/garment_vae

Writes ``--out``/<family>-<number>.npz. Shards that are there and were made from the same options are kept, so that the
work can be interrupted, and a new family of the library costs only its own garments.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from avatars.open_body import load_open_body, make_body, prior
from avatars.typed import body_from_measurements
from engine.core import codec
from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from engine.core.safe_io import load_npz, write_with
from engine.core.types import Body, Fabric
from engine.measurement_file import read_measurements
from engine.sewable import REFUSALS
from garments import library
from garments.fabrics import load_fabrics
from garments.placement_regions import panel_regions
from garments.silhouette import FIGURES, silhouette
from recsys.vae.design import Family, Library, Value
from recsys.vae.figures import BODY, body_figures, fabric_figures, measured_figures
from recsys.vae.raster import CELLS, FORMAT, FRAME, rasterise

__all__ = ["Garments", "draw_options", "make", "read_shards"]

BODIES = Path(__file__).resolve().parents[2] / "examples" / "bodies"
SHARD = 100
DRAWN = 40  #: bodies beside the examples'
#: Shares of garments: option left to the block where that is its default; drawn near the default, not anywhere;
#: made of the garment's usual fabric.
LEFT, NEAR, USUAL = 0.15, 0.5, 0.5
#: Share of garments with sleeves that are drawn without them, most of these without their collars too: with the lower
#: parts of others (``recsys.vae.compose``) they make what no block draws.
BARE, OPEN = 0.25, 0.7
#: Spread of options drawn near the default, as a share of their range.
SPREAD = 0.15


@dataclass(frozen=True)
class Garments:
    """A set of garments as arrays; the first axis is the garment."""

    raster: np.ndarray  #: 255 times ``rasterise``, uint8, shape [n, 2, 12, 32, 32]
    family: np.ndarray  #: index into the library, shape [n]
    shares: np.ndarray  #: all families' parameters, NaN where another family's or left to the block, [n, parameter]
    fabric: np.ndarray  #: shape [n, 8]
    body: np.ndarray  #: of the body that it was drafted for, shape [n, 6]
    told: np.ndarray  #: whether the pattern says so, bool, shape [n, 6]
    figures: np.ndarray  #: silhouette, NaN where there is no such thing, shape [n, figure]
    body_index: np.ndarray  #: place in the list of bodies, shape [n]
    waist: np.ndarray  #: row of the raster at which the body's waist lies, shape [n]
    whole: np.ndarray  #: False where sleeves and collar were left out: no family then has such options, bool, shape [n]

    def __len__(self) -> int:
        return len(self.raster)

    def where(self, keep: np.ndarray) -> Garments:
        """Some of the garments, by mask or index."""
        return Garments(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    def of(self, everything: Library, known: Library) -> Garments:
        """Those of some of a library's families, numbered as these."""
        part = self.where(np.isin(self.family, [everything.index(f.name) for f in known.families]))
        shares = np.full((len(part), known.width), np.nan, np.float32)
        family = np.zeros(len(part), np.int32)
        for new, f in enumerate(known.families):
            old = everything.index(f.name)
            mine = part.family == old
            family[mine] = new
            shares[mine, known.columns(new)] = part.shares[mine, everything.columns(old)]
        return replace(part, family=family, shares=shares)


def draw_options(family: Family, rng: np.random.Generator) -> dict[str, Value]:
    """Options at random: half of the numbers anywhere in their ranges, half near the defaults."""
    options: dict[str, Value] = {}
    for p in family.parameters:
        if p.words:
            options[p.name] = p.words[int(rng.integers(len(p.words)))]
            continue
        centre = 0.5 if p.default is None else p.shares(p.default)[0]
        share = rng.random() if rng.random() > NEAR else centre + SPREAD * rng.standard_normal()
        left = p.default is None and rng.random() < LEFT
        options[p.name] = None if left else p.value(np.array([share]))
    return options


def bodies(folder: Path, drawn: int = 0) -> dict[str, Body]:
    """The bodies of ``examples/bodies`` and some drawn from the open body's prior, made once and kept in ``folder``."""
    made: dict[str, Callable[[], Body]] = {
        source.stem: partial(_typed_body, source) for source in sorted(BODIES.glob("*.yaml"))
    }
    made |= {f"drawn_{number:02d}": partial(_drawn_body, number) for number in range(drawn)}
    found = {}
    for name, make_it in made.items():
        path = folder / f"{name}.npz"
        if not path.exists():
            codec.save(make_it(), path)
        found[name] = codec.load(path, Body)
    return found


def _typed_body(source: Path) -> Body:
    values, sex = read_measurements(source)
    return body_from_measurements(values, sex=sex)


def _drawn_body(number: int) -> Body:
    """Two women, then a man, of the population; the same number gives the same body."""
    model, sex = load_open_body(), "male" if number % 3 == 2 else "female"
    mean, covariance = prior(model, sex)
    return make_body(model, np.random.default_rng(number).multivariate_normal(mean, covariance), sex=sex)


def _shard_key(family: Family, number: int, seed: int) -> str:
    """What a shard's content follows from, but for the code of the block."""
    described = Library((family,)).description()
    people = [*sorted(p.stem for p in BODIES.glob("*.yaml")), DRAWN]
    text = json.dumps([described, number, seed, FORMAT, SHARD, people, BODY, FIGURES, BARE, OPEN])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _one(family: Family, stands: list[Body], cloths: dict[str, Fabric], rng: np.random.Generator) -> dict | None:
    """One garment, or None where the block refuses the options."""
    options = draw_options(family, rng)
    which = int(rng.integers(len(stands)))
    usual = library.default_fabric(family.name)
    name = usual if rng.random() < USUAL else sorted(cloths)[int(rng.integers(len(cloths)))]
    body = stands[which]
    try:
        pattern = library.draft(family.name, body.measurements, body.landmarks, **options)
    except REFUSALS:
        return None
    shares, whole = family.shares(options), True
    if any(r.part == "sleeve" for r in panel_regions(pattern)) and rng.random() < BARE:
        parts = ("sleeve", "cuff", "collar") if rng.random() < OPEN else ("sleeve", "cuff")
        pattern, shares, whole = _without(pattern, parts), np.full(family.width, np.nan, np.float32), False
    figures = silhouette(pattern, body.measurements)
    return {
        "raster": np.round(255 * rasterise(pattern)).astype(np.uint8), "shares": shares,
        "fabric": fabric_figures(cloths[name]), "body": measured_figures(body.measurements),
        "told": np.isfinite(body_figures(pattern)),
        "figures": np.array([figures[k] for k in FIGURES], np.float32), "body_index": np.int32(which),
        "waist": np.float32((body.measurements["waist_height"].value - FRAME[1]) / FRAME[2] * CELLS),
        "whole": np.bool_(whole),
    }  # fmt: skip


def _without(pattern: Pattern, parts: tuple[str, ...]) -> Pattern:
    """The pattern less the panels of some parts of a garment, and a collar's fall with its collar."""
    regions = panel_regions(pattern)
    left = {r.name for r in regions if r.part in parts or ("collar" in parts and r.name.startswith("fall"))}
    return replace(
        pattern, panels=tuple(p for p in pattern.panels if p.name not in left),
        seams=tuple(s for s in pattern.seams if not {s.a.panel, s.b.panel} & left),
        tapes=tuple(t for t in pattern.tapes if t.along.panel not in left),
    )  # fmt: skip


def make(out: Path, *, per_family: int, seed: int = 0) -> Iterator[str]:
    """Makes what is missing of the set; yields a line per shard."""
    known = Library.described(library.describe())
    stands, cloths = list(bodies(out / "bodies", DRAWN).values()), load_fabrics()
    for number in range(-(-per_family // SHARD)):
        for family in known.families:
            path = out / f"{family.name}-{number:03d}.npz"
            key = _shard_key(family, number, seed)
            if path.exists() and str(load_npz(path)["key"]) == key:
                continue
            rng = np.random.default_rng([seed, number, *family.name.encode()])
            rows, tries = [], 0
            while len(rows) < SHARD:
                tries += 1
                if tries > 20 * SHARD:
                    raise InputError("dataset.refused", f"{family.name}: almost no options are valid", "mend its block")
                if (row := _one(family, stands, cloths, rng)) is not None:
                    rows.append(row)
            arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
            arrays |= {"key": np.array(key), "tries": np.array(tries)}
            write_with(path, lambda stream, arrays=arrays: np.savez_compressed(stream, **arrays))
            yield f"{path.name}: {SHARD} garments, {tries - SHARD} sets of options refused"


def read_shards(out: Path, known: Library, *, per_family: int, seed: int = 0) -> Garments:
    """The set as ``make`` left it; InputError where shards are missing or of another library."""
    columns = {name: [] for name in Garments.__dataclass_fields__}
    for i, family in enumerate(known.families):
        for number in range(-(-per_family // SHARD)):
            path = out / f"{family.name}-{number:03d}.npz"
            arrays = load_npz(path, what="shard of garments (run python -m tools.garment_vae.dataset)")
            if str(arrays["key"]) != _shard_key(family, number, seed):
                raise InputError("dataset.old", f"{path}: was made from other options", "make the set again")
            shares = np.full((len(arrays["raster"]), known.width), np.nan, np.float32)
            shares[:, known.columns(i)] = arrays["shares"]
            arrays |= {"shares": shares, "family": np.full(len(shares), i, np.int32)}
            for name, parts in columns.items():
                parts.append(arrays[name])
    return Garments(**{name: np.concatenate(parts) for name, parts in columns.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/garment_vae"))
    parser.add_argument("--per-family", type=int, default=1700)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for line in make(args.out, per_family=args.per_family, seed=args.seed):
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
