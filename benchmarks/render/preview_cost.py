"""What pictures of a saved look cost: python benchmarks/render/preview_cost.py OUT_FOLDER [quality]

Prints wall and CPU seconds of the bake, each still, a turntable frame and the GLB.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from engine.core import codec
from engine.core.types import Body, Drape, Garment
from engine.export.gltf import write_glb
from engine.export.scene import body_scene_mesh, garment_scene_mesh
from render.preview import Preview, standard_cameras


def timed(work) -> tuple[dict[str, float], object]:
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    return {"wall_s": round(time.perf_counter() - wall, 3), "cpu_s": round(time.process_time() - cpu, 3)}, value


def main(folder: Path, quality: str) -> dict[str, dict[str, float]]:
    body, garment, drape = (
        codec.load(folder / f"{kind.__name__.lower()}.npz", kind) for kind in (Body, Garment, Drape)
    )
    cost = {}
    cost["scene"], meshes = timed(lambda: [body_scene_mesh(body), garment_scene_mesh(garment, drape)])
    cost["bake"], preview = timed(lambda: Preview(meshes, quality=quality))
    with preview:
        for name, camera in standard_cameras(meshes, size=preview.quality.still).items():
            cost[name], _ = timed(lambda camera=camera: preview.picture(camera))
        for mode in ("strain", "pressure"):
            cost[mode], _ = timed(lambda mode=mode, camera=camera: preview.picture(camera, mode=mode))
        cost["turntable of 4 frames"], _ = timed(lambda: preview.turntable(4))
    with tempfile.TemporaryDirectory() as scratch:
        cost["glb"], path = timed(lambda: write_glb(Path(scratch) / "look.glb", meshes))
        cost["glb"]["megabytes"] = round(path.stat().st_size / 1e6, 2)
    return cost


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "standard"), indent=2))
