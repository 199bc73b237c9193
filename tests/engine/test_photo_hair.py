"""Hair is told from skin, from bald heads and from the person's own clothes."""

import cv2
import numpy as np
import pytest
from test_photo_stage import view_of

from avatars.open_body import load_open_body, make_body
from engine.core.mesh import vertex_normals
from engine.photo.hair import hair_mask
from engine.photo.light import project
from render.camera import look_at

SKIN, BROWN, BLACK, PINK, BLUE = (205, 160, 135), (96, 66, 48), (34, 31, 32), (190, 130, 165), (60, 70, 130)


@pytest.fixture(scope="module")
def body():
    model = load_open_body()
    return make_body(model, np.zeros(model.shapedirs.shape[-1]))


def painted(body, hair, top):
    """A front view in flat light with a bare midriff, and what each pixel shows: 1 hair, 2 top, 3 trousers, 0 skin."""
    size = (420, 560)
    camera = look_at(np.array([0.0, 1.0, 3.2]), np.array([0.0, 0.9, 0.0]), fov_y=0.6, size=size)
    vertices, eyes = np.asarray(body.vertices, float), body.joints[[23, 24]].mean(0)
    middle = vertices[body.faces].mean(1)
    part = np.argmax(body.skinning_weights, axis=1)[body.faces[:, 0]]
    head, trunk = np.isin(part, (15, 22, 23, 24)), np.isin(part, (0, 3, 6, 9, 13, 14))
    kind = np.zeros(len(body.faces), int)
    kind[head & (middle[:, 1] > eyes[1] + 0.03)] = 1
    kind[trunk & (middle[:, 1] > body.joints[6, 1])] = 2
    kind[(middle[:, 1] < body.joints[0, 1]) & ~np.isin(part, (*range(16, 22), *range(25, 55)))] = 3
    pixels, depth = project(camera, vertices)
    shade = 0.55 + 0.45 * np.clip(vertex_normals(vertices, body.faces)[body.faces].mean(1) @ (0.5, 0.5, 0.7), 0, 1)
    colours = np.array([SKIN, hair or SKIN, top, BLUE], float)
    picture = np.full((size[1], size[0], 3), (150, 165, 160), np.uint8)
    label = np.full(picture.shape[:2], -1, np.int16)
    for f in np.argsort(-depth[body.faces].mean(1)):
        corners = np.round(pixels[body.faces[f]]).astype(np.int32)
        cv2.fillConvexPoly(picture, corners, (colours[kind[f]] * shade[f]).tolist())
        cv2.fillConvexPoly(label, corners, int(kind[f]))
    noise = np.random.default_rng(0).normal(0, 3, picture.shape)
    picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return view_of(picture, camera, (label >= 0).astype(np.uint8)), camera, label


def test_hair_is_found_and_the_midriff_is_not(body):
    view, camera, label = painted(body, BROWN, PINK)
    mask = hair_mask(body, view, camera)
    assert mask[label == 1].mean() > 0.7
    assert mask[label == 0].mean() < 0.03 and mask[label == 2].mean() < 0.03


def test_a_black_top_is_no_black_hair(body):
    view, camera, label = painted(body, BLACK, BLACK)
    mask = hair_mask(body, view, camera)
    assert mask[label == 1].mean() > 0.7 and mask[label == 2].mean() < 0.03


def test_a_bald_head_has_no_hair(body):
    view, camera, _ = painted(body, None, PINK)
    assert hair_mask(body, view, camera).max() == 0
