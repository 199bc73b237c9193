"""Cuts the person out of a photo: MediaPipe's coarse mask and skeleton seed GrabCut (Rother et al. 2004).

MediaPipe's own mask is a 256 x 256 network output that fills armpits and the gap between the legs; here only
the skeleton is certain body, only what is far away is certain background, and colour decides the rest.
"""

from __future__ import annotations

import cv2
import numpy as np

from avatars.mediapipe_landmarks import Detection

__all__ = ["person_height", "person_box", "cut_out", "cut_out_along", "skeleton_mask"]

CUT_HEIGHT = 640.0  #: GrabCut works on a picture in which the person is this tall [px]
LIMB_FLESH = 0.022  #: flesh around the skeleton's capsules at the least, fraction of the person's height
MASK_ERROR = 0.008  #: how far outside MediaPipe's mask the body may reach, same unit
MASK_DOUBT = 0.15  #: values of MediaPipe's mask above this leave the matter to the colours
MASK_DEPTH = 0.016  #: how far inside MediaPipe's mask background may reach, same unit
BAND_HEIGHT = 900.0  #: the same for the second cut along a fitted silhouette [px]
BAND_INSIDE, BAND_OUTSIDE = 0.012, 0.014  #: half-widths of the undecided band, fractions of the person's height
BAND_WINDOW = 0.16  #: height of a window with colours of its own, fraction of the person's height
BAND_WINDOW_PAD = 0.06  #: background seen around the body, same unit
_LIMBS = (  #: (from, to, half-width at both ends as a fraction of the person's height)
    ("shoulder_l", "elbow_l", 0.010, 0.010), ("shoulder_r", "elbow_r", 0.010, 0.010),
    ("elbow_l", "wrist_l", 0.008, 0.006), ("elbow_r", "wrist_r", 0.008, 0.006),
    ("hip_l", "knee_l", 0.018, 0.014), ("hip_r", "knee_r", 0.018, 0.014),
    ("knee_l", "ankle_l", 0.012, 0.008), ("knee_r", "ankle_r", 0.012, 0.008),
)


def person_height(found: Detection) -> float:
    """Rough height of the person in the picture [px]: nose to ankles, and what is above and below."""
    ankles = 0.5 * (found.point("ankle_l") + found.point("ankle_r"))
    return float(np.linalg.norm(found.point("nose") - ankles)) / 0.87


def person_box(found: Detection, size: tuple[int, int], *, margin: float = 0.08) -> tuple[int, int, int, int]:
    """Box (x0, y0, x1, y1) [px] around mask and landmarks with a margin in person heights."""
    width, height = size
    pad = margin * person_height(found)
    low, high = found.points.min(0) - pad, found.points.max(0) + pad
    low[1] -= 0.06 * person_height(found)  # the crown is above every landmark
    ys, xs = np.nonzero(found.mask > 0.5)
    if len(xs):
        low = np.minimum(low, [xs.min() - 0.5 * pad, ys.min() - 0.5 * pad])
        high = np.maximum(high, [xs.max() + 0.5 * pad, ys.max() + 0.5 * pad])
    x0, y0 = np.clip(np.floor(low), 0, [width - 1, height - 1]).astype(int)
    x1, y1 = np.clip(np.ceil(high), [x0 + 1, y0 + 1], [width, height]).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def skeleton_mask(found: Detection, shape: tuple[int, int], *, scale: float = 1.0, origin=(0.0, 0.0)) -> np.ndarray:
    """Pixels that are body for certain: thin capsules along the limbs, the middle of trunk and head.

    Args:
        scale, origin: picture coordinate = (landmark - origin) * scale.
        shape: (rows, columns) of the result.
    """
    out = np.zeros(shape, np.uint8)
    unit = person_height(found) * scale

    def at(p: np.ndarray) -> np.ndarray:
        return (p - np.asarray(origin)) * scale

    def capsule(a: np.ndarray, b: np.ndarray, ra: float, rb: float) -> None:
        for t in np.linspace(0, 1, 24):
            x, y = a + t * (b - a)
            cv2.circle(out, (round(float(x)), round(float(y))), max(int((ra + t * (rb - ra)) * unit), 1), 255, -1)

    for a, b, ra, rb in _LIMBS:
        if min(found.seen(a), found.seen(b)) > 0.5:
            capsule(at(found.point(a)), at(found.point(b)), ra, rb)
    shoulder, hip = at(found.middle("shoulder")), at(found.middle("hip"))
    half_s = 0.5 * np.abs(at(found.point("shoulder_l")) - at(found.point("shoulder_r")))[0]
    half_h = 0.5 * np.abs(at(found.point("hip_l")) - at(found.point("hip_r")))[0]
    # a trunk is at least as wide as this even when seen from the side
    half_s, half_h = max(0.55 * half_s, 0.022 * unit), max(0.75 * half_h, 0.022 * unit)
    top = shoulder + 0.06 * (hip - shoulder)
    trunk = np.array([top - [half_s, 0], top + [half_s, 0], hip + [half_h, 0], hip - [half_h, 0]])
    cv2.fillConvexPoly(out, trunk.round().astype(int), 255)
    ears, nose = at(found.middle("ear")), at(found.point("nose"))
    face = 0.5 * (ears + nose)
    capsule(face, shoulder + 0.25 * (face - shoulder), 0.028, 0.016)
    return out > 0


