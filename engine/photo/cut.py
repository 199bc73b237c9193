"""The cut of a garment as it shows in a picture: where it is, how far its hem, sleeves and sides reach."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.core.types import Body, Camera, PhotoView
from engine.photo.hair import hair_mask
from engine.photo.light import face_colour, project, seen_points, skin_distance
from render.photo_light import photo_linear

__all__ = ["FEATURES", "Cut", "cut_of", "family_of", "garment_mask"]

#: Lengths in a picture [m at the body]; NaN where a garment has no such thing.
FEATURES = ("hem", "bust", "waist", "hip", "hem_width", "sleeve")
TRUNK, THIGHS = (3, 6, 9), (1, 2)  #: SMPL-X joints whose flesh tops and bottoms cover
ARMS = ((16, 18, 20), (17, 19, 21))  #: shoulder, elbow, wrist
NEAR = 1.6  #: of a pixel's colour to the garment's, in widths of its own spread
GRAB_ROUNDS = 4
HEM_BACK = 0.02  #: the hem's width is measured above it by this [m]
STEP = 0.004  #: along the arms [m]


@dataclass(frozen=True)
class Cut:
    """A garment's outline in figures, as ``FEATURES``."""

    figures: np.ndarray  #: [m], shape [len(FEATURES)]
    covers_chest: bool
    legs_apart: bool  #: the hem is in two parts


