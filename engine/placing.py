"""The stage that meshes a garment and places it: in a second process, while this one readies the simulator."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from engine.ahead import begun
from engine.core import codec
from engine.core.store import Store, stage_key
from engine.core.types import Body, Garment
from engine.library_names import is_file, load_fabric, load_pattern
from engine.runtime import Progress, Run, code_version

if TYPE_CHECKING:
    from sim.drape import DrapeConfig

__all__ = ["drape_config", "placed"]


def placed(run: Run, body: Body, garment: str, fabric: str, options: Mapping, worn: Garment | None) -> Garment:
    """A garment's meshed panels around a body and what it wears, from the store if they are there."""
    cloth, mesh = load_fabric(fabric), asdict(run.config.preset)
    source = hashlib.sha256(Path(garment).read_bytes()).hexdigest() if is_file(garment) else garment
    inputs = [source, dict(options), *(codec.content_hash(value) for value in (cloth, body, worn))]
    key = stage_key("place", code_version(), mesh, inputs, run.config.seed)
    store = Store.default() if run.config.cache else Store(None)

    def work(progress: Progress) -> Garment:
        from garments.fabrics import load_fabrics
        from garments.placement import place

        pattern = load_pattern(garment, body, options)
        return place(pattern, body, cloth, fabrics=load_fabrics(), worn=worn, progress=progress, **mesh)

    def make() -> Garment:
        with begun(work, run.config.threads) as result, run.stage("place", "Placing the panels") as progress:
            return result(progress, _simulator(run, body))

    result, was_stored = store.fetch(key, Garment, make)
    if was_stored:
        run.cached.append("place")
    return result


def _simulator(run: Run, body: Body) -> Iterator[None]:
    """Readies the simulator for draping on the body, a piece at a time."""
    from sim import drape as simulator

    yield
    yield from simulator.ready(body, config=drape_config(run))


def drape_config(run: Run) -> DrapeConfig:
    """The simulator's settings in a run.

    Unless a number of threads is asked for it is one where more would not be faster: a draft's few vertices are moved
    sooner than shared out, and two threads wait for memory in an outfit's linear solves as long as one does.
    """
    from sim.drape import DrapeConfig

    threads = run.config.threads
    if not threads and (run.config.preset.levels == 1 or run.garments > 1 and (os.cpu_count() or 1) <= 2):
        threads = 1
    return DrapeConfig(device=run.config.device, threads=threads, seed=run.config.seed)
