from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from engine.core.mesh import green_strain
from engine.core.outfit import put_over
from engine.core.types import Drape, Fabric, Garment
from engine.export.atlas import grain_plane, pack_panels
from engine.export.scene import (
    body_scene_mesh,
    edge_distances,
    garment_scene_mesh,
    garment_scene_meshes,
    look_info,
    pressed_skin,
    principal_stretch,
)
from engine.export.skin_texture import skin_texture

FABRIC = Fabric(
    "poplin", "Cotton poplin", 0.12, 0.0003, 1e3, 1e3, 500, 50, 1e-5, 1e-5, 1e-5, 0.3, 0.25, 0.1,
    base_color=(0.2, 0.3, 0.4), opacity=0.8, sheen=0.2, weave="plain",
)  # fmt: skip


def two_panels(stretch: float = 1.0) -> tuple[Garment, Drape]:
    """Two 0.2 m x 0.3 m rectangles in one plane, sewn along a long side; the first is stretched in y."""
    n, m = 5, 7
    x, y = np.meshgrid(np.linspace(0, 0.2, n), np.linspace(0, 0.3, m))
    flat = np.stack([x, y], -1).reshape(-1, 2)
    i = (np.arange(m - 1)[:, None] * n + np.arange(n - 1)).reshape(-1)
    faces = np.concatenate([np.stack([i, i + 1, i + n], 1), np.stack([i + 1, i + n + 1, i + n], 1)])
    rest = np.concatenate([flat, flat]).astype(np.float32)
    faces = np.concatenate([faces, faces + n * m]).astype(np.int32)
    world = np.concatenate([flat, flat + [0.2, 0]])
    positions = np.column_stack([world[:, 0], world[:, 1] * stretch, np.zeros(len(world))]).astype(np.float32)
    right = np.arange(m) * n + n - 1
    pairs = np.stack([right, np.arange(m) * n + n * m], 1).astype(np.int32)
    strain = green_strain(positions, faces, rest[faces])[:, [1, 0, 2]]  # the warp runs along y
    garment = Garment(
        rest, faces, positions, pairs, np.zeros(m, np.int32), np.zeros(m, np.float32),
        np.repeat([0, 1], len(faces) // 2).astype(np.int32), np.repeat([0, 1], n * m).astype(np.int32),
        np.zeros(2 * n * m, np.int32), np.full(2, np.pi / 2, np.float32), np.ones(len(faces), np.float32),
        (FABRIC, FABRIC), ("left", "right"),
    )  # fmt: skip
    pressure = np.zeros(2 * n * m, np.float32)
    pressure[right] = 800
    return garment, Drape(positions, strain, pressure, "converged")


def test_an_outfit_shows_every_garment_under_its_name_and_one_range():
    (shirt, taut), (jacket, slack) = two_panels(stretch=1.15), two_panels()
    jacket = replace(jacket, name="jacket", fabrics=(replace(FABRIC, name="denim"),) * 2)
    outfit = put_over(replace(shirt, name="shirt"), jacket)
    both = (np.concatenate([getattr(d, k) for d in (taut, slack)]) for k in ("positions", "strain", "pressure"))
    drape = Drape(*both, "converged")
    meshes = garment_scene_meshes(outfit, drape)
    assert [m.name for m in meshes] == ["shirt", "jacket"]
    assert [m.material.name for m in meshes] == ["shirt poplin", "jacket denim"]
    assert meshes[0].map_ranges == meshes[1].map_ranges and meshes[0].map_ranges["strain"][1] == 0.2
    assert np.allclose(meshes[0].vertices, taut.positions) and np.allclose(meshes[1].maps["strain"], 0.5)
    assert [m.name for m in garment_scene_meshes(shirt, taut)] == ["garment"]
    body = SimpleNamespace(measurements={})
    info = look_info(body, outfit, drape)
    assert info["title"] == "Shirt, jacket" and info["weight"] == "120, 120 g/m\u00b2"


def test_stretch_is_the_greatest_in_any_direction():
    turned = np.array([[0.11, 0.0, 0.0], [0.0, 0.11, 0.0], [0.055, 0.055, 0.055], [-0.095, -0.095, 0.0]])
    assert principal_stretch(turned) == pytest.approx([0.1045, 0.1045, 0.1045, -0.1], abs=1e-3)


def test_garment_carries_its_fabric_and_signed_maps():
    garment, drape = two_panels(stretch=1.04)
    mesh = garment_scene_mesh(garment, drape)
    assert mesh.material.double_sided and mesh.material.base_color == (0.2, 0.3, 0.4, 0.8)
    assert mesh.material.weave == "plain" and mesh.material.weave_scale == pytest.approx(0.00072)
    assert np.abs(mesh.normals - [0, 0, 1]).max() < 1e-5
    low, high = mesh.map_ranges["strain"]
    assert (low, high) == (-0.05, 0.05)
    assert low + (high - low) * mesh.maps["strain"] == pytest.approx(0.04, abs=1e-4)
    low, high = mesh.map_ranges["pressure"]
    shown = low + (high - low) * mesh.maps["pressure"]
    a, b = garment.seam_pairs.T
    assert shown[a] == pytest.approx(800, rel=1e-5) and shown[b] == pytest.approx(800, rel=1e-5)  # both sides of a seam


def test_edges_are_told_apart_as_hem_and_seam():
    garment, drape = two_panels()
    hem, seam = edge_distances(garment.rest_uv, garment.faces, garment.seam_pairs)
    sewn = garment.seam_pairs.reshape(-1)
    assert seam[sewn].max() < 1e-6
    assert hem[garment.rest_uv[:, 1] == 0].max() < 1e-6
    middle = np.abs(garment.rest_uv - [0.1, 0.15]).max(1) < 0.03
    assert hem[middle].min() == seam[middle].min() == pytest.approx(0.03)
    # the seam of the left panel is at its right, although the right panel lies over it in the plane of the pattern
    left = (garment.vertex_panel == 0) & (garment.rest_uv[:, 0] == 0) & np.isclose(garment.rest_uv[:, 1], 0.15)
    assert seam[left].min() == pytest.approx(0.03)


def test_a_darts_tip_is_no_hem():
    """A dart from the top edge down to a tip: its legs are sewn together, the tip itself to nothing."""
    rest = np.array([(0, 0), (0.2, 0), (0.4, 0), (0, 0.3), (0.18, 0.3), (0.22, 0.3), (0.4, 0.3), (0.2, 0.2),
                     (0.19, 0.25), (0.21, 0.25)], np.float32)
    faces = np.array([(0, 1, 7), (0, 7, 3), (3, 7, 8), (3, 8, 4), (1, 2, 7), (7, 2, 6), (7, 6, 9), (9, 6, 5)])
    hem, seam = edge_distances(rest, faces, np.array([(4, 5), (8, 9)]))
    assert seam[[4, 5, 7, 8, 9]].max() < 1e-6
    assert hem[[7, 8, 9]].min() == pytest.approx(0.03)


def test_a_folded_seam_stays_sharp():
    garment, drape = two_panels()
    folded = np.array(drape.positions)
    right = garment.vertex_panel == 1
    folded[right] = np.column_stack([0.2 - (folded[right, 0] - 0.2), folded[right, 1], np.full(right.sum(), -1e-4)])
    mesh = garment_scene_mesh(garment, Drape(folded, drape.strain, drape.pressure, "converged"))
    assert mesh.normals[~right][:, 2].min() > 0.99 and mesh.normals[right][:, 2].max() < -0.99


def test_atlas_keeps_lengths_and_panels_apart():
    random = np.random.default_rng(2)
    sizes = random.uniform(0.05, 0.9, (9, 2))
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    plane = np.concatenate([corners * s + random.uniform(-2, 2, 2) for s in sizes]).astype(np.float32)
    panel = np.repeat(np.arange(9), 4)
    uv = pack_panels(plane, panel)
    assert uv.min() >= 0 and uv.max() <= 1
    boxes = [(uv[panel == p].min(0), uv[panel == p].max(0)) for p in range(9)]
    scale = [np.ptp(uv[panel == p], axis=0) / sizes[p] for p in range(9)]
    assert np.ptp(scale) < 1e-4
    for i in range(9):
        for j in range(i):
            assert (boxes[i][0] > boxes[j][1]).any() or (boxes[j][0] > boxes[i][1]).any()
    assert sum(np.prod(h - low) for low, h in boxes) > 0.4  # not much of the texture is wasted
    assert uv[0, 1] > uv[3, 1]  # v runs down


def test_grain_turns_the_warp_upright():
    rest = np.array([[0, 0], [0.3, 0.0]], np.float32)
    turned = grain_plane(rest, np.array([0, 0]), np.array([0.0]))  # the warp runs along x
    assert turned[1] == pytest.approx([0, 0.3], abs=1e-6)


def a_body(sex: str = "female") -> SimpleNamespace:
    """A box of a body with the landmarks that the base layer needs, and one arm."""
    y = np.linspace(0, 1.7, 35)
    vertices = np.stack([np.column_stack([np.full(35, x), y, np.zeros(35)]) for x in (0.0, 0.2, 0.6, 0.8)], 1)
    vertices = vertices.reshape(-1, 3).astype(np.float32)
    i = (np.arange(34)[:, None] * 4 + [0, 2]).reshape(-1)
    faces = np.concatenate([np.stack([i, i + 1, i + 4], 1), np.stack([i + 1, i + 5, i + 4], 1)]).astype(np.int32)
    weights = np.zeros((len(vertices), 55), np.float32)
    weights[np.arange(len(vertices)), np.where(vertices[:, 0] > 0.5, 18, 0)] = 1
    marks = {
        "crotch_point": 0.75,
        "hip_front": 0.85,
        "waist_front": 1.05,
        "bust_front": 1.25,
        "underbust_front": 1.17,
        "armpit_l": 1.3,
    }
    return SimpleNamespace(
        vertices=vertices, faces=faces, uv=(vertices[:, :2] / [0.8, 1.7]).astype(np.float32), uv_faces=faces, sex=sex,
        skinning_weights=weights, landmarks={k: np.array([0, v, 0.1]) for k, v in marks.items()},
    )  # fmt: skip


def test_base_layer_covers_hips_and_bust_but_not_the_arm():
    def shade(body, x, y):
        texture = skin_texture(body)
        return texture[int((1 - y / 1.7) * 1023), int(x / 0.8 * 1023), 0]

    woman, man = a_body(), a_body("male")
    bare = shade(woman, 0.1, 0.3)
    assert shade(woman, 0.1, 0.85) < bare - 15 and shade(woman, 0.1, 1.22) < bare - 15
    assert shade(woman, 0.7, 0.85) > bare - 10 and shade(woman, 0.1, 1.5) > bare - 10
    assert shade(man, 0.1, 0.85) < bare - 15 and shade(man, 0.1, 1.22) > bare - 10


def test_body_is_split_at_its_texture_charts_only():
    body = a_body()
    body.uv = np.concatenate([body.uv, body.uv[:4]])
    body.uv_faces = np.array(body.uv_faces)
    body.uv_faces[5, 0] = len(body.vertices)  # one corner elsewhere in the texture
    mesh = body_scene_mesh(body)
    assert len(mesh.vertices) == len(body.vertices) + 1
    assert mesh.vertices[mesh.faces] == pytest.approx(body.vertices[body.faces])
    assert mesh.uv[mesh.faces][..., 0] == pytest.approx(body.uv[body.uv_faces][..., 0])
    assert mesh.uv[mesh.faces][..., 1] == pytest.approx(1 - body.uv[body.uv_faces][..., 1])
    assert (
        body_scene_mesh(SimpleNamespace(**{**vars(body), "uv": np.zeros((0, 2)), "uv_faces": np.zeros((0, 3), int)})).uv
        is None
    )


def test_skin_of_a_dressed_body_is_inside_what_cloth_lies_on():
    """A knob of flesh sticks out of the contact surface: on the trunk it yields, on the head it stays."""
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.2)
    skin = np.array(ball.vertices, np.float32)
    knob = skin[:, 2] > 0.18
    skin[knob] *= 1.1
    body = SimpleNamespace(
        vertices=skin, faces=np.array(ball.faces, np.int32), contact_vertices=np.array(ball.vertices, np.float32),
        contact_faces=np.array(ball.faces, np.int32), contact_segment=np.full(len(skin), 3, np.int32),
    )  # fmt: skip
    pressed = pressed_skin(body)
    assert np.linalg.norm(pressed[knob], axis=1).max() < 0.2005
    assert np.array_equal(pressed[~knob], skin[~knob])
    body.contact_segment = np.full(len(skin), 15, np.int32)
    assert np.array_equal(pressed_skin(body), skin)
