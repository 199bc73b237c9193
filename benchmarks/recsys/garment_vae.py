"""The garment space on families that it never saw, and its random latents; prints one JSON line.

    python -m tools.garment_vae.dataset --out build/garment_vae
    python -m tools.garment_vae.build --data build/garment_vae
    python benchmarks/recsys/garment_vae.py --data build/garment_vae

*Retrieval.* Whole families are held out: a model is trained on the others (as the shipped one, seeded), and garments of
the held-out families are looked up among themselves, on all bodies. What counts as alike is measured on the drawn
patterns (``garments.silhouette``), never read from options: a figure's third (small, middle, large) among the gallery's
garments that have it. Mean average precision per figure, beside three others: nearest neighbours in the design
parameters themselves (each as a share of its range, families told apart), the first 32 principal components of the same
rasters and figures of the training families, and the same encoder untrained. Intervals: 95 %, bootstrap over queries;
differences are paired.

*Reconstruction.* Intersection over union of the cells more than half covered, of garments kept out of the training and
of the held-out families.

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
from engine.sewable import sewn  # noqa: E402
from garments import library  # noqa: E402
from garments.seams import check_pattern  # noqa: E402
from garments.silhouette import FIGURES  # noqa: E402
from recsys.vae.design import Library  # noqa: E402
from recsys.vae.model import GarmentVae  # noqa: E402
from recsys.vae.raster import CHANNELS  # noqa: E402
from recsys.vae.space import GarmentSpace  # noqa: E402
from recsys.vae.train import Settings  # noqa: E402
from recsys.vae.weights import Weights  # noqa: E402
from tools.garment_vae.build import fit, latents  # noqa: E402
from tools.garment_vae.dataset import Garments, bodies, read_shards  # noqa: E402

DRAWS = 1000


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


def flat(garments: Garments, scale: np.ndarray) -> np.ndarray:
    """What the encoder sees of a garment as one row: raster, standardised figures of fabric and body."""
    fabric = (garments.fabric - garments.fabric.mean(0)) / (garments.fabric.std(0) + 1e-6)
    body = np.nan_to_num((garments.body - scale[0]) / scale[1])
    return np.hstack([garments.raster.reshape(len(garments), -1).astype(np.float32) / 255, fabric, body])


def pca(train: np.ndarray, test: np.ndarray, width: int = 32) -> np.ndarray:
    """Principal components of ``train`` (by its Gram matrix), applied to ``test``."""
    mean = train.mean(0)
    centred = train - mean
    size, left = np.linalg.eigh(centred @ centred.T)
    pick = np.argsort(size)[::-1][:width]
    axes = centred.T @ (left[:, pick] / np.sqrt(size[pick]))
    return (test - mean) @ axes


def retrieval(held: Garments, spaces: dict[str, np.ndarray], queries: int, rng: np.random.Generator) -> dict:
    """Mean average precision per figure and space, with intervals, and differences from the VAE."""
    rows: dict[str, dict] = {}
    pooled: dict[str, list[np.ndarray]] = {name: [] for name in spaces}
    for column, figure in enumerate(FIGURES):
        values = held.figures[:, column]
        good = np.flatnonzero(np.isfinite(values))
        if len(good) < 100:
            continue
        classes = np.digitize(values[good], np.quantile(values[good], [1 / 3, 2 / 3]))
        asked = rng.permutation(len(good))[:queries]
        precision = {name: average_precision(v[good], classes, asked) for name, v in spaces.items()}
        rows[figure] = _row(precision, rng)
        for name, p in precision.items():
            pooled[name].append(p)
    rows["all"] = _row({name: np.concatenate(parts) for name, parts in pooled.items()}, rng)
    return rows


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
        points = space.encode(part.raster.astype(np.float32) / 255, part.fabric, part.body)
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


def unseen_families(args: argparse.Namespace, rng: np.random.Generator) -> dict:
    """Retrieval and reconstruction with whole families held out."""
    everything = Library.described(library.describe())
    out = args.hold_out.split(",")
    garments = read_shards(args.data, everything, per_family=args.per_family, seed=args.seed)
    held = np.isin(garments.family, [everything.index(name) for name in out])
    known = Library.described(row for row in library.describe() if row["name"] not in out)
    kept = read_shards(args.data, known, per_family=args.per_family, seed=args.seed)
    test = rng.random(len(kept)) < 0.05
    weights = fit(kept.where(~test), known, Settings(steps=args.steps, seed=args.seed))
    space, gallery = GarmentSpace(weights), garments.where(np.flatnonzero(held))
    gallery = gallery.where(rng.permutation(len(gallery))[: args.gallery])
    parameters = np.hstack([np.nan_to_num(gallery.shares, nan=0.5), 3.0 * np.eye(len(everything))[gallery.family]])
    some = kept.where(rng.permutation(np.flatnonzero(~test))[:2500])
    spaces = {
        "vae": latents(space, gallery), "parameters": parameters,
        "pca32": pca(flat(some, weights.body_scale), flat(gallery, weights.body_scale)),
        "untrained": latents(GarmentSpace(untrained(weights, args.seed)), gallery),
    }  # fmt: skip
    return {
        "held_out": out, "trained_on": int((~test).sum()), "gallery": len(gallery),
        "retrieval": retrieval(gallery, spaces, args.queries, rng),
        "panel_iou": {"known_families": coverage_iou(space, kept.where(np.flatnonzero(test))),
                      "held_out_families": coverage_iou(space, gallery)},
    }  # fmt: skip


def random_latents(args: argparse.Namespace, rng: np.random.Generator) -> dict:
    """Latents of the prior, decoded, drafted, checked and meshed on the bodies of ``examples/bodies`` in turn."""
    space = GarmentSpace.load(args.weights)
    stands = list(bodies(args.data / "bodies").items())
    valid, refused, moved, families, failures = 0, 0, [], {}, []
    for i in range(args.latents):
        name, body = stands[i % len(stands)]
        girths = np.array([body.measurements[k].value for k in ("bust_girth", "waist_girth", "hip_girth")], np.float32)
        design = space.decode(rng.standard_normal((1, 32)), space.standard_body(girths))[0].design
        families[design.family] = families.get(design.family, 0) + 1
        try:
            made = sewn(design, body, space.anchor(design.family))
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
        "latents": args.latents, "valid": valid, "moved": refused,
        "options_moved_mean": round(float(np.mean(moved)), 2) if moved else 0.0, "families": families,
        "failures": failures[:5],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("build/garment_vae"))
    parser.add_argument("--per-family", type=int, default=1700)
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--hold-out", default="sheath,skirt_a_line")
    parser.add_argument("--gallery", type=int, default=1500, help="garments of the held-out families looked among")
    parser.add_argument("--queries", type=int, default=400, help="garments looked up, per figure")
    parser.add_argument("--latents", type=int, default=1000)
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
