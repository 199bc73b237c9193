"""One picture of many saved drapes, to be looked at: python benchmarks/pipeline/contact_sheet.py FOLDER [FOLDER ...]

Each FOLDER holds a saved drape (garment.npz, drape.npz ...), or sub-folders that do. Writes --out (PNG) and prints one
JSON line.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from engine.look import load_look, scene
from render.preview import Preview, standard_cameras

VIEWS = ("front", "three_quarter", "back")


def row(folder: Path, size: tuple[int, int]) -> Image.Image:
    """The views of one look side by side, with its name."""
    meshes = scene(load_look(folder))
    with Preview(meshes, quality="draft") as preview:
        cameras = standard_cameras(meshes, size=size)
        pictures = [preview.picture(cameras[view]) for view in VIEWS]
    image = Image.fromarray(np.concatenate(pictures, axis=1))
    ImageDraw.Draw(image).text((6, 4), folder.name, fill=(20, 20, 20))
    return image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/contact_sheet.png"))
    parser.add_argument("--height", type=int, default=420)
    parser.add_argument("--columns", type=int, default=2)
    args = parser.parse_args()
    found = sorted({p.parent for f in args.folders for p in f.rglob("drape.npz")})
    rows = [row(f, (args.height * 3 // 4, args.height)) for f in found]
    width, height = rows[0].size
    lines = -(-len(rows) // args.columns)
    sheet = Image.new("RGB", (width * args.columns, height * lines), "white")
    for i, image in enumerate(rows):
        sheet.paste(image, (width * (i % args.columns), height * (i // args.columns)))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.out)
    print(json.dumps({"benchmark": "contact_sheet", "looks": [f.name for f in found], "picture": str(args.out)}))


if __name__ == "__main__":
    main()
