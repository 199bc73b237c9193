"""The garment space on families that it never saw, and its random latents; prints one JSON line.

    python -m tools.garment_vae.dataset --out build/garment_vae
    python -m tools.garment_vae.build --data build/garment_vae
    python benchmarks/recsys/garment_vae.py --data build/garment_vae

*Retrieval.* Whole families are held out, once each: a model is trained on the others (as the shipped one, seeded), and
garments of the held-out families are looked up among themselves, on all bodies. What counts as alike is measured on the
drawn patterns (``garments.silhouette``), never read from options: a figure's third (small, middle, large) among the
gallery's garments that have it. Mean average precision per figure, beside others: nearest neighbours in the design
parameters themselves (each as a share of its range, families told apart), the first 32 principal components of the same
rasters of the training families (``pca32``; ``pca32_all`` with the figures of fabric and body that the encoder gets),
the latent without what the model foretells of the silhouette, and the same encoder untrained. ``measured`` is the
ceiling: places made of the very figures that are asked for, all at once. Intervals: 95 %, bootstrap over queries;
differences are paired.

*Reconstruction.* Intersection over union of the cells more than half covered, of garments kept out of the training and
of the held-out families.

*Latent.* How much of each latent coordinate is used (KL divergence from the prior, in nats).

*Sewable.* Random latents from the prior, each decoded, drafted and meshed on a body; how many needed another option.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.core.errors import InputError  # noqa: E402
from engine.sewable import COARSE, sewn  # noqa: E402
from garments import library  # noqa: E402
from garments.seams import check_pattern  # noqa: E402
from garments.silhouette import FIGURES  # noqa: E402
from recsys.vae.design import Library  # noqa: E402
from recsys.vae.model import LATENT, GarmentVae  # noqa: E402
from recsys.vae.raster import CHANNELS  # noqa: E402
from recsys.vae.space import GarmentSpace  # noqa: E402
from recsys.vae.train import Settings  # noqa: E402
from recsys.vae.weights import Weights  # noqa: E402
from tools.garment_vae.build import even, fit, latents, scale  # noqa: E402
from tools.garment_vae.dataset import Garments, bodies, read_shards  # noqa: E402

DRAWS = 1000
#: Every family once; the pairs are a garment above and one below the waist, or a dress with a skirt, or unlike others.
HELD_OUT = "sheath,skirt_a_line;tee,skirt_pleated;shirt,skirt_straight;jacket,trousers"


def average_precision(vectors: np.ndarray, classes: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Of each query against all other garments: precision at every garment of its class, averaged, shape [query]."""
    found = np.zeros(len(queries))
    squares = (vectors**2).sum(1)
    for i, q in enumerate(queries):
        order = np.argsort(squares - 2 * vectors @ vectors[q], kind="stable")
        right = classes[order[order != q]] == classes[q]
        ranks = np.flatnonzero(right) + 1
        found[i] = float(np.mean(np.arange(1, len(ranks) + 1) / ranks)) if len(ranks) else 0.0
    return found


def interval(values: np.ndarray, rng: np.random.Generator) -> list[float]:
    """95 % bootstrap interval of the mean."""
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(DRAWS)]
    return [round(float(v), 4) for v in np.percentile(means, [2.5, 97.5])]


def flat(garments: Garments) -> np.ndarray:
    """The rasters, one row each."""
    return garments.raster.reshape(len(garments), -1).astype(np.float32) / 255


def beside(garments: Garments, weights: Weights) -> np.ndarray:
    """What the encoder gets beside the raster, standardised, one row each."""
    body = np.where(garments.told, garments.body, np.nan)
    (fabric_mean, fabric_spread), (body_mean, body_spread) = weights.fabric_scale, weights.body_scale
    fabric = (garments.fabric - fabric_mean) / fabric_spread
    return np.hstack([fabric, np.nan_to_num((body - body_mean) / body_spread)]).astype(np.float32)


def pca(train: np.ndarray, test: np.ndarray, width: int = 32) -> np.ndarray:
    """Principal components of ``train`` (by its Gram matrix), applied to ``test``."""
    mean = train.mean(0)
    centred = train - mean
    size, left = np.linalg.eigh(centred @ centred.T)
    pick = np.argsort(size)[::-1][:width]
    axes = centred.T @ (left[:, pick] / np.sqrt(size[pick]))
    return (test - mean) @ axes


