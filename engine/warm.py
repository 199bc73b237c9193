"""Compiles the simulation kernels ahead of the first drape."""

from __future__ import annotations

from engine.library_names import default_fabric, load_fabric, load_pattern

__all__ = ["warm_up"]


def warm_up() -> None:
    """Runs every simulation kernel once on a skirt, so that the compiled ones lie in the cache."""
    from avatars.open_body import load_open_body, make_body, prior
    from garments.placement import place
    from sim.drape import DrapeConfig, drape

    model = load_open_body()
    body = make_body(model, prior(model, "female")[0], sex="female")
    garment = "skirt_straight"
    placed = place(load_pattern(garment, body), body, load_fabric(default_fabric(garment)), edge_length=0.02, levels=2)
    drape(placed, body, config=DrapeConfig(sew_time=0.1, settle_time=0.1))
