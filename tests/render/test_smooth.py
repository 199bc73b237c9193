from dataclasses import replace

import numpy as np
import pytest
from small_scene import revolved

from engine.core.types import Material
from render.smooth import smoothed

CLOTH = Material("cloth", double_sided=True)


def test_a_coarse_tube_becomes_rounder_and_keeps_its_vertices():
    tube = revolved(
        np.full(5, 0.2), np.linspace(0, 0.4, 5), 12, "tube", CLOTH, maps={"strain": np.zeros(65, np.float32)}
    )
    fine = smoothed(tube)
    assert np.allclose(fine.vertices[:65], tube.vertices, atol=1e-7) and len(fine.faces) == 4 * len(tube.faces)
    radius = np.hypot(fine.vertices[:, 0], fine.vertices[:, 2])
    chords = 0.2 * np.cos(np.pi / 12)
    assert radius.min() > 0.2 - 0.15 * (0.2 - chords)  # the chords' middles lay at `chords`
    assert fine.maps["strain"].shape == fine.vertices.shape[:1] and fine.uv.shape == (len(fine.vertices), 2)
    assert (fine.normals[:, [0, 2]] * fine.vertices[:, [0, 2]]).sum(1) / radius == pytest.approx(1, abs=0.01)


def test_seams_stay_closed_and_flat_cloth_flat():
    tube = revolved(np.full(5, 0.2), np.linspace(0, 0.4, 5), 12, "tube", CLOTH)
    fine = smoothed(tube)
    at_seam = np.isclose(fine.uv[:, 0], 0) | np.isclose(fine.uv[:, 0], 1)
    places = np.unique(np.round(fine.vertices[at_seam], 6), axis=0)
    assert len(places) == at_seam.sum() // 2 == 9
    flat = replace(tube, vertices=np.column_stack([tube.uv, np.zeros(65)]).astype(np.float32), normals=None)
    assert smoothed(flat).vertices[:, 2] == pytest.approx(0, abs=1e-7)


def test_corners_of_a_border_stay_corners():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    mesh = replace(
        revolved(np.full(2, 0.2), np.linspace(0, 0.4, 2), 3, "square", CLOTH), vertices=square, normals=None,
        faces=np.array([[0, 1, 2], [0, 2, 3]], np.int32), uv=square[:, :2], uv_metres=square[:, :2],
    )  # fmt: skip
    fine = smoothed(mesh).vertices
    assert fine.min() == 0 and fine.max() == 1
