import numpy as np
import pytest

from engine.export.uv_raster import rasterise


def test_values_run_linearly_over_triangles_of_any_size():
    uv = np.array([[0.05, 0.05], [0.85, 0.05], [0.05, 0.85], [0.91, 0.91], [0.94, 0.91], [0.91, 0.94]])
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    corners = np.stack([uv[faces][..., 0], np.full((2, 3), 7.0)], axis=-1)
    values, known = rasterise(uv, faces, corners, 256)
    assert values.shape == (256, 256, 2)
    for row, column in ((30, 40), (20, 180), (150, 50), (235, 235)):
        assert known[row, column]
        assert values[row, column] == pytest.approx([(column + 0.5) / 256, 7.0], abs=1 / 200)
    assert not known[120, 240] and not known[250, 100]
    assert known[10, 100] and not known[3, 100]  # bleeds a few pixels over the border
