"""Trains the garment space on the set of ``tools.garment_vae.dataset`` and writes its weights.

    python -m tools.garment_vae.dataset --out build/garment_vae
    python -m tools.garment_vae.build --data build/garment_vae

One thread, seeded: the same machine and versions give the same file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from garments import library
from garments.silhouette import FIGURES
from recsys.vae.compose import Joints
from recsys.vae.design import Library
from recsys.vae.model import LATENT
from recsys.vae.space import GarmentSpace
from recsys.vae.train import Settings, TrainingSet, train
from recsys.vae.weights import WEIGHTS, Weights, save_weights
from tools.garment_vae.dataset import Garments, read_shards

__all__ = ["even", "fit", "latents", "scale", "ways"]

#: Designs of each family that come with the model, to be found by likeness.
GALLERY = 300
#: Of the regression of latents on figures, per garment and standardised figure.
RIDGE = 0.02
#: Figures that are ratios of two girths, and those that are the upper part's, the bust's first and the sleeves' last
#: (``recsys.vae.compose.Joints``).
RATIOS = ("hem_to_waist", "leg_flare")
UPPER = ("ease_bust", "neck_depth", "sleeve_length")


def fit(garments: Garments, known: Library, settings: Settings) -> Weights:
    """Trains the model on garments and describes the space."""
    fabric_scale = np.stack([garments.fabric.mean(0), garments.fabric.std(0) + 1e-6])
    body_scale, even_figures = scale(garments.body), even(garments.figures)
    figure_scale = scale(even_figures)
    fabric = (garments.fabric - fabric_scale[0]) / fabric_scale[1]
    body = (garments.body - body_scale[0]) / body_scale[1]
    figures = (even_figures - figure_scale[0]) / figure_scale[1]
    joints = Joints(np.array([list(FIGURES).index(name) for name in UPPER]), garments.body_index, garments.waist)
    family = np.where(garments.whole, garments.family, -1)
    data = TrainingSet(garments.raster, family, garments.shares, fabric, body, garments.told, figures, joints)
    model = train(data, known, settings, say=lambda line: print(line, file=sys.stderr, flush=True))
    families = len(known)
    directions = np.zeros((families, len(FIGURES), LATENT), np.float32)
    spread = np.full((families, len(FIGURES)), np.nan, np.float32)
    anchors = np.array([np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else 0.5 for c in garments.shares.T])
    weights = Weights(
        model, known, tuple(FIGURES), fabric_scale, body_scale, spread, directions, anchors,
        np.zeros((0, LATENT), np.float32), np.zeros(0, int), np.zeros((0, known.width)), np.zeros((0, 8)),
    )  # fmt: skip
    garments, fabric = garments.where(garments.whole), fabric[garments.whole]
    z = latents(GarmentSpace(weights), garments)
    for k in range(families):
        mine = garments.family == k
        directions[k], spread[k] = ways(garments.figures[mine], garments.body_index[mine], z[mine])
    rows = np.concatenate([_gallery(garments, k, known.columns(k), anchors) for k in range(families)])
    return Weights(
        model, known, tuple(FIGURES), fabric_scale, body_scale, spread, directions, anchors, z[rows],
        garments.family[rows], garments.shares[rows], fabric[rows],
    )  # fmt: skip


def even(figures: np.ndarray) -> np.ndarray:
    """Figures of silhouettes with ratios as logarithms: a pleated skirt's hem is not to outweigh all other flares."""
    ratios = [list(FIGURES).index(name) for name in RATIOS]
    out = figures.copy()
    out[:, ratios] = np.log(np.maximum(out[:, ratios], 0.05))
    return out


def scale(values: np.ndarray) -> np.ndarray:
    """Mean and spread of each column over what is known, 0 and 1 where nothing is, shape [2, column]."""
    columns = [c[np.isfinite(c)] for c in values.T]
    return np.array([[c.mean(), c.std() + 1e-6] if len(c) else [0.0, 1.0] for c in columns]).T


def _less_body(values: np.ndarray, body: np.ndarray) -> np.ndarray:
    out = values.astype(float).copy()
    for b in np.unique(body):
        good = (body == b) & np.isfinite(values)
        out[good] -= values[good].mean() if good.any() else 0.0
    return out


def ways(figures: np.ndarray, body: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How a family's latents change with each figure while the others stay, and the spread of each figure.

    Ridge regression of the latents on all figures together: a longer skirt of the same cut has the wider hem, but to
    be more flared is not to be longer. What a body's size does to a figure is no matter of style: figures are taken
    less their mean on the body.

    Args:
        figures: NaN where a garment has no such thing, shape [n, figure].
        body: Number of each garment's body, shape [n].
        z: Latents, shape [n, 32].

    Returns:
        Latent shift per unit, 0 for a figure that the family lacks, shape [figure, 32]; spread, NaN there, [figure].
    """
    own = np.stack([_less_body(column, body) for column in figures.T], 1)
    enough = np.isfinite(own).sum(0) > 20
    spread = np.full(figures.shape[1], np.nan, np.float32)
    spread[enough] = np.nanstd(own[:, enough], 0)
    has = np.flatnonzero(np.nan_to_num(spread) > 1e-3)
    spread[np.setdiff1d(np.arange(len(spread)), has)] = np.nan
    x = np.nan_to_num(own[:, has] / spread[has])
    gram = x.T @ x + RIDGE * len(x) * np.eye(len(has))
    out = np.zeros((figures.shape[1], z.shape[1]), np.float32)
    out[has] = np.linalg.solve(gram, x.T @ (z - z.mean(0))) / spread[has, None]
    return out, spread


def _gallery(garments: Garments, family: int, columns: slice, anchors: np.ndarray) -> np.ndarray:
    """Garments of a family for the gallery, which is to be worn: those whose options are least extreme."""
    rows = np.flatnonzero(garments.family == family)
    shares, usual = garments.shares[rows, columns], anchors[columns]
    extreme = np.abs(np.where(np.isnan(shares), usual, shares) - usual).max(1)
    return rows[np.argsort(extreme, kind="stable")[:GALLERY]]


def latents(space: GarmentSpace, garments: Garments, batch: int = 200) -> np.ndarray:
    """Latents of garments, shape [n, 32]."""
    found = []
    for start in range(0, len(garments), batch):
        part = garments.where(np.arange(start, min(start + batch, len(garments))))
        body = np.where(part.told, part.body, np.nan)  # as a pattern file says it
        found += [p.latent for p in space.encode(part.raster.astype(np.float32) / 255, part.fabric, body)]
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("build/garment_vae"))
    parser.add_argument("--per-family", type=int, default=1700)
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--hold-out", default="", help="comma-separated families to leave out, for the benchmark")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    out = args.hold_out.split(",") if args.hold_out else []
    known = Library.described(row for row in library.describe() if row["name"] not in out)
    garments = read_shards(args.data, known, per_family=args.per_family, seed=args.seed)
    start = time.process_time()
    weights = fit(garments, known, Settings(steps=args.steps, seed=args.seed))
    path = save_weights(args.weights, weights)
    row = {
        "garments": len(garments), "families": len(known), "steps": args.steps, "bytes": path.stat().st_size,
        "parameters": sum(p.numel() for p in weights.model.parameters()),
        "cpu_s": round(time.process_time() - start, 1),
    }  # fmt: skip
    print(json.dumps(row))


if __name__ == "__main__":
    main()
