"""The scrap of cloth that readies the kernels."""

import taichi.lang.kernel_impl as kernel_impl

from avatars.open_body import load_open_body, make_body, prior
from engine.library_names import load_fabric, load_pattern
from garments.placement import place
from sim.drape import DrapeConfig, drape, ready


def test_a_drape_finds_all_its_kernels_ready(monkeypatch):
    model = load_open_body()
    body = make_body(model, prior(model, "female")[0], sex="female")
    launched, plain = set(), kernel_impl.Kernel.__call__

    def noted(kernel, *args, **more):
        launched.add(kernel.func.__qualname__)
        return plain(kernel, *args, **more)

    monkeypatch.setattr(kernel_impl.Kernel, "__call__", noted)
    for _ in ready(body, config=DrapeConfig()):
        pass
    readied = set(launched)
    pattern = load_pattern("skirt_straight", body)
    placed = place(pattern, body, load_fabric("denim"), edge_length=0.03, levels=1)
    drape(placed, body, config=DrapeConfig(sew_time=0.1, settle_time=0.1))
    assert len(readied) > 30 and launched <= readied
