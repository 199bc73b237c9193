"""The stage that meshes a garment and places it: in a second process, while this one readies the simulator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from engine.ahead import begun
from engine.core.types import Body, Garment
from engine.library_names import load_fabric, load_pattern
from engine.runtime import Progress, Run

if TYPE_CHECKING:
    from sim.drape import DrapeConfig

__all__ = ["drape_config", "placed"]


def placed(run: Run, body: Body, garment: str, fabric: str, options: Mapping, worn: Garment | None) -> Garment:
    """A garment's meshed panels around a body and what it wears."""

    def work(progress: Progress) -> Garment:
        from garments.fabrics import load_fabrics
        from garments.placement import place

        pattern, cloth, mesh = load_pattern(garment, body, options), load_fabric(fabric), asdict(run.config.preset)
        return place(pattern, body, cloth, fabrics=load_fabrics(), worn=worn, progress=progress, **mesh)

    with begun(work, run.config.threads) as result, run.stage("place", "Placing the panels") as progress:
        return result(progress, _simulator(run, body))


def _simulator(run: Run, body: Body) -> Iterator[None]:
    """Readies the simulator for draping on the body, a piece at a time."""
    from sim import drape as simulator

    yield
    yield from simulator.ready(body, config=drape_config(run))


def drape_config(run: Run) -> DrapeConfig:
    """The simulator's settings in a run. A draft's few vertices one thread moves sooner than several share them out."""
    from sim.drape import DrapeConfig

    threads = 1 if run.config.preset.levels == 1 else run.config.threads
    return DrapeConfig(device=run.config.device, threads=threads, seed=run.config.seed)
