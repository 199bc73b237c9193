"""Pictures of the garment space: similar garments, a draped blend, and what each direction does to a garment.

    python benchmarks/recsys/garment_sheets.py --body out/ --out out/sheets

Writes similar.png and directions.png (patterns as they are laid before the body), and blend.png (draped at draft
quality, one process each); prints one JSON line. Every garment is made by the command line's own commands.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.cli import execute  # noqa: E402
from garments.formats import read_pattern  # noqa: E402
from recsys.vae.outlines import lay_flat  # noqa: E402
from recsys.vae.raster import FRAME  # noqa: E402

SIZE = 300  #: pixels of one picture
SIMILAR = ("tee", "shirt", "skirt_a_line", "trousers", "sheath")
DIRECTIONS = (
    ("tee", "longer", 12), ("tee", "looser", 8), ("tee", "longer_sleeves", 40), ("tee", "deeper_neck", 6),
    ("skirt_a_line", "more_flared", 80), ("skirt_straight", "shorter", 15), ("trousers", "looser", 10),
)  # fmt: skip


def garments(*words: object) -> dict:
    """What a garments command gives with --json."""
    return execute(["garments", *map(str, words), "--json"], print)[0]


def toile(*words: object) -> dict:
    """One command with --json in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "engine.cli", *map(str, words), "--json"], cwd=ROOT,
                          capture_output=True, text=True)  # fmt: skip
    if not done.stdout.strip():
        raise SystemExit(done.stderr[-500:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def drawn(path: str, label: str) -> Image.Image:
    """The front of a pattern file as it is laid before the body, its back outlined behind it."""
    image = Image.new("RGB", (SIZE, SIZE), "white")
    pen = ImageDraw.Draw(image)
    panels = sorted(lay_flat(read_pattern(path)), key=lambda f: not f.back)
    for flat in panels:
        points = (flat.outline() - FRAME[:2]) / FRAME[2] * SIZE
        line = [(float(x), float(SIZE - y)) for x, y in np.vstack([points, points[:1]])]
        if not flat.back:
            pen.polygon(line, fill=(222, 230, 240))
        pen.line(line, fill=(150, 150, 150) if flat.back else (30, 40, 60), width=1)
    pen.text((6, 4), label, fill="black")
    return image


def tiled(rows: list[list[Image.Image]], path: Path) -> None:
    """Pictures in rows, each row from the left."""
    width, height = max(sum(i.width for i in row) for row in rows), sum(max(i.height for i in row) for row in rows)
    sheet = Image.new("RGB", (width, height), "white")
    y = 0
    for row in rows:
        x = 0
        for image in row:
            sheet.paste(image, (x, y))
            x += image.width
        y += max(i.height for i in row)
    sheet.save(path)


def similar_sheet(args: argparse.Namespace) -> None:
    """Each garment at the left, those most like it at its right."""
    rows = []
    for name in SIMILAR:
        first = garments("sample", "--like", name, "--count", 1, "--spread", 0.6, "--seed", 3, "--body",
                      args.body, "--out", args.out / "asked" / name)["garments"][0]  # fmt: skip
        found = garments("similar", first["file"], "--count", 5, "--body", args.body, "--out",
                      args.out / "similar" / name)["garments"]  # fmt: skip
        row = [drawn(first["file"], f"asked: {first['garment']}")]
        rows.append(row + [drawn(f["file"], f"{f['garment']}  {f['distance']:.2f}") for f in found])
    tiled(rows, args.out / "similar.png")


def direction_sheet(args: argparse.Namespace) -> list[dict]:
    """Each garment as it is, and changed; what was asked for and what was measured."""
    rows, figures = [], []
    for name, direction, amount in DIRECTIONS:
        plain = garments("blend", name, name, "--steps", 2, "--body", args.body, "--out",
                      args.out / "plain" / name)["garments"][0]  # fmt: skip
        row = [drawn(plain["file"], name)]
        for share in (0.5, 1.0):
            value = garments("vary", name, "--direction", direction, "--amount", share * amount, "--body",
                          args.body, "--out", args.out / "vary" / f"{name}_{direction}_{share}")  # fmt: skip
            label = f"{direction} {share * amount:g}: {value['reached']:g}"
            row.append(drawn(value["garments"][0]["file"], label))
            figures.append({"garment": name, "direction": direction, "asked": share * amount,
                            "reached": value["reached"]})  # fmt: skip
        rows.append(row)
    tiled([a + b for a, b in zip(rows[::2], [*rows[1::2], []], strict=True)], args.out / "directions.png")
    return figures


def blend_strip(args: argparse.Namespace) -> list[dict]:
    """A blend, draped on the body."""
    made = garments("blend", args.first, args.last, "--steps", args.steps, "--body", args.body, "--out",
                 args.out / "blend")["garments"]  # fmt: skip
    row, figures = [], []
    for number, garment in enumerate(made):
        folder = args.out / f"drape_{number}"
        value = toile("drape", "--body", args.body, "--garment", garment["file"], "--fabric", garment["fabric"],
                      "--quality", "draft", "--threads", 1, "--out", folder)  # fmt: skip
        figures.append({"garment": garment["garment"], "status": value["status"],
                        "penetration_mm": value.get("body_penetration_max_mm")})  # fmt: skip
        if (folder / "drape.npz").exists():
            toile("render", str(folder), "--quality", "draft", "--no-turntable")
            picture = Image.open(folder / "front.png").convert("RGB")
            row.append(picture.resize((round(picture.width * 560 / picture.height), 560)))
    tiled([row], args.out / "blend.png")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--body", type=Path, required=True, help="folder with body.npz")
    parser.add_argument("--out", type=Path, default=Path("out/sheets"))
    parser.add_argument("--first", default="tee")
    parser.add_argument("--last", default="sheath")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--no-drapes", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    similar_sheet(args)
    row = {"directions": direction_sheet(args)}
    if not args.no_drapes:
        row["blend"] = blend_strip(args)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
