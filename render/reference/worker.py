"""Traces one job in a process of its own: ``python -m render.reference.worker JOB RESULT``."""

from __future__ import annotations

import sys

import numpy as np

from engine.core import codec
from engine.core.safe_io import write_with
from render.reference.scene import ReferenceScene
from render.reference.variant import start
from render.studio import camera_azimuth


def main(job: str, result: str) -> int:
    """Reads a job of :func:`render.reference.tracer.trace`, writes an array ``view0``, ``view1``, ... per camera."""
    meshes, cameras, environment, settings = codec.load(job, tuple)
    variant = start(compiled=settings["compiled"], threads=settings["threads"])
    scene = ReferenceScene(meshes, environment)
    views = {}
    for i, camera in enumerate(cameras):
        views[f"view{i}"] = scene.picture(
            camera, turn=camera_azimuth(camera), samples=settings["samples"], seed=settings["seed"] + 101 * i
        )
        print(f"{(i + 1) / len(cameras):.4f}", flush=True)
    write_with(result, lambda stream: np.savez(stream, variant=np.array(variant), **views))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
