"""Outfits: garments joined on all levels, and taken apart again."""

import dataclasses

import numpy as np
import pytest

from engine.core.errors import InputError
from engine.core.mesh import subdivide, unique_edges
from engine.core.outfit import levels_of, main_fabric, put_over, split
from engine.core.types import Drape, Fabric, Garment

COTTON = Fabric("cotton", "Cotton", 0.15, 4e-4, 500, 500, 200, 50, 1e-5, 1e-5, 1e-5, 0.4, 0.3, 0.1)
SILK = dataclasses.replace(COTTON, name="silk")


def strip(name: str, triangles: int, *, y: float, levels: int = 3, fabrics: tuple[Fabric, ...] = (COTTON, COTTON)):
    """Two panels, each a zigzag of triangles, sewn at one vertex; with random vertices, so that none look alike."""
    rng = np.random.default_rng(triangles)
    panel = np.stack([np.arange(triangles) + k for k in range(3)], 1)
    panel[1::2] = panel[1::2, [0, 2, 1]]
    n = triangles + 2
    faces = np.concatenate([panel, panel + n]).astype(np.int32)
    garment = None
    uv, x = rng.random((2 * n, 2)).astype(np.float32), rng.random((2 * n, 3)).astype(np.float32) + [0, y, 0]
    panel_id, vertex_panel = np.repeat([0, 1], triangles), np.repeat([0, 1], n)
    for level in range(levels):
        if level:
            faces, edges = subdivide(faces, len(x))
            uv, x = (np.concatenate([a, a[edges].mean(1)]).astype(np.float32) for a in (uv, x))
            vertex_panel = np.concatenate([vertex_panel, vertex_panel[edges[:, 0]]])
            panel_id = np.repeat(panel_id, 4)
        garment = Garment(
            rest_uv=uv, faces=faces, positions=x.astype(np.float32), seam_pairs=np.array([[0, n]], np.int32),
            seam_ids=np.array([0], np.int32), seam_angles=np.full(1, 0.1 * triangles, np.float32),
            panel_id=panel_id.astype(np.int32), vertex_panel=vertex_panel.astype(np.int32),
            layer=vertex_panel.astype(np.int32), grain=np.array([0.1, 0.2], np.float32) * triangles,
            bend_scale=rng.random(len(faces)).astype(np.float32), fabrics=fabrics, panel_names=("front", "back"),
            name=name, kind="top", intended_ease={"bust_girth": 0.01 * triangles}, warnings=(f"{name} is odd",),
            coarser=garment,
        )  # fmt: skip
    return garment


@pytest.fixture(scope="module")
def three():
    return [strip("shirt", 5, y=0.0), strip("trousers", 4, y=3.0), strip("shirt", 6, y=6.0)]


@pytest.fixture(scope="module")
def outfit(three):
    return put_over(put_over(three[0], three[1]), three[2])


def test_levels_of_an_outfit_refine_like_those_of_a_garment(outfit):
    levels = levels_of(outfit)
    assert len(levels) == 3
    for coarse, fine in zip(levels[:-1], levels[1:], strict=True):
        count = len(coarse.positions)
        faces, edges = subdivide(coarse.faces, count)
        assert np.array_equal(np.sort(faces, axis=None), np.sort(fine.faces, axis=None))
        assert np.array_equal(faces, fine.faces)
        assert np.array_equal(edges, unique_edges(coarse.faces)[0])
        assert np.allclose(fine.positions[:count], coarse.positions)
        assert np.allclose(fine.positions[count:], coarse.positions[edges].mean(1), atol=1e-6)


def test_names_panels_and_seams_stay_apart(outfit):
    assert [p.name for p in outfit.parts] == ["shirt", "trousers", "shirt_2"]
    assert outfit.panel_names[::2] == ("shirt.front", "trousers.front", "shirt_2.front")
    assert outfit.seam_ids.tolist() == [0, 1, 2] and outfit.panel_id.max() == 5
    assert (outfit.vertex_panel[outfit.seam_pairs] // 2 == np.arange(3)[:, None]).all()
    assert (np.diff([outfit.layer[outfit.vertex_panel // 2 == k].min() for k in range(3)]) > 0).all()
    assert all(any(w.startswith(f"{p.name}: ") for w in outfit.warnings) for p in outfit.parts)


def test_splitting_gives_every_garment_back(three, outfit):
    """Every field of a garment, so that none that is added later is forgotten."""
    rng = np.random.default_rng(0)
    drape = Drape(
        positions=outfit.positions, strain=rng.random((len(outfit.faces), 3)).astype(np.float32),
        pressure=rng.random(len(outfit.positions)).astype(np.float32), status="converged",
        metrics={"strain_max": 9.0}, warnings=("seam between shirt_2.front and shirt_2.back stays open",),
    )  # fmt: skip
    pieces = split(outfit, drape)
    for number, ((garment, own), made) in enumerate(zip(pieces, three, strict=True)):
        for f in dataclasses.fields(Garment):
            got, want = getattr(garment, f.name), getattr(made, f.name)
            if f.name in ("coarser", "name"):
                continue
            if f.name in ("layer", "seam_ids"):
                got = got - got.min() + want.min()
            assert np.array_equal(got, want), f.name
        assert garment.name == outfit.parts[number].name
        assert np.array_equal(own.positions, garment.positions) and len(own.strain) == len(garment.faces)
        assert own.metrics["strain_max"] == own.strain[:, :2].max() and len(own.pressure) == len(garment.positions)
        assert len(own.warnings) == (number == 2)
    assert split(three[0], drape) == [(three[0], drape)]


def test_the_main_fabric_covers_most():
    assert main_fabric(strip("a", 5, y=0.0, fabrics=(SILK, SILK))).name == "silk"
    mixed = strip("a", 5, y=0.0, fabrics=(COTTON, SILK))
    small = dataclasses.replace(mixed, rest_uv=np.where(mixed.vertex_panel[:, None] == 0, 0.1, 1) * mixed.rest_uv)
    assert main_fabric(small).name == "silk"


def test_different_numbers_of_levels_are_refused(three):
    with pytest.raises(InputError, match="levels"):
        put_over(three[0], strip("tee", 3, y=0.0, levels=2))
