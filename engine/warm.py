"""Compiles the simulation kernels ahead of the first drape."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from engine.library_names import default_fabric, load_fabric, load_pattern

__all__ = ["warm_up"]


def warm_up() -> None:
    """Runs every simulation kernel once on a skirt, so that the compiled ones lie in the cache: as they are for all
    threads, and as they are for one, with which drafts and batches are draped. A process has either kind."""
    for threads in (0, 1):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as other:
            other.submit(_drape_skirt, threads).result()


def _drape_skirt(threads: int) -> None:
    from avatars.open_body import load_open_body, make_body, prior
    from garments.placement import place
    from sim.drape import DrapeConfig, drape

    model = load_open_body()
    body = make_body(model, prior(model, "female")[0], sex="female")
    garment = "skirt_straight"
    placed = place(load_pattern(garment, body), body, load_fabric(default_fabric(garment)), edge_length=0.02, levels=2)
    drape(placed, body, config=DrapeConfig(threads=threads, sew_time=0.1, settle_time=0.1))