def cut_out(rgb: np.ndarray, found: Detection, *, seed: int = 0) -> np.ndarray:
    """Mask of the person at the photo's size, values 0..1 (soft only from resampling), shape [H, W].

    Args:
        rgb: sRGB uint8, shape [H, W, 3].
    """
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = person_box(found, (width, height))
    scale = min(CUT_HEIGHT / person_height(found), 1.0)
    columns, rows = max(round((x1 - x0) * scale), 8), max(round((y1 - y0) * scale), 8)
    small = cv2.resize(rgb[y0:y1, x0:x1], (columns, rows), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(found.mask[y0:y1, x0:x1], (columns, rows), interpolation=cv2.INTER_AREA)
    unit = person_height(found) * scale
    skeleton = skeleton_mask(found, (rows, columns), scale=scale, origin=(x0, y0))
    labels = _trimap(coarse, skeleton, _gaps(found, skeleton, unit, scale=scale, origin=(x0, y0)), unit)
    cv2.setRNGSeed(seed)
    smooth = cv2.bilateralFilter(small, 5, 18, 2.0)  # sensor noise would widen the colour models
    cv2.grabCut(smooth[..., ::-1].copy(), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    inside = _tidy(inside, skeleton, unit)
    out = np.zeros((height, width), np.float32)
    out[y0:y1, x0:x1] = cv2.resize(inside.astype(np.float32), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return out


def cut_out_along(
    rgb: np.ndarray, silhouette: np.ndarray, found: Detection, *, band: float = 1.0, seed: int = 0
) -> np.ndarray:
    """Cuts the person out again, now that a fitted body says roughly where the outline is.

    Only a narrow band along the fitted silhouette is undecided, and colours are learnt in windows along the body, so
    that a colourful shelf behind the legs says nothing about the shoulders.

    Args:
        silhouette: mask of the fitted body, 0/1, shape [H, W].
        band: factor on the width of the band.

    Returns:
        Mask as :func:`cut_out` returns it, shape [H, W].
    """
    height, width = rgb.shape[:2]
    ys, xs = np.nonzero(silhouette)
    tall = float(ys.max() - ys.min() + 1)
    pad = round(BAND_WINDOW_PAD * tall)
    x0, x1 = max(xs.min() - pad, 0), min(xs.max() + pad, width)
    y0, y1 = max(ys.min() - pad, 0), min(ys.max() + pad, height)
    scale = min(BAND_HEIGHT / tall, 1.0)
    size = (max(round((x1 - x0) * scale), 8), max(round((y1 - y0) * scale), 8))
    small = cv2.resize(rgb[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    body = (cv2.resize(silhouette[y0:y1, x0:x1].astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5)
    labels = _band_labels(body.astype(np.uint8), tall * scale, band)
    coarse = cv2.resize(found.mask[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    skeleton = skeleton_mask(found, labels.shape, scale=scale, origin=(x0, y0))
    gaps, _ = _gaps(found, skeleton, tall * scale, scale=scale, origin=(x0, y0))
    labels[_depth(coarse, gaps, tall * scale)] = cv2.GC_FGD
    labels[~_reach(coarse, skeleton, tall * scale)] = cv2.GC_BGD
    smooth = cv2.bilateralFilter(small, 5, 14, 1.5)[..., ::-1].copy()
    votes, weight = np.zeros(labels.shape, np.float32), np.full(labels.shape, 1e-6, np.float32)
    window = round(BAND_WINDOW * tall * scale)
    for top in range(0, max(labels.shape[0] - window // 2, 1), window // 2):
        rows = slice(top, min(top + window, labels.shape[0]))
        inside = _grab(smooth[rows], labels[rows], pad=round(pad * scale), seed=seed)
        hat = 1.0 - np.abs(np.linspace(-0.98, 0.98, inside.shape[0], dtype=np.float32))[:, None]
        votes[rows] += hat * inside
        weight[rows] += hat
    kept = _tidy(votes / weight > 0.5, labels == cv2.GC_FGD, tall * scale)
    out = np.zeros((height, width), np.float32)
    out[y0:y1, x0:x1] = cv2.resize(kept.astype(np.float32), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return out


def _band_labels(body: np.ndarray, tall: float, band: float) -> np.ndarray:
    """GrabCut's labels: undecided within a band along the outline of ``body`` (0/1), decided elsewhere."""
    inner = cv2.erode(body, _disk(band * BAND_INSIDE * tall))
    outer = cv2.dilate(body, _disk(band * BAND_OUTSIDE * tall))
    # limbs thinner than the band would vanish: keep their middle line
    depth = cv2.distanceTransform(body, cv2.DIST_L2, 5)
    ridge = (depth > 0.004 * tall) & (depth >= cv2.dilate(depth, _disk(0.006 * tall)) - 0.5)
    labels = np.where(body > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[outer == 0] = cv2.GC_BGD
    labels[(inner > 0) | (ridge & (body > 0))] = cv2.GC_FGD
    return labels


def _grab(bgr: np.ndarray, labels: np.ndarray, *, pad: int, seed: int) -> np.ndarray:
    """GrabCut in one window, cropped to the columns of the body; 0/1 float32, shape of ``labels``."""
    out = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    columns = np.nonzero((labels != cv2.GC_BGD).any(0))[0]
    if len(columns) == 0 or not (labels == cv2.GC_FGD).any() or not (labels == cv2.GC_BGD).any():
        return out
    part = slice(max(columns[0] - pad // 2, 0), min(columns[-1] + pad // 2, labels.shape[1]))
    local = labels[:, part].copy()
    if not (local == cv2.GC_BGD).any():
        return out
    cv2.setRNGSeed(seed)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(bgr[:, part]), local, None, *models, 3, cv2.GC_INIT_WITH_MASK)
    out[:, part] = np.isin(local, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return out


def _disk(radius: float) -> np.ndarray:
    r = max(round(radius), 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))


def _reach(coarse: np.ndarray, skeleton: np.ndarray, unit: float) -> np.ndarray:
    """Where body is possible at all: near MediaPipe's mask, whose outline is right to a centimetre or two where it
    has not filled a gap or doubts, and near the skeleton, where it may have missed a limb."""
    person = cv2.dilate((coarse > 0.5).astype(np.uint8), _disk(MASK_ERROR * unit))
    limbs = cv2.dilate(skeleton.astype(np.uint8), _disk(LIMB_FLESH * unit))
    return (person | limbs | (coarse > MASK_DOUBT).astype(np.uint8)) > 0


def _depth(coarse: np.ndarray, gaps: np.ndarray, unit: float) -> np.ndarray:
    """Where body is certain: inside MediaPipe's mask by more than its error, but not where it may have filled a gap."""
    person = (coarse > 0.5).astype(np.uint8)
    return (cv2.erode(person, _disk(MASK_DEPTH * unit), borderValue=1) > 0) & ~gaps


def _gaps(
    found: Detection, skeleton: np.ndarray, unit: float, *, scale: float, origin
) -> tuple[np.ndarray, np.ndarray]:
    """Where background may show through between arms and trunk and between the legs, which MediaPipe fills.

    From the side there are none: what lies between an arm and the hip there is mostly trunk.

    Returns:
        Where it is possible, and, clear of the limbs' flesh, where it is likely.
    """
    out = np.zeros(skeleton.shape, np.uint8)
    across = abs(found.point("shoulder_l")[0] - found.point("shoulder_r")[0])
    if across < 0.4 * np.linalg.norm(found.middle("shoulder") - found.middle("hip")):
        return out > 0, out > 0

    def fill(*names: str) -> None:
        corners = [(found.point(n) - np.asarray(origin)) * scale for n in names]
        cv2.fillPoly(out, [np.array(corners).round().astype(np.int32)], 1)

    for s in "lr":
        fill(f"shoulder_{s}", f"elbow_{s}", f"wrist_{s}", f"hip_{s}")
    fill("hip_l", "knee_l", "ankle_l", "ankle_r", "knee_r", "hip_r")
    near = cv2.dilate(skeleton.astype(np.uint8), _disk(LIMB_FLESH * unit))
    return (out > 0) & ~skeleton, (out > 0) & (near == 0)


def _trimap(
    coarse: np.ndarray, skeleton: np.ndarray, gaps: tuple[np.ndarray, np.ndarray], unit: float
) -> np.ndarray:
    """GrabCut's four labels. ``unit`` is the person's height in pixels of this picture."""
    possible, likely = gaps
    person = (coarse > 0.5).astype(np.uint8)
    far = ~_reach(coarse, skeleton, unit)
    deep = _depth(coarse, possible, unit)
    labels = np.where(person > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[likely] = cv2.GC_PR_BGD
    labels[far] = cv2.GC_BGD
    labels[skeleton | deep] = cv2.GC_FGD
    return labels


def _tidy(inside: np.ndarray, skeleton: np.ndarray, unit: float) -> np.ndarray:
    """Keeps what hangs together with the skeleton, fills pinholes, drops hairs of one or two pixels."""
    mask = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, _disk(0.0025 * unit))
    mask = np.maximum(mask, skeleton.astype(np.uint8))
    _, parts = cv2.connectedComponents(mask)
    kept = np.isin(parts, np.unique(parts[skeleton & (mask > 0)])) & (mask > 0)
    _, holes, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8))
    small = np.nonzero(stats[:, cv2.CC_STAT_AREA] < (0.02 * unit) ** 2)[0]
    return kept | np.isin(holes, small[small > 0])
