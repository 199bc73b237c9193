"""The person's own photo, dressed: ``photo_tryon.png``.

The clothes are drawn in the photo's pose with its camera and light. What the fitted body has before them stays the
photo's: arms, hands, the chin; and hair that falls over them. Where they keep light from the skin, the photo darkens by
the ratio of the body's light with and without them (differential rendering: Debevec 1998). A network refines the light
on the clothes towards path tracing; nothing else of the picture is its.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.spatial import cKDTree

from engine.core.types import Body, Camera, ImageBuffers, PhotoView, SceneMesh
from engine.look import Look, scene
from engine.photo.hair import hair_mask
from engine.photo.light import project
from engine.photo.own_clothes import own_clothes_left
from render.photo_composite import Layer, composite, grain_of, snapped_to_edges, spread_colours
from render.photo_light import LightEstimate, PhotoStudio
from render.preview import Preview

if TYPE_CHECKING:
    from render.refine.network import Refiner

__all__ = ["Dressed", "dress_photo"]

LIMBS = (12, 15, 16, 17, 18, 19, 20, 21, *range(22, 55))  #: SMPL-X joints of neck, head, arms and hands
ABOUT = 48  #: what the network sees around the clothes [px]
MARGIN = 12  #: around what is drawn [px]
FINE = 3  #: samples of what is in front along each side of a pixel
AHEAD = 0.012  #: how much nearer than the cloth beside it a body must be to count as in front of it [m]
FAR = 1e3  #: no depth is that great [m]
THICK = 0.03  #: by which a limb's surface recedes within the band [m]
BAND = 7  #: width of the band in which an arm's outline may be moved to the photo's edge [px]
SOFTEN = 0.9  #: sigma of the contact shadows' blur, against the facets of baked light [px]


@dataclass(frozen=True)
class Dressed:
    """A photo with clothes put on."""

    picture: np.ndarray  #: sRGB uint8, shape [H, W, 3]
    alpha: np.ndarray  #: share of each pixel that the clothes cover, shape [H, W]
    warnings: tuple[str, ...]


def dress_photo(
    look: Look, view: PhotoView, camera: Camera, light: LightEstimate, *, quality: str = "standard",
    meshes: list[SceneMesh] | None = None, model: Refiner | None = None,
) -> Dressed:  # fmt: skip
    """Puts a look into the photo in whose pose it is.

    Args:
        camera: the photo's, in the look's world.
        quality: a name of ``render.preview.PREVIEW_QUALITY``.
        meshes: the look as it is to be drawn, the body first; by default in its own fabrics.
        model: refines the light on the clothes; without one it is as drawn.

    Raises:
        JobError: ``render.no_opengl`` where no OpenGL exists.
    """
    meshes = meshes or scene(look)
    studio = PhotoStudio.of(light, camera)
    x0, y0, x1, y1 = box = _box(meshes, camera)
    part = _cropped(camera, box)
    with Preview(meshes, quality=quality, backdrop="none", studio=studio) as preview:
        dressed = preview.view(part)
        fine = preview.view(part, size=tuple(FINE * n for n in part.size), supersample=1)
        colours = dressed.rgb if model is None else _refined(model, preview, part, studio, dressed)
    with Preview(meshes[:1], quality=quality, backdrop="none", studio=studio) as preview:
        bare = preview.view(part)
    hair = hair_mask(look.body, view, camera)[y0:y1, x0:x1]
    near = view.picture[y0:y1, x0:x1]
    alpha = _alpha(fine, near, look.body, part) * (1 - hair)
    pure = cv2.erode((_shrunk(fine.material_id > 0) > 0.999).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    layer = Layer(spread_colours(colours, pure), alpha, _contact_shadow(dressed, bare))
    picture, covered = view.picture.copy(), np.zeros(view.person.shape, np.float32)
    picture[y0:y1, x0:x1] = composite(near, layer, blur=view.edge_blur, grain=grain_of(view.picture))
    covered[y0:y1, x0:x1] = alpha
    return Dressed(picture, covered, own_clothes_left(look.body, view, camera, covered))


def _refined(
    model: Refiner, preview: Preview, camera: Camera, studio: PhotoStudio, dressed: ImageBuffers
) -> np.ndarray:
    """The view's colours with refined light about its clothes, linear, shape [H, W, 3]."""
    from render.refine.apply import refined
    from render.refine.features import view_features

    rows, columns = np.nonzero(dressed.material_id > 0)
    if not len(rows):
        return dressed.rgb
    y0, x0 = max(rows.min() - ABOUT, 0), max(columns.min() - ABOUT, 0)
    box = (x0, y0, min(columns.max() + ABOUT, camera.size[0]), min(rows.max() + ABOUT, camera.size[1]))
    features = view_features(preview, _cropped(camera, box), studio=studio)
    colours = dressed.rgb.copy()
    inside = colours[y0 : box[3], x0 : box[2]]
    drawn = features.alpha > 0
    inside[drawn] = refined(model, features)[drawn] / np.maximum(features.alpha[drawn], 1e-4)[:, None]
    return colours


