"""Pairs for the refining network: ``python -m tools.refine.pairs --looks DIR --out DIR --test-garments shirt,sheath``.

Every pair is a square of a product picture, drawn and path-traced, of a saved look in random cloth, under random
lights; with ``--photos`` also squares of photos in the light of suns and windows. Looks with a test garment whose
bodies wear nothing else make the tests, so that tests have bodies, garments, colours and studio lights that training
has not. Traced pictures are denoised; tests have several times the paths, and keep what was traced, too. Pairs depend
on the seed and the look only; those that are there are left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import InputError, ToileError
from engine.core.types import Camera, SceneMesh
from engine.look import Look, load_look, scene
from render.camera import resized
from render.photo_light import PhotoStudio
from render.preview import Preview
from render.reference import check, denoised, trace
from render.refine.features import DARK, view_features
from render.refine.pairs import save_pair
from render.studio import Studio
from tools.refine.choices import crop_camera, dyed, lights, phone_camera, unsewn
from tools.refine.photo_lights import photo_light

TEST_SAMPLES = 4  #: times as many paths in tests


def main(argv: list[str] | None = None) -> int:
    """Makes the pairs that are missing."""
    parser = argparse.ArgumentParser(prog="python -m tools.refine.pairs", description=__doc__)
    parser.add_argument("--looks", type=Path, nargs="+", required=True, help="folders of looks, or of folders of them")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--test-garments", default="shirt", help="names, with commas between")
    parser.add_argument("--rounds", type=int, default=1, help="times that looks are dyed and lit; tests once")
    parser.add_argument("--views", type=int, default=3, help="pairs of a look and round")
    parser.add_argument("--photos", type=int, default=0, help="more pairs of a look and round, in light as of photos")
    parser.add_argument("--only", choices=("train", "test"), help="make only these")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--samples", type=int, default=48, help="paths per pixel of training; tests have more")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    check(args.samples, denoise=True)
    looks = _split(args.looks, set(args.test_garments.split(",")))
    for round_ in range(args.rounds):
        for split, name, look in looks:
            if (round_ and split == "test") or split != (args.only or split):
                continue
            samples = args.samples * (TEST_SAMPLES if split == "test" else 1)
            for setting in _settings(look, args.out / split, name, round_, args):
                start = time.process_time()
                try:
                    _pairs(setting, name, test=split == "test", samples=samples, threads=args.threads)
                except ToileError as error:
                    print(f"{split} {name}: {error}", file=sys.stderr)
                    continue
                spent = time.process_time() - start
                print(f"{setting.files[0].name}: {spent:.1f} s besides tracing", file=sys.stderr)
    return 0


@dataclass(frozen=True)
class _Setting:
    """A look dyed and lit, and the cameras of its pairs."""

    meshes: list[SceneMesh]
    studio: Studio
    cameras: list[Camera]
    files: list[Path]
    seed: int  #: of the paths


def _settings(
    look: Look, folder: Path, name: str, round_: int, args: argparse.Namespace
) -> Iterator[_Setting]:
    """What is missing of a look and round: one studio for all its views, and a light of its own for every photo."""
    test, number = folder.name == "test", _number(name, round_, args.seed)
    files = [folder / f"{name}_{round_}_{v}.npz" for v in range(args.views)]
    if not all(f.exists() for f in files):
        rng = np.random.default_rng(number)
        meshes, studio = dyed(scene(look), rng, test=test), lights(rng, test=test)
        cameras = [crop_camera(meshes, rng, args.size) for _ in files]
        yield _Setting(meshes, studio, cameras, files, int(rng.integers(1 << 20)))
    for v in range(args.photos):
        file = folder / f"{name}_{round_}_p{v}.npz"
        if not file.exists():
            rng = np.random.default_rng([*number, 1 + v])
            meshes = dyed(scene(look), rng, test=test)
            camera = phone_camera(meshes, rng, args.size)
            studio = PhotoStudio.of(photo_light(rng), camera)
            yield _Setting(meshes, studio, [camera], [file], int(rng.integers(1 << 20)))


def _split(folders: list[Path], garments: set[str]) -> list[tuple[str, str, Look]]:
    """(split, name, look) of every look of use; the same dress on the same body counts once."""
    looks: dict[str, Look] = {}
    for folder in sorted(p.parent for root in folders for p in root.rglob("drape.npz")):
        try:
            look = load_look(folder)
        except InputError as error:
            print(error, file=sys.stderr)
            continue
        if look.drape.status != "failed":
            looks.setdefault(f"{look.garment.name}_{_digest(look)}", look)
    held = {name: not garments.isdisjoint(_worn(look)) for name, look in looks.items()}
    seen = {_body(look) for name, look in looks.items() if not held[name]}
    # in an order that means nothing, so that what an interrupted run has made is a fair sample
    return [("test" if held[name] else "train", name, looks[name]) for name in sorted(looks, key=_mixed)
            if not held[name] or _body(looks[name]) not in seen]  # fmt: skip


def _worn(look: Look) -> set[str]:
    """Names of its garments."""
    return {part.name for part in look.garment.parts} or {look.garment.name}


def _mixed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _body(look: Look) -> bytes:
    return np.round(look.body.betas, 3).tobytes()


def _digest(look: Look) -> str:
    return hashlib.sha256(_body(look) + np.round(look.drape.positions, 3).tobytes()).hexdigest()[:8]


def _number(name: str, round_: int, seed: int) -> list[int]:
    return [seed, round_, int.from_bytes(_mixed(name)[:4], "little")]


def _pairs(setting: _Setting, name: str, *, test: bool, samples: int, threads: int) -> None:
    meshes, studio, cameras = setting.meshes, setting.studio, setting.cameras
    with Preview(meshes, quality="draft", backdrop="none", studio=studio) as preview:
        views = [view_features(preview, camera, studio=studio) for camera in cameras]
        shade = [_yarn_shade(preview, camera) for camera in cameras]
    with Preview(unsewn(meshes), quality="draft", backdrop="none", studio=studio) as preview:
        plain = [preview.view(camera, buffers=False) for camera in cameras]
    traced = trace(meshes, cameras, studio=studio, samples=samples, threads=threads, seed=setting.seed)
    for file, features, bare, yarns, picture in zip(setting.files, views, plain, shade, traced, strict=True):
        # seams, hems and uneven yarns are drawn, not modelled: what they do to the drawn picture is done to the traced
        drawn = (features.rgb + DARK) / (bare.rgb * bare.alpha[..., None] + DARK) * yarns[..., None]
        save_pair(file, features, denoised(picture).rgb * drawn, look=name,
                  noisy=picture.rgb * drawn if test else None)  # fmt: skip


def _yarn_shade(preview: Preview, camera: Camera) -> np.ndarray:
    """How much lighter than its cloth's colour the weave is drawn at each pixel, 1 where there is no cloth, [H, W]."""
    double = resized(camera, (2 * camera.size[0], 2 * camera.size[1]))
    _, _, albedo, ids, _ = preview.surfaces(double)
    base = np.array([sum(m.material.base_color[:3]) if m.material.double_sided else 0 for m in preview.meshes] + [0])
    plain = base[ids]  # -1, nothing, is the last
    shade = np.where(plain > 0, albedo.sum(-1) / np.maximum(plain, 1e-6), 1.0)
    return shade.reshape(camera.size[1], 2, camera.size[0], 2).mean((1, 3))


if __name__ == "__main__":
    sys.exit(main())
