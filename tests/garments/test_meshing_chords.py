"""No edge of a mesh may lie exactly on another that is not sewn to it."""

import numpy as np

from garments.meshing_chords import coincident_chords, split_edges

# two squares of two triangles, sewn to each other along all four sides, with the same diagonal
UV = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [3, 0], [4, 0], [4, 1], [3, 1]], float)
FACES = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
RIM = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4]])
CHAIN = np.array([[0, 4], [1, 5], [2, 6], [3, 7], [0, 4]])


def found(faces: np.ndarray, chains: tuple[np.ndarray, ...]) -> set:
    return {tuple(e) for e in coincident_chords(faces, len(UV), chains, RIM).tolist()}


def test_diagonals_of_pieces_sewn_all_round_coincide():
    assert found(FACES, (CHAIN,)) == {(0, 2), (4, 6)}


def test_other_diagonals_and_open_seams_do_not():
    crossed = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 7], [5, 6, 7]], np.int32)
    assert found(crossed, (CHAIN,)) == set()
    assert found(FACES, (CHAIN[:2],)) == set()
    assert found(FACES, ()) == set()


def test_splitting_keeps_area_panels_and_orientation():
    uv, faces, panels = split_edges(UV, FACES, np.array([0, 0, 1, 1]), np.array([[0, 2], [4, 6]]))
    assert len(uv) == 10 and len(faces) == 8
    p = uv[faces]
    area = 0.5 * ((p[:, 1, 0] - p[:, 0, 0]) * (p[:, 2, 1] - p[:, 0, 1])
                  - (p[:, 1, 1] - p[:, 0, 1]) * (p[:, 2, 0] - p[:, 0, 0]))  # fmt: skip
    np.testing.assert_allclose(area, 0.25)
    assert [np.isin(f, [0, 1, 2, 3, 8]).all() for f in faces] == [k == 0 for k in panels]


def test_a_triangle_with_three_such_edges():
    uv, faces, _ = split_edges(UV[:3], FACES[:1], np.array([0]), np.array([[0, 1], [1, 2], [0, 2]]))
    assert len(uv) == 6 and len(faces) == 4 and sorted(np.unique(faces)) == list(range(6))
    for corner in range(3):
        assert (faces == corner).any()
