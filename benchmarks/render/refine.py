"""What the refining network is worth: ``python benchmarks/render/refine.py --data PAIRS --l1 FILE --gan FILE``

On the test pairs (bodies, garments, colours and lights that training has not seen), over what is refined: nearness to
the path-traced pictures of the drawn picture, of an affine map of what the network sees of each pixel (fitted to
training pairs: what needs no network), and of each network, with 95 % intervals over looks. ``--photos`` takes the
pairs in light such as photos are taken in, not those in the studio. With ``--look`` also flicker over part of a
turntable, and Mitsuba given as much time as the refined picture takes. ``--sheet FILE`` shows it all side by side.
Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import refine_measures as measures
import torch

from engine.look import load_look, scene
from render.camera import orbit_camera
from render.develop import srgb_from_linear, tone_map, write_png
from render.preview import Preview
from render.refine.apply import refined
from render.refine.features import Features, relit, view_features
from render.refine.network import LUMINANCE, Refiner
from render.refine.pairs import Pair, load_pair, pair_files
from render.refine.weights import load_refiner

GREY = 0.35  #: what stands behind cut-outs, linear
AFFINE_EVERY = 5  #: training pair is enough
GAINS = ("psnr", "ssim", "flip", "spectrum", "kurtosis", "gradients")
HIGHER_IS_BETTER = ("psnr", "ssim")


def main(argv: list[str] | None = None) -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--l1", type=Path, required=True)
    parser.add_argument("--gan", type=Path)
    parser.add_argument("--half", type=Path, help="the float16 file of one of them")
    parser.add_argument("--photos", action="store_true", help="pairs in photos' light, not the studio's")
    parser.add_argument("--look", type=Path, help="saved look for turntable and equal time")
    parser.add_argument("--frames", type=int, default=12, help="of the turntable, 1.5 degrees apart")
    parser.add_argument("--size", type=int, default=240, help="height of the turntable's pictures [px]")
    parser.add_argument("--samples", type=int, default=256, help="paths per pixel of the turntable's truth")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    given = {"l1": args.l1, "gan": args.gan, "half": args.half}
    models = {name: load_refiner(path) for name, path in given.items() if path}
    pairs = [load_pair(f) for f in pair_files(args.data, "test", photos=args.photos)]
    pairs = [p for p in pairs if (p.weight > 0.5).mean() > 0.03]
    affine = _affine([load_pair(f) for f in pair_files(args.data, "train", photos=args.photos)[::AFFINE_EVERY]])
    made = [{"raster": p.drawn, "affine": _changed(p, affine(p)), **{n: _refined(m, p) for n, m in models.items()}}
            for p in pairs]  # fmt: skip
    result = {"pairs": len(pairs), "looks": len({p.look for p in pairs}), **_nearness(pairs, made)}
    if args.look:
        result["turntable"], result["equal_time"] = _moving(args, models)
    if args.sheet:
        _sheet(args.sheet, pairs, made)
    print(json.dumps(result, allow_nan=False))
    return 0


def _refined(model: Refiner, pair: Pair) -> np.ndarray:
    with torch.inference_mode():
        change = model(torch.from_numpy(pair.planes)[None])[0].numpy()
    return _changed(pair, np.moveaxis(change, 0, -1))


def _changed(pair: Pair, change: np.ndarray) -> np.ndarray:
    """The drawn picture with a change of log radiance, shape [H, W, 3]."""
    return relit(pair.drawn, change * pair.weight[..., None], pair.white)


def _affine(pairs: list[Pair]) -> Callable[[Pair], np.ndarray]:
    """The change of log luminance that is affine in a pixel's planes, by ridge regression."""
    rows, wanted = [], []
    for pair in pairs:
        inside = pair.weight > 0.5
        rows.append(np.column_stack([pair.planes[:, inside].T, np.ones(inside.sum())]))
        wanted.append(np.clip(pair.change[:, inside].mean(0), -LUMINANCE, LUMINANCE))
    a, b = np.concatenate(rows), np.concatenate(wanted)
    x = np.linalg.solve(a.T @ a + np.eye(a.shape[1]), a.T @ b)
    return lambda pair: (np.moveaxis(pair.planes, 0, -1) @ x[:-1] + x[-1])[..., None].repeat(3, -1)


