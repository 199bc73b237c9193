"""Hands drawn in while a garment is sewn: sleeves that start past them end up on the arms, whole."""

from dataclasses import replace

import numpy as np
import scenes

from sim.drape import drape
from sim.exact_distance import signed_distance
from sim.hands import drawn_in, past_hands

WRIST, HAND, HEIGHT = 0.3, 0.16, 1.0
GIRTH = 0.16  #: of the sleeves: more than the wrist's, much less than the hand's


def arms():
    """A body of two level arms with flat hands, wider than the arms, at the ends; fingers are left out."""
    x, turn = np.linspace(-WRIST - HAND, WRIST + HAND, 93)[1:-1], np.linspace(0, 2 * np.pi, 32, endpoint=False)
    u = np.clip((np.abs(x) - WRIST) / HAND, 0, 1)
    tip = np.sqrt(1 - np.clip((u - 0.6) / 0.4, 0, 1) ** 2)
    widen = np.clip(u / 0.4, 0, 1) ** 2 * (3 - 2 * np.clip(u / 0.4, 0, 1))
    wide, thick = (0.02 + 0.04 * widen) * tip, (0.02 - 0.006 * widen) * tip
    rings = np.stack([
        np.repeat(x, 32), HEIGHT + np.outer(thick, np.sin(turn)).ravel(), np.outer(wide, np.cos(turn)).ravel(),
    ], 1)  # fmt: skip
    ends = [[-WRIST - HAND, HEIGHT, 0], [WRIST + HAND, HEIGHT, 0]]
    i, j = np.meshgrid(np.arange(len(x) - 1), np.arange(32), indexing="ij")
    a, b = (i * 32 + j).ravel(), (i * 32 + (j + 1) % 32).ravel()
    around, last, n = np.arange(32), 32 * (len(x) - 1), len(rings)
    faces = np.concatenate([
        np.stack([a, b, a + 32], 1), np.stack([b, b + 32, a + 32], 1),
        np.stack([np.full(32, n), (around + 1) % 32, around], 1),
        np.stack([np.full(32, n + 1), last + around, last + (around + 1) % 32], 1),
    ])  # fmt: skip
    v = np.concatenate([rings, ends])
    body = scenes.body_from(scenes.trimesh.Trimesh(v, faces[:, ::-1], process=False))
    joints, segment = body.joints.copy(), np.zeros(len(v), np.int32)
    for sign, elbow, wrist in ((1, 18, 20), (-1, 19, 21)):
        joints[elbow], joints[wrist] = [sign * 0.1, HEIGHT, 0], [sign * WRIST, HEIGHT, 0]
        segment[sign * v[:, 0] > 0.1], segment[sign * v[:, 0] > WRIST] = elbow, wrist
    return replace(body, joints=joints, contact_segment=segment)


def jumper(away: float):
    """A tube for both arms, narrower than a hand, in three parts, above and below; sleeves start ``away`` too far."""
    panels, pairs = [], []
    for start, length in ((-0.1, 0.2), (0.1 + away, 0.18), (-0.28 - away, 0.18)):
        uv, faces, (nx, ny) = scenes.rectangle(GIRTH / 2, length, 0.02)
        k = len(panels)
        for side in (1, -1):
            at = np.stack([start + uv[:, 1], np.full(len(uv), HEIGHT + 0.06 * side), side * uv[:, 0]], 1)
            panels.append((uv, faces, at))
        for r in range(ny):
            pairs += [((k, r * nx), (k + 1, r * nx + nx - 1)), ((k, r * nx + nx - 1), (k + 1, r * nx))]
    top = len(panels[0][0]) - nx
    far = len(panels[4][0]) - nx
    for i in range(nx):
        pairs += [((side, top + i), (2 + side, i)) for side in (0, 1)]
        pairs += [((side, i), (4 + side, far + i)) for side in (0, 1)]
    return scenes.assemble(panels, pairs, scenes.cotton())


def test_a_hand_drawn_in_lies_within_itself_and_the_rest_stays():
    body = arms()
    skin = drawn_in(body)
    hand = np.abs(body.contact_vertices[:, 0]) > WRIST
    assert np.array_equal(skin[~hand], body.contact_vertices[~hand])
    assert np.abs(skin[hand, 0]).max() < WRIST + 0.2 * HAND and np.abs(skin[:, 2]).max() < 0.03
    assert signed_distance(body.contact_vertices, body.contact_faces, skin).max() < 3e-4
    assert np.array_equal(drawn_in(replace(body, contact_segment=0 * body.contact_segment)), body.contact_vertices)


def test_only_sleeves_past_the_hands_have_them_drawn_in():
    body = arms()
    assert past_hands(body, jumper(0.18))
    assert not past_hands(body, jumper(0.05))
    assert not past_hands(body, scenes.tube(girth=0.8, height=0.3, edge=0.1, gap=0.2, bottom=0.3))


def test_sleeves_are_drawn_over_the_hands():
    body, garment = arms(), jumper(0.18)
    result = drape(garment, body)
    m = result.metrics
    assert result.status == "converged", result.warnings
    assert m["seam_gap_max_mm"] < 1.0 and m["body_penetration_max_mm"] == 0.0 and m["self_intersections"] == 0
    assert m["strain_p99"] < 0.05
    assert np.abs(result.positions[:, 0]).max() < WRIST + 0.03
    assert np.array_equal(result.positions, drape(garment, body).positions)