def garment_mask(body: Body, view: PhotoView, camera: Camera, *, bottoms: bool) -> np.ndarray:
    """Pixels of the photo that show the garment worn on the trunk, or below it; bool [H, W].

    Colour models of GrabCut (Rother et al. 2004) within the person, seeded where the garment must be.
    """
    seen = seen_points(body, camera, view)
    skin = face_colour(body, seen.points, seen.vertex, seen.colours)
    segment = np.argmax(body.skinning_weights[seen.vertex], axis=1)
    chosen = np.isin(segment, THIGHS if bottoms else TRUNK) & (skin_distance(seen.colours, skin) > 1)
    person = view.person > 127
    if chosen.sum() < 30:
        return np.zeros_like(person)
    logs = np.log(seen.colours[chosen] + 0.01)
    middle = np.median(logs, axis=0)
    spread = 1.4826 * np.median(np.abs(logs - middle), axis=0) + 0.12
    smooth = cv2.bilateralFilter(view.picture, 5, 18, 2.0)
    linear = photo_linear(smooth)
    away = np.sqrt((((np.log(linear + 0.01) - middle) / spread) ** 2).mean(-1))
    labels = np.where(away < NEAR, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[(skin_distance(linear, skin) < 0.7) & (away > 1)] = cv2.GC_BGD
    labels[hair_mask(body, view, camera) > 0.5] = cv2.GC_BGD
    labels[~person] = cv2.GC_BGD
    at = np.clip(project(camera, seen.points[chosen])[0].astype(int), 0, np.array(camera.size) - 1)
    seeds = np.zeros(person.shape, bool)
    seeds[at[:, 1], at[:, 0]] = True
    labels[seeds & (away < NEAR)] = cv2.GC_FGD
    if (labels == cv2.GC_FGD).any():
        cv2.setRNGSeed(0)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(smooth[..., ::-1].copy(), labels, None, *models, GRAB_ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)) & person
    found = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(found)
    large = [k for k in range(1, len(stats)) if stats[k, cv2.CC_STAT_AREA] > 0.02 * found.sum()]
    return cv2.morphologyEx(np.isin(parts, large).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0


def cut_of(mask: np.ndarray, body: Body, camera: Camera) -> Cut:
    """The figures of a garment's mask on a body that stands in the picture's pose."""
    joints, marks = np.asarray(body.joints, np.float64), body.landmarks
    pelvis, depth = project(camera, joints[:1])
    scale = float(camera.K[1, 1]) / float(depth[0])
    centre = float(pelvis[0, 0])
    up = {name: _row(camera, joints[0], float(marks[mark][1])) for name, mark in
          (("bust", "bust_front"), ("waist", "waist_front"), ("hip", "hip_front"))}  # fmt: skip
    wrist = max(np.abs(project(camera, joints[[20, 21]])[0][:, 0] - centre))
    trunk = mask.copy()
    if np.isfinite(wrist):
        trunk[:, : max(int(centre - 0.85 * wrist), 0)] = False
        trunk[:, int(centre + 0.85 * wrist) :] = False
    rows = np.nonzero(trunk.any(1))[0]
    figures = dict.fromkeys(FEATURES, np.nan)
    if not len(rows):
        return Cut(np.full(len(FEATURES), np.nan), False, False)
    columns = np.nonzero(trunk[up["hip"] - 2 if trunk[min(up["hip"], len(trunk) - 1)].any() else rows[-1]])[0]
    middle = [c for c in range(columns.min(), columns.max() + 1) if trunk[:, c].any()]
    low = np.array([np.nonzero(trunk[:, c])[0][-1] for c in middle]) + 1.0
    hem = float(np.percentile(low, 70))
    figures["hem"] = (hem - pelvis[0, 1]) / scale
    for name, row in up.items():
        figures[name] = _run(trunk, row, centre) / scale if rows[0] + 2 < row < hem - 2 else np.nan
    above = int(hem - HEM_BACK * scale)
    figures["hem_width"] = np.ptp(np.nonzero(trunk[above])[0]) / scale if trunk[above].any() else np.nan
    figures["sleeve"] = _sleeves(mask, joints, camera)
    chest = bool(trunk[up["bust"], int(centre) - 3 : int(centre) + 4].mean() > 0.5)
    apart = not trunk[above, int(centre) - 2 : int(centre) + 3].any() and not chest
    return Cut(np.array([figures[name] for name in FEATURES]), chest, apart)


def family_of(cut: Cut) -> str:
    """The library's garment whose cut this looks like most, by rules."""
    f = dict(zip(FEATURES, cut.figures, strict=True))
    if cut.covers_chest:
        if f["hem"] > 0.30:
            return "sheath"
        return "shirt" if f["sleeve"] > 0.40 else "tee"
    if cut.legs_apart:
        return "trousers"
    return "skirt_a_line" if f["hem_width"] > 1.15 * np.nan_to_num(f["hip"], nan=1.0) else "skirt_straight"


def _row(camera: Camera, pelvis: np.ndarray, height: float) -> int:
    """Row of the picture of a level of the body [m]."""
    point = np.array([[pelvis[0], height, pelvis[2] + 0.08]])
    return int(np.clip(project(camera, point)[0][0, 1], 0, camera.size[1] - 1))


def _run(mask: np.ndarray, row: int, centre: float) -> float:
    """Width of the covered stretch around the middle, means over three rows [px]."""
    out = []
    for y in (row - 1, row, row + 1):
        line = mask[np.clip(y, 0, len(mask) - 1)]
        empty = np.nonzero(~line)[0]
        left, right = empty[empty < centre], empty[empty > centre]
        if line[int(centre)]:
            out.append((right.min() if len(right) else len(line)) - (left.max() if len(left) else -1) - 1)
    return float(np.mean(out)) if out else float("nan")


def _sleeves(mask: np.ndarray, joints: np.ndarray, camera: Camera) -> float:
    """How far along the arms the garment reaches, mean of both arms [m]."""
    reach = []
    for arm in ARMS:
        line = np.concatenate([
            a + np.linspace(0, 1, max(int(np.linalg.norm(b - a) / STEP), 2))[:, None] * (b - a)
            for a, b in zip(joints[list(arm)], joints[list(arm[1:])], strict=False)
        ])  # fmt: skip
        at = np.clip(project(camera, line)[0].astype(int), 0, np.array(camera.size) - 1)
        covered = mask[at[:, 1], at[:, 0]]
        if covered[: len(covered) // 8].mean() >= 0.5:
            reach.append(STEP * int(np.nonzero(covered)[0][-1]))
    return float(np.mean(reach)) if reach else float("nan")
