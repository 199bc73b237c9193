"""What pictures of a saved look cost: python benchmarks/render/preview_cost.py OUT_FOLDER [--quality standard]

Prints one JSON line: wall and CPU seconds of the scene, the bake of its light, each still, a close-up, layers, a whole
turntable of 60 frames with its file, the GLB; and frames a second at 1024 x 1024, from one place and around the look,
as measured and as the CPU seconds would give on two free cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from engine.export.gltf import write_glb
from engine.look import load_look, scene
from render.camera import orbit_camera, turntable_cameras
from render.moving import write_moving
from render.opengl import create_context
from render.preview import Preview, standard_cameras
from render.views import close_up_camera

LIVE_FRAMES = 40
TURNTABLE_FRAMES = 60


def timed(work) -> tuple[dict[str, float], object]:
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    return {"wall_s": round(time.perf_counter() - wall, 3), "cpu_s": round(time.process_time() - cpu, 3)}, value


def frame_rate(preview: Preview, cameras) -> dict[str, float]:
    """Of many pictures, after a first one that compiles the shaders."""
    preview.picture(cameras[0], moving=True)
    cost, _ = timed(lambda: [picture.shape for picture in preview.pictures(cameras[1:], moving=True)])
    cpu = cost["cpu_s"] / LIVE_FRAMES
    return {
        "frames_per_s": round(LIVE_FRAMES / cost["wall_s"], 1),
        "cpu_ms_per_frame": round(1000 * cpu, 1),
        "frames_per_s_on_two_free_cores_at_best": round(2 / cpu, 1),
    }


def live(meshes) -> dict[str, dict[str, float]]:
    """Frame rates at 1024 x 1024."""
    with Preview(meshes, quality="live") as preview:
        size = preview.quality.still
        still = standard_cameras(meshes, size=size)["front"]
        around = turntable_cameras(meshes, LIVE_FRAMES + 1, size=size)
        raised = [orbit_camera(meshes, 0.0, size=size, elevation=0.004 * k) for k in range(LIVE_FRAMES + 1)]
        return {
            "same view": frame_rate(preview, [still] * (LIVE_FRAMES + 1)),
            "camera rises, light stays": frame_rate(preview, raised),
            "camera and light go around": frame_rate(preview, around),
        }


def turntable(meshes, quality: str, folder: Path) -> dict[str, dict[str, float]]:
    """60 frames from nothing to a file: baked, drawn, encoded."""
    cost = {}
    for ending in (".webp", ".mp4"):
        path = folder / f"turntable{ending}"

        def make(path=path):
            with Preview(meshes, quality=quality) as preview:
                write_moving(path, preview.turntable(TURNTABLE_FRAMES), fps=20)
                return preview.quality.turntable

        cost[f"{ending} in all"], size = timed(make)
        cost[f"{ending} in all"]["megabytes"] = round(path.stat().st_size / 1e6, 2)
    return {"frames": TURNTABLE_FRAMES, "size": size, **cost}


def main(folder: Path, quality: str) -> dict:
    look = load_look(folder)
    context = create_context()
    report = {"benchmark": "preview_cost", "quality": quality, "renderer": context.info["GL_RENDERER"]}
    context.release()
    cost = {}
    cost["scene"], meshes = timed(lambda: scene(look))
    report["triangles"] = {mesh.name: len(mesh.faces) for mesh in meshes}
    cost["bake"], preview = timed(lambda: Preview(meshes, quality=quality))
    with preview:
        size = preview.quality.still
        for name, camera in standard_cameras(meshes, size=size).items():
            cost[name], _ = timed(lambda camera=camera: preview.picture(camera))
        for mode in ("strain", "wireframe"):
            cost[mode], _ = timed(lambda mode=mode, camera=camera: preview.picture(camera, mode=mode))
        cost["layers"], _ = timed(lambda: preview.view(camera))
        cost["close-up"], _ = timed(lambda: preview.picture(close_up_camera(preview, "front", size=size)))
    with tempfile.TemporaryDirectory() as scratch:
        report["turntable"] = turntable(meshes, quality, Path(scratch))
        cost["glb"], path = timed(lambda: write_glb(Path(scratch) / "look.glb", meshes))
        cost["glb"]["megabytes"] = round(path.stat().st_size / 1e6, 2)
    return {**report, "live 1024x1024": live(meshes), "cost": cost}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a look, as toile drape or toile try-on leaves it")
    parser.add_argument("--quality", default="standard")
    args = parser.parse_args()
    print(json.dumps(main(args.folder, args.quality)))
