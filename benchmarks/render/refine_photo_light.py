"""Whether the refining network helps in a photo's light: ``python benchmarks/render/refine_photo_light.py --looks DIR``

It has learnt in a studio's light and in random light of photos. Here saved looks stand in six given lights: a sun, a
window or an overcast sky beside even surroundings. Nearness to the path-traced picture of the drawn and of the refined
one, over cloth and skin, with 95 % intervals of the gain over looks. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import refine_measures as measures

from engine.look import load_look, scene
from render.photo_light import LightEstimate, PhotoStudio
from render.preview import Preview
from render.reference import trace
from render.refine.apply import refined
from render.refine.features import view_features
from render.refine.weights import load_refiner
from render.studio import fibonacci_sphere

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.render.refine import _shown  # noqa: E402
from tools.refine.choices import crop_camera, unsewn  # noqa: E402

#: name -> azimuth and elevation of the strongest light [degrees], what it adds to a white card, what is all around
LIGHTS = {
    "sun at the left": (60, 35, 1.1, 0.35), "window at the right": (-70, 10, 0.7, 0.3),
    "sun above": (15, 65, 0.9, 0.4), "sun behind": (150, 30, 1.3, 0.5), "window ahead": (10, 5, 0.6, 0.35),
    "overcast": (0, 75, 0.25, 0.6),
}  # fmt: skip


def photo_light(azimuth: float, elevation: float, key: float, around: float) -> LightEstimate:
    """One lobe of light beside even surroundings."""
    ways = fibonacci_sphere(400)
    a, e = np.radians([azimuth, elevation])
    towards = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    lobe = np.exp((ways @ towards - 1) / 0.02)
    radiance = around + key * len(ways) / 4 * lobe / lobe.sum()
    return LightEstimate(ways, radiance[:, None] * np.ones(3), np.ones((1, 3)), 0.0, 0.0)


def _gained(psnr: np.ndarray, looks: np.ndarray) -> dict:
    """Means of drawn and refined [dB], and the gain with its interval."""
    gain = measures.paired_interval(psnr[:, 1] - psnr[:, 0], looks, rng=np.random.default_rng(0))
    drawn, fine = np.round(psnr.mean(0), 2).tolist()
    return {"drawn_psnr": drawn, "refined_psnr": fine, "gain": np.round(gain, 2).tolist()}


def main(argv: list[str] | None = None) -> int:
    """Takes and compares the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=Path, nargs="+", required=True, help="folders of saved looks")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--samples", type=int, default=128)
    args = parser.parse_args(argv)
    model, rng = load_refiner(args.weights), np.random.default_rng(0)
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in LIGHTS}
    for folder in args.looks:
        meshes = unsewn(scene(load_look(folder)))
        camera = crop_camera(meshes, rng, args.size)
        for name, light in LIGHTS.items():
            studio = PhotoStudio.of(photo_light(*light), camera)
            with Preview(meshes, quality="draft", backdrop="none", studio=studio) as preview:
                seen = view_features(preview, camera, studio=studio)
            truth = trace(meshes, [camera], studio=studio, samples=args.samples, threads=1, denoise=True)[0]
            inside, wanted = seen.weight > 0.5, _shown(truth.rgb, seen.alpha)
            rows[name].append(tuple(measures.psnr(_shown(rgb, seen.alpha), wanted, inside)
                                    for rgb in (seen.rgb, refined(model, seen))))  # fmt: skip
            print(folder.name, name, rows[name][-1], file=sys.stderr)
    names = np.array([folder.name for folder in args.looks])
    result = {name: _gained(np.array(values), names) for name, values in rows.items()}
    every = np.concatenate([np.array(values) for values in rows.values()])
    gain = every[:, 1] - every[:, 0]
    result["all"] = _gained(every, np.tile(names, len(rows)))
    result["worse"] = {"cases": int((gain < 0).sum()), "of": len(gain), "most_db": round(float(max(-gain.min(), 0)), 2)}
    print(json.dumps({"looks": len(names), **result}, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
