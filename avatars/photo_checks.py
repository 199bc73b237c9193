"""Refuses photos from which a body cannot be measured, and says what to do instead."""

from __future__ import annotations

import numpy as np

from avatars.contours import Contour, edge_width
from avatars.mediapipe_landmarks import Detection, detect
from avatars.photos import Photo
from avatars.segment import person_height
from engine.core.errors import InputError

__all__ = ["find_person", "check_view", "check_sharpness"]

MIN_PERSON = 260.0  #: least height of the person in the working picture [px]
SECOND_PERSON = 0.45  #: another person this tall, relative to the first, is a second subject
EDGE_REACH = 0.02  #: of the search for the edge's width, in person heights
MAX_BLUR, MIN_BLUR = 0.009, 4.0  #: widest edge that can be measured, in person heights and [px]
_STAND = "stand upright, whole body in the picture, feet and head with some room around them"


def find_person(photo: Photo) -> Detection:
    """The one person of a photo.

    Raises:
        InputError: nobody, or more than one person of a similar size.
    """
    found = detect(photo.rgb)
    if found is None or np.median(found.visibility) < 0.35:
        raise InputError(
            "photo.no_person", f"{photo.path}: no person was found",
            "take it in good light, the whole body in the picture and filling most of its height",
        )
    other = detect(_without(photo.rgb, found))
    if other is not None and _is_second(found, other):
        raise InputError(
            "photo.two_people", f"{photo.path}: more than one person is in the picture",
            "take it with one person only, without mirrors",
        )
    return found


def _without(rgb: np.ndarray, found: Detection) -> np.ndarray:
    """The picture with the person painted over in the background's mean colour."""
    import cv2

    radius = max(int(0.03 * person_height(found)), 2)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    person = cv2.dilate((found.mask > 0.3).astype(np.uint8), disk) > 0
    out = rgb.copy()
    out[person] = rgb[~person].mean(0) if (~person).any() else 128
    return out


def _is_second(first: Detection, other: Detection) -> bool:
    if np.median(other.visibility) < 0.6 or person_height(other) < SECOND_PERSON * person_height(first):
        return False
    # not the same person found again through the paint
    inside = (other.mask > 0.5) & (first.mask > 0.3)
    fresh = 1.0 - inside.sum() / max((other.mask > 0.5).sum(), 1)
    return bool(fresh > 0.6 and (other.mask > 0.5).sum() > 0.15 * (first.mask > 0.5).sum())


def check_view(photo: Photo, found: Detection, view: str) -> None:
    """InputError unless the person stands upright, is whole, and is turned as ``view`` (front or side) says."""
    _check_frame(photo, found)
    _check_standing(photo, found)
    if person_height(found) < MIN_PERSON:
        raise InputError(
            "photo.person_too_small",
            f"{photo.path}: the person is only {person_height(found):.0f} pixels tall",
            "go closer or use the full-size photo, so that the body fills most of the picture's height",
        )
    _check_turn(photo, found, view)


def _check_frame(photo: Photo, found: Detection) -> None:
    width, height = photo.size
    unit = person_height(found)
    feet = [found.point(f"{p}_{s}")[1] for p in ("heel", "foot_index", "ankle") for s in "lr"]
    bottom = (found.mask[-2:] > 0.5).any()
    if max(feet) > height - 1 or (bottom and max(feet) > height - 0.02 * unit):
        raise InputError("photo.feet_cut_off", f"{photo.path}: the feet are not in the picture", _STAND)
    crown = min(found.point("eye_l")[1], found.point("eye_r")[1], found.point("nose")[1]) - 0.075 * unit
    if crown < 0 or ((found.mask[:2] > 0.5).any() and crown < 0.03 * unit):
        raise InputError("photo.head_cut_off", f"{photo.path}: the head is not whole in the picture", _STAND)
    trunk = [found.point(f"{p}_{s}")[0] for p in ("shoulder", "hip", "knee") for s in "lr"]
    if min(trunk) < 0.01 * unit or max(trunk) > width - 0.01 * unit:
        raise InputError("photo.body_cut_off", f"{photo.path}: the body is cut off at the side of the picture", _STAND)


def _check_standing(photo: Photo, found: Detection) -> None:
    hip, knee, ankle = (found.middle(n) for n in ("hip", "knee", "ankle"))
    shoulder = found.middle("shoulder")
    trunk, thigh, shin = shoulder - hip, knee - hip, ankle - knee
    upright = -trunk[1] / max(np.linalg.norm(trunk), 1e-6)
    # thighs of a standing person are as long as the shins in the picture; of a sitting one they are foreshortened
    # (from the front) or level (from the side)
    drop = thigh[1] / max(np.linalg.norm(shin), 1e-6)
    legs = (ankle[1] - hip[1]) / max(np.linalg.norm(trunk), 1e-6)
    bends = [_angle(found.world, a, b, c) for a, b, c in ((11, 23, 25), (12, 24, 26), (23, 25, 27), (24, 26, 28))]
    if upright < 0.90 or drop < 0.62 or legs < 1.05 or np.mean(sorted(bends)[:2]) < 125:
        raise InputError(
            "photo.not_standing", f"{photo.path}: the person does not stand upright (sitting, crouching or bent)",
            _STAND,
        )
    arms = min(found.point("wrist_l")[1], found.point("wrist_r")[1])
    if arms < shoulder[1]:
        raise InputError(
            "photo.arms_raised", f"{photo.path}: an arm is raised above the shoulder", "let both arms hang"
        )


def _angle(points: np.ndarray, a: int, b: int, c: int) -> float:
    u, v = points[a] - points[b], points[c] - points[b]
    return float(np.degrees(np.arccos(np.clip(u @ v / max(np.linalg.norm(u) * np.linalg.norm(v), 1e-9), -1, 1))))


def _check_turn(photo: Photo, found: Detection, view: str) -> None:
    trunk = np.linalg.norm(found.middle("shoulder") - found.middle("hip"))
    across = found.point("shoulder_l")[0] - found.point("shoulder_r")[0]
    hips = found.point("hip_l")[0] - found.point("hip_r")[0]
    breadth = (across + hips) / max(trunk, 1e-6)
    if view == "front":
        if breadth < -0.45:
            raise InputError(
                "photo.back_view", f"{photo.path}: shows the back", "turn to the camera for the front photo"
            )
        if breadth < 0.62:
            raise InputError(
                "photo.not_front", f"{photo.path}: the person is not turned to the camera",
                "face the camera squarely; check that front and side photo are not swapped",
            )
    elif abs(breadth) > 0.62:
        raise InputError(
            "photo.not_side", f"{photo.path}: the person is not seen from the side",
            "turn by 90 degrees; check that front and side photo are not swapped",
        )


def check_sharpness(photo: Photo, found: Detection, contour: Contour) -> None:
    """InputError if the outline is too blurred or too weak to be measured."""
    unit = person_height(found)
    width = edge_width(photo.rgb, contour, max(EDGE_REACH * unit, 4.0))
    if not np.isfinite(width):
        raise InputError(
            "photo.no_contrast", f"{photo.path}: the person does not stand out from the background",
            "use another background or clothes of another colour, and more light",
        )
    if width > max(MAX_BLUR * unit, MIN_BLUR):
        raise InputError(
            "photo.blurred", f"{photo.path}: the picture is blurred",
            "hold the phone still or lean it on something, in good light",
        )