def retrieval(held: Garments, spaces: dict[str, np.ndarray], queries: int, rng: np.random.Generator
              ) -> dict[str, dict[str, np.ndarray]]:  # fmt: skip
    """Average precision of queries per figure and space."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for column, figure in enumerate(FIGURES):
        values = held.figures[:, column]
        good = np.flatnonzero(np.isfinite(values))
        if len(good) < 100:
            continue
        classes = np.digitize(values[good], np.quantile(values[good], [1 / 3, 2 / 3]))
        asked = rng.permutation(len(good))[:queries]
        found[figure] = {name: average_precision(v[good], classes, asked) for name, v in spaces.items()}
    return found


def rows(parts: list[dict[str, dict[str, np.ndarray]]], rng: np.random.Generator) -> dict:
    """Means with intervals, per figure and of all, over the queries of some retrievals."""
    figures = [f for f in FIGURES if any(f in part for part in parts)]
    pooled = {f: _pooled([part[f] for part in parts if f in part]) for f in figures}
    return {f: _row(v, rng) for f, v in (pooled | {"all": _pooled(list(pooled.values()))}).items()}


def _pooled(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _row(precision: dict[str, np.ndarray], rng: np.random.Generator) -> dict:
    row: dict = {}
    for name, p in precision.items():
        row[name] = {"map": round(float(p.mean()), 4), "interval95": interval(p, rng)}
        if name != "vae":
            row[name]["vae_minus_it"] = interval(precision["vae"] - p, rng)
    return row


def coverage_iou(space: GarmentSpace, garments: Garments) -> float:
    """Mean over garments of the front's and back's covered cells that raster and reconstruction share."""
    scores = []
    for start in range(0, len(garments), 200):
        part = garments.where(np.arange(start, min(start + 200, len(garments))))
        body = np.where(part.told, part.body, np.nan)
        points = space.encode(part.raster.astype(np.float32) / 255, part.fabric, body)
        for point, raster in zip(points, part.raster, strict=True):
            seen = space.decode(point.latent[None], point.body)[0].coverage > 0.5
            true = raster[:, CHANNELS.index("coverage")] > 127
            scores.append((seen & true).sum() / max((seen | true).sum(), 1))
    return round(float(np.mean(scores)), 4)


def untrained(weights: Weights, seed: int) -> Weights:
    """The same space with an encoder as it is before training."""
    torch.manual_seed(seed + 1)
    model = GarmentVae(len(weights.library), weights.library.width, len(weights.figures)).eval()
    return Weights(**{**weights.__dict__, "model": model})


def used(space: GarmentSpace, garments: Garments) -> dict:
    """KL divergence of each latent coordinate from the prior [nats], largest first, and of all."""
    raster, body = garments.raster.astype(np.float32) / 255, np.where(garments.told, garments.body, np.nan)
    points = space.encode(raster, garments.fabric, body)
    mean, spread = np.array([p.latent for p in points]), np.array([p.spread for p in points])
    kl = (0.5 * (mean**2 + spread**2 - 1 - 2 * np.log(spread))).mean(0)
    return {"kl": round(float(kl.sum()), 1), "of_each": [round(float(v), 2) for v in np.sort(kl)[::-1]]}


def unseen_families(args: argparse.Namespace, rng: np.random.Generator) -> dict:
    """Retrieval and reconstruction with whole families held out, for each choice of families."""
    everything = Library.described(library.describe())
    garments = read_shards(args.data, everything, per_family=args.per_family, seed=args.seed)
    found, told = [], []
    for chosen in args.hold_out.split(";"):
        out = chosen.split(",")
        precision, row = one_choice(args, garments, everything, out, rng)
        found.append(precision)
        told.append({"held_out": out, **row, "retrieval": rows([precision], rng)})
        print(json.dumps(told[-1]), file=sys.stderr, flush=True)
    return {"garments": len(garments), "retrieval": rows(found, rng), "choices": told}


def one_choice(args: argparse.Namespace, garments: Garments, everything: Library, out: list[str],
               rng: np.random.Generator) -> tuple[dict[str, dict[str, np.ndarray]], dict]:  # fmt: skip
    """Trains without some families and looks their garments up; also how well rasters are drawn again."""
    known = Library(tuple(f for f in everything.families if f.name not in out))
    kept = garments.of(everything, known)
    held = garments.whole & np.isin(garments.family, [everything.index(name) for name in out])
    test = rng.random(len(kept)) < 0.05
    weights = fit(kept.where(~test), known, Settings(steps=args.steps, seed=args.seed))
    space, gallery = GarmentSpace(weights), garments.where(rng.permutation(np.flatnonzero(held))[: args.gallery])
    parameters = np.hstack([np.nan_to_num(gallery.shares, nan=0.5), 3.0 * np.eye(len(everything))[gallery.family]])
    some = kept.where(rng.permutation(np.flatnonzero(~test))[: args.components])
    more = [np.hstack([flat(g), beside(g, weights)]) for g in (some, gallery)]
    z, measured = latents(space, gallery), even(gallery.figures)
    mean, spread = scale(measured)
    spaces = {
        "vae": space.places(z), "parameters": parameters, "pca32": pca(flat(some), flat(gallery)),
        "pca32_all": pca(*more), "latent": z,
        "untrained": latents(GarmentSpace(untrained(weights, args.seed)), gallery),
        "measured": np.nan_to_num((measured - mean) / spread),
    }  # fmt: skip
    seen = kept.where(test & kept.whole)
    row = {
        "trained_on": int((~test).sum()), "gallery": len(gallery), "latent": used(space, seen),
        "panel_iou": {"known_families": coverage_iou(space, seen), "held_out_families": coverage_iou(space, gallery)},
    }  # fmt: skip
    return retrieval(gallery, spaces, args.queries, rng), row


def random_latents(args: argparse.Namespace, rng: np.random.Generator) -> dict:
    """Latents of the prior, decoded, drafted, checked and meshed on the bodies of ``examples/bodies`` in turn."""
    space = GarmentSpace.load(args.weights)
    stands = list(bodies(args.data / "bodies").items())
    valid, refused, moved, families, failures = 0, 0, [], {}, []
    for i in range(args.latents):
        name, body = stands[i % len(stands)]
        design = space.decode(rng.standard_normal((1, LATENT)), space.standard_body(body.measurements))[0].design
        families[design.family] = families.get(design.family, 0) + 1
        try:
            made = sewn(design, body, space.anchor(design.family), edge_length=args.edge_length)
            check_pattern(made.pattern)
            valid += 1
        except InputError as error:
            failures.append(f"{design.family} on {name}: {error.message}")
            continue
        if made.moved:
            refused += 1
            moved.append(len(made.moved))
        if i % 100 == 99:
            print(f"{i + 1} latents: {valid} valid, {refused} moved", file=sys.stderr, flush=True)
    return {
        "latents": args.latents, "edge_length": args.edge_length, "valid": valid, "moved": refused,
        "options_moved_mean": round(float(np.mean(moved)), 2) if moved else 0.0, "families": families,
        "failures": failures[:5],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("build/garment_vae"))
    parser.add_argument("--per-family", type=int, default=1700)
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--hold-out", default=HELD_OUT, help="families to hold out together, ';' between choices")
    parser.add_argument("--components", type=int, default=2000, help="garments that principal components are of")
    parser.add_argument("--gallery", type=int, default=1200, help="garments of the held-out families looked among")
    parser.add_argument("--queries", type=int, default=300, help="garments looked up, per figure")
    parser.add_argument("--latents", type=int, default=1000)
    parser.add_argument("--edge-length", type=float, default=COARSE, help="at which random latents are meshed [m]")
    parser.add_argument("--weights", type=Path, help="by default those that come with Toile")
    parser.add_argument("--only", choices=("families", "latents"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    start, row = time.process_time(), {}
    if args.only != "latents":
        row |= unseen_families(args, rng)
    if args.only != "families":
        row["random_latents"] = random_latents(args, rng)
    print(json.dumps(row | {"cpu_s": round(time.process_time() - start, 1)}))


if __name__ == "__main__":
    main()