def _box(meshes: list[SceneMesh], camera: Camera) -> tuple[int, int, int, int]:
    """Part of the picture that the meshes take up, with a margin: x0, y0, x1, y1 [px]."""
    pixels = np.concatenate([project(camera, mesh.vertices)[0] for mesh in meshes])
    low = np.clip(np.floor(pixels.min(0)) - MARGIN, 0, np.array(camera.size) - 2)
    high = np.clip(np.ceil(pixels.max(0)) + MARGIN, low + 2, camera.size)
    return tuple(int(n) for n in (*low, *high))


def _cropped(camera: Camera, box: tuple[int, int, int, int]) -> Camera:
    """The camera of a part of the picture."""
    k = np.array(camera.K)
    k[:2, 2] -= box[:2]
    return replace(camera, K=k, size=(box[2] - box[0], box[3] - box[1]))


def _shrunk(fine: np.ndarray) -> np.ndarray:
    """Means over the samples of each pixel, float32 [H, W]."""
    height, width = fine.shape[0] // FINE, fine.shape[1] // FINE
    return fine.astype(np.float32).reshape(height, FINE, width, FINE).mean((1, 3))


def _alpha(fine: ImageBuffers, photo: np.ndarray, body: Body, camera: Camera) -> np.ndarray:
    """Share of each pixel in which cloth is in front; where a limb passes before it, up to the photo's own edge."""
    cloth = _shrunk(fine.material_id > 0)
    ahead = _ahead(fine, body, camera)
    if not ahead.any():
        return cloth
    limb = _shrunk(ahead)
    solid = limb > 0.5
    crossed = cv2.dilate(solid.astype(np.uint8), _disk(2)) & cv2.dilate((cloth > 0.5).astype(np.uint8), _disk(2))
    # an edge of cloth before the limb is no edge in the photo, where the limb goes on
    before = cv2.dilate((_shrunk(_before(fine, ahead)) > 0).astype(np.uint8), _disk(BAND))
    near = cv2.dilate(crossed, _disk(BAND)) * (1 - before)
    band = cv2.GaussianBlur(near.astype(np.float32), (0, 0), 1.5)
    # what lies beneath the limb, should it end earlier in the photo than the fitted one
    beneath = spread_colours(cloth[..., None], cv2.dilate((limb > 0).astype(np.uint8), _disk(1)) == 0)[..., 0]
    beneath = np.where(limb > 0, beneath, cloth)
    return np.clip(band * beneath * (1 - snapped_to_edges(limb, photo)) + (1 - band) * cloth, 0, 1)


def _ahead(fine: ImageBuffers, body: Body, camera: Camera) -> np.ndarray:
    """Samples of arms, hands, head and neck that pass before cloth, bool, shape of the fine picture."""
    skin = fine.material_id == 0
    depth = np.where(np.isfinite(fine.depth), fine.depth, 0).astype(np.float32)
    cloth = cv2.dilate(np.where(fine.material_id > 0, depth, 0), _disk(2 * FINE))
    y, x = np.nonzero(skin & (cloth > depth + AHEAD))
    if not len(x):
        return np.zeros_like(skin)
    rays = np.column_stack([(x + 0.5) / FINE, (y + 0.5) / FINE, np.ones(len(x))]) @ np.linalg.inv(camera.K).T
    pose = np.asarray(camera.world_to_camera, np.float64)
    points = (rays * depth[y, x][:, None] - pose[:3, 3]) @ pose[:3, :3]
    limb = np.isin(np.argmax(body.skinning_weights, axis=1)[cKDTree(body.vertices).query(points)[1]], LIMBS)
    rim = np.full(depth.shape, FAR, np.float32)
    rim[y[limb], x[limb]] = depth[y[limb], x[limb]]
    # the limb goes on from its rim, about as near to the camera
    nearest = cv2.erode(rim, _disk(2 * BAND * FINE))
    return skin & (depth < nearest + THICK) & (nearest < FAR)


def _before(fine: ImageBuffers, limb: np.ndarray) -> np.ndarray:
    """Samples of cloth that pass before the limb next to them, bool, shape of the fine picture."""
    depth = np.where(np.isfinite(fine.depth), fine.depth, 0).astype(np.float32)
    behind = cv2.dilate(np.where(limb, depth, 0), _disk(2 * FINE))
    return (fine.material_id > 0) & (behind > depth)


def _contact_shadow(dressed: ImageBuffers, bare: ImageBuffers) -> np.ndarray:
    """Light on the body with its clothes over that without, 1 elsewhere, shape [H, W, 3]."""
    skin = (dressed.material_id == 0) & (bare.material_id == 0)
    ratio = np.ones_like(dressed.rgb)
    ratio[skin] = np.clip(dressed.rgb[skin] / np.maximum(bare.rgb[skin], 1e-3), 0, 1)
    # a share of the pixel's neighbours that are skin, so that blurring pulls no light in from beyond the outline
    weight = cv2.GaussianBlur(skin.astype(np.float32), (0, 0), SOFTEN)[..., None]
    soft = cv2.GaussianBlur(ratio * skin[..., None], (0, 0), SOFTEN) / np.maximum(weight, 1e-3)
    grown = weight > 0.02
    return np.where(grown, soft, 1.0).astype(np.float32)


def _disk(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
