"""Every fabric of the library as a disc over Cusick's pedestal, in one picture; prints one JSON line.

    python benchmarks/sim/fabrics_sheet.py --out out/fabrics.png [--edge 0.006] [--threads 1]

Discs of 30 cm are held between plates of 18 cm (BS 5058) and drape with the fabric file's own figures.
"""

import argparse
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[2])]

import numpy as np  # noqa: E402
import trimesh  # noqa: E402
from physics.discs import PLATE, Draped, drape_coefficient, drape_disc, folds  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402

from engine.core.taichi_runtime import init  # noqa: E402
from engine.core.types import Material, SceneMesh  # noqa: E402
from engine.export.scene import cloth_material  # noqa: E402
from garments.fabrics import load_fabrics  # noqa: E402
from render.camera import look_at  # noqa: E402
from render.preview import Preview  # noqa: E402

HEIGHT = 0.2  #: of the pedestal [m]


def meshes(draped: Draped) -> list[SceneMesh]:
    """The cloth with its flat middle closed, and the pedestal below it."""
    rest = np.linalg.norm(draped.garment.rest_uv, axis=1)
    inner = np.flatnonzero(rest < rest.min() + 1e-5)
    order = inner[np.argsort(np.arctan2(draped.garment.rest_uv[inner, 1], draped.garment.rest_uv[inner, 0]))]
    centre = len(draped.positions)
    fan = np.stack([np.full(len(order), centre), order, np.roll(order, -1)], 1)
    vertices = np.concatenate([draped.positions, [[0.0, 0.0, 0.0]]]) + [0.0, HEIGHT, 0.0]
    faces = np.concatenate([draped.garment.faces, fan])
    normals = trimesh.Trimesh(vertices, faces, process=False).vertex_normals
    uv = np.concatenate([draped.garment.rest_uv, [[0.0, 0.0]]]).astype(np.float32)
    fabric = draped.garment.fabrics[0]
    cloth = SceneMesh(
        "cloth", vertices.astype(np.float32), faces.astype(np.int32), cloth_material(fabric),
        normals=np.array(normals, np.float32), uv=uv / 0.3 + 0.5, uv_metres=uv,
    )
    column = trimesh.creation.cylinder(radius=PLATE - 0.004, height=HEIGHT - 0.004, sections=64)
    column.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    column.apply_translation([0.0, HEIGHT / 2 - 0.002, 0.0])
    stand = SceneMesh(
        "pedestal", np.array(column.vertices, np.float32), np.array(column.faces, np.int32),
        Material(name="pedestal", base_color=(0.55, 0.55, 0.55, 1.0)),
        normals=np.array(column.vertex_normals, np.float32),
    )
    return [cloth, stand]


def panel(name: str, draped: Draped, size: int) -> tuple[Image.Image, dict]:
    """One fabric's picture with its figures."""
    figures = {"drape_coefficient": round(drape_coefficient(draped), 1), "folds": folds(draped)}
    with Preview(meshes(draped), quality="draft") as preview:
        camera = look_at([0.0, 0.52, 0.72], [0.0, 0.13, 0.0], fov_y=np.radians(26), size=(size, size))
        image = Image.fromarray(preview.picture(camera))
    text = f"{name}  {figures['drape_coefficient']} %  {figures['folds']} folds"
    ImageDraw.Draw(image).text((8, 6), text, fill=(20, 20, 20))
    return image, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/fabrics.png"))
    parser.add_argument("--edge", type=float, default=0.006, help="of the mesh [m]")
    parser.add_argument("--size", type=int, default=360)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    init(device="cpu", threads=args.threads)
    begin, images, rows = time.process_time(), [], {}
    for name, fabric in load_fabrics().items():
        image, rows[name] = panel(name, drape_disc(fabric, edge=args.edge), args.size)
        images.append(image)
    sheet = Image.new("RGB", (5 * args.size, -(-len(images) // 5) * args.size), "white")
    for k, image in enumerate(images):
        sheet.paste(image, (k % 5 * args.size, k // 5 * args.size))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.out)
    print(json.dumps({"benchmark": "fabrics_sheet", "picture": str(args.out), "fabrics": rows,
                      "cpu_s": round(time.process_time() - begin, 1)}))  # fmt: skip


if __name__ == "__main__":
    main()