def _shown(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """sRGB 0..1 before grey."""
    return srgb_from_linear(tone_map(rgb + GREY * (1 - alpha[..., None])))


def _measure(shown: np.ndarray, pair: Pair) -> dict[str, float]:
    inside = pair.weight > 0.5
    picture, wanted = _shown(shown, pair.alpha), _shown(pair.traced, pair.alpha)
    logs = [measures.detail(rgb) for rgb in (shown, pair.drawn, pair.traced)]
    values = {
        "psnr": measures.psnr(picture, wanted, inside),
        "ssim": measures.ssim(picture, wanted, inside),
        "flip": measures.flip(picture, wanted, inside),
        "spectrum": measures.spectrum_distance(logs[0], logs[2], inside),
        "kurtosis": measures.kurtosis_distance(logs[0], logs[2], inside),
        "gradients": measures.gradient_histogram_distance(logs[0], logs[2], inside),
        "invented_edges": measures.invented_edges(*logs, inside),
    }
    cloth = (pair.cloth > 0.5) & inside
    if pair.noisy is not None:  # what the denoiser did cannot favour anyone here
        values["psnr_noisy"] = measures.psnr(picture, _shown(pair.noisy, pair.alpha), inside)
    if cloth.sum() > 50:
        mean = [rgb[cloth].mean(0) for rgb in (shown, pair.traced)]
        values["colour"] = measures.colour_difference(*mean)
        level = [m / m.mean() * 0.2 for m in mean]  # the same without what is only brighter or darker
        values["hue"] = measures.colour_difference(*level)
    return values


def _nearness(pairs: list[Pair], made: list[dict[str, np.ndarray]]) -> dict:
    rows = {name: [_measure(m[name], p) for p, m in zip(pairs, made, strict=True)] for name in made[0]}
    groups = np.array([p.look for p in pairs])
    rng = np.random.default_rng(0)
    result: dict = {}
    for name, values in rows.items():
        keys = values[0] | {k: 0 for v in values for k in v}
        result[name] = {k: round(float(np.mean([v[k] for v in values if k in v])), 4) for k in keys}
        for k in ("colour", "hue"):
            found = [v[k] for v in values if k in v]
            result[name][f"{k}_p95"] = round(float(np.percentile(found, 95)), 3) if found else None
    if all(p.noisy is not None for p in pairs):
        noise = [_measure(p.noisy, p)["psnr"] for p in pairs]
        result["noisy to denoised psnr"] = {"mean": round(float(np.mean(noise)), 2), "least": round(min(noise), 2)}
    against = [(n, "raster") for n in made[0] if n != "raster"]
    against += [("gan", "l1")] if "gan" in made[0] else []
    result["gains"] = {}
    for name, base in against:
        gains = {}
        for k in GAINS:
            sign = 1 if k in HIGHER_IS_BETTER else -1
            gain = np.array([sign * (a[k] - b[k]) for a, b in zip(rows[name], rows[base], strict=True)])
            gains[k] = [round(v, 4) for v in measures.paired_interval(gain, groups, rng=rng)]
        result["gains"][f"{name} over {base}"] = gains
    return result


def _moving(args: argparse.Namespace, models: dict[str, Refiner]) -> tuple[dict, dict]:
    """Flicker over some degrees of a turntable, and Mitsuba in the time of the slowest network."""
    from render.reference import trace

    meshes = scene(load_look(args.look))
    size = (args.size * 3 // 4, args.size)
    cameras = [orbit_camera(meshes, np.radians(30 + 1.5 * i), size=size) for i in range(args.frames)]
    pictures: dict[str, list[np.ndarray]] = {"raster": [], **{n: [] for n in models}}
    seen: list[Features] = []
    with Preview(meshes, quality="draft", backdrop="none") as preview:
        depths = [preview.surfaces(c)[0] for c in cameras]
        for camera in cameras:
            start = time.perf_counter()
            seen.append(view_features(preview, camera))
            pictures["raster"].append(seen[-1].rgb)
            drawing = time.perf_counter() - start
            for name, model in models.items():
                pictures[name].append(refined(model, seen[-1]))
        start = time.perf_counter()
        refined(next(iter(models.values())), seen[-1])
        budget = drawing + time.perf_counter() - start
    truth = trace(meshes, cameras, samples=args.samples, threads=args.threads, denoise=True)
    pictures["traced"] = [t.rgb for t in truth]
    points = np.concatenate([m.vertices for m in meshes if m.material.double_sided])
    flicker = {name: round(_flicker(frames, depths, cameras, points), 5) for name, frames in pictures.items()}
    return flicker, _equal_time(args, meshes, cameras, truth[0], seen[0], pictures, budget)


def _equal_time(args, meshes, cameras, truth, seen: Features, pictures, budget: float) -> dict:
    """Mitsuba's picture in as many seconds; its start and the scene's building are not counted."""
    from render.reference import trace

    few, many = 2, 16
    clocks = []
    for samples in (few, many):
        start = time.perf_counter()
        trace(meshes, cameras[:1], samples=samples, threads=args.threads)
        clocks.append(time.perf_counter() - start)
    each = max((clocks[1] - clocks[0]) / (many - few), 1e-4)
    samples = int(np.clip(budget / each, 1, 4096))
    inside, wanted = seen.weight > 0.5, _shown(truth.rgb, truth.alpha)
    score = lambda rgb: round(measures.psnr(_shown(rgb, seen.alpha), wanted, inside), 2)  # noqa: E731
    result = {"seconds": round(budget, 3), "mitsuba_samples": samples}
    for name, denoise in (("mitsuba", False), ("mitsuba_denoised", True)):
        one = trace(meshes, cameras[:1], samples=samples, threads=args.threads, seed=77, denoise=denoise)[0]
        result[f"{name}_psnr"] = score(one.rgb)
    return result | {f"{n}_psnr": score(frames[0]) for n, frames in pictures.items() if n != "traced"}


def _flicker(frames: list[np.ndarray], depths: list[np.ndarray], cameras: list, points: np.ndarray) -> float:
    """Mean second difference in time of the log luminance at points of the cloth that three frames in a row see."""
    logs = [_at(measures.detail(f), d, c, points) for f, d, c in zip(frames, depths, cameras, strict=True)]
    bends = [np.abs(a - 2 * b + c) for a, b, c in zip(logs, logs[1:], logs[2:], strict=False)]
    return float(np.nanmean(np.concatenate(bends)))


def _at(values: np.ndarray, depth: np.ndarray, camera, points: np.ndarray) -> np.ndarray:
    """Bilinear values where points are seen, NaN where they are hidden or off the picture."""
    from scipy.ndimage import map_coordinates

    eye = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    pixel = eye @ np.asarray(camera.K).T
    x, y = pixel[:, 0] / pixel[:, 2] - 0.5, pixel[:, 1] / pixel[:, 2] - 0.5
    h, w = values.shape
    nearest = depth[np.clip(np.round(y), 0, h - 1).astype(int), np.clip(np.round(x), 0, w - 1).astype(int)]
    seen = (x > 1) & (y > 1) & (x < w - 2) & (y < h - 2) & (np.abs(nearest - eye[:, 2]) < 0.01)
    return np.where(seen, map_coordinates(values, [y, x], order=1, mode="nearest"), np.nan)


def _sheet(path: Path, pairs: list[Pair], made: list[dict[str, np.ndarray]]) -> None:
    """Eight looks or fewer: drawn, each network, path-traced, from left to right."""
    chosen = sorted({p.look: i for i, p in reversed(list(enumerate(pairs)))}.values())
    chosen = (chosen + [i for i in range(len(pairs)) if i not in chosen])[:8]
    rows = [np.concatenate([_shown(v, pairs[i].alpha) for v in (*made[i].values(), pairs[i].traced)], axis=1)
            for i in chosen]  # fmt: skip
    write_png(path, np.round(np.concatenate(rows).repeat(2, 0).repeat(2, 1) * 255).astype(np.uint8))


if __name__ == "__main__":
    sys.exit(main())
