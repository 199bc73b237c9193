"""A drape goes on from another one: in another fabric, or on a body a little different."""

import dataclasses

import numpy as np
import pytest
import scenes
from test_drape import hips, skirt

from engine.core.errors import InputError
from engine.core.outfit import levels_of
from sim.drape import drape, redrape


@pytest.fixture(scope="module")
def before():
    garment = scenes.refined(skirt(edge=0.05))
    return garment, drape(garment, hips())


def wider(body, share: float):
    skin = body.contact_vertices * np.float32([1 + share, 1.0, 1 + share])
    return dataclasses.replace(body, contact_vertices=skin)


def in_fabric(garment, fabric):
    whole = None
    for level in levels_of(garment):
        whole = dataclasses.replace(level, fabrics=(fabric,) * len(level.fabrics), coarser=whole)
    return whole


def clean(result) -> bool:
    m = result.metrics
    return m["self_intersections"] == 0 and m["body_penetration_max_mm"] == 0.0 and m["seam_gap_max_mm"] < 1.0


def test_in_another_fabric_it_comes_to_rest_at_once(before):
    garment, old = before
    stiff = in_fabric(garment, scenes.cotton(bend_warp=2e-4, bend_weft=2e-4, bend_bias=2e-4, thickness=0.0012))
    new = redrape(stiff, hips(), start=old.positions, before=hips())
    assert new.status == "converged" and clean(new)
    assert new.metrics["frames"] < 0.5 * old.metrics["frames"]
    assert 1e-4 < np.linalg.norm(new.positions - old.positions, axis=1).max() < 0.15


def test_on_a_wider_body_the_cloth_is_taken_along(before):
    garment, old = before
    body = wider(hips(), 0.04)
    new = redrape(garment, body, start=old.positions, before=hips())
    assert new.status == "converged" and clean(new)
    assert new.positions[:, 1].mean() > old.positions[:, 1].mean() + 0.002  # no longer than it was, it rides up


def test_what_cannot_be_the_start_is_refused(before):
    garment, old = before
    other = scenes.refined(skirt(edge=0.06))
    with pytest.raises(InputError) as error:
        redrape(other, hips(), start=old.positions, before=hips())
    assert error.value.code == "sim.start_mesh"
    with pytest.raises(InputError) as error:
        redrape(garment, wider(hips(), 1.2), start=old.positions, before=hips())
    assert error.value.code == "sim.start_far"
    ball = dataclasses.replace(hips(), contact_vertices=hips().contact_vertices[:-1])
    with pytest.raises(InputError) as error:
        redrape(garment, hips(), start=old.positions, before=ball)
    assert error.value.code == "sim.start_body"
