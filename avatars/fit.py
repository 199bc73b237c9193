"""From one or two phone photos and a height to a measured body.

One shape for all photos and one pose for each; see ``fit_solver`` for the method and ``segment``, ``contours`` for
where its evidence comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from avatars.body_model import JOINT_NAMES, BodyModel
from avatars.camera_guess import first_view
from avatars.contours import Contour, refine, trace
from avatars.fit_model import BodyArrays, View
from avatars.fit_overlay import write_overlays
from avatars.fit_silhouette import render_mask
from avatars.fit_solver import Observation, Problem, Settings, ShapeKnowledge, Solution
from avatars.landmarks33 import load_regressor
from avatars.measure_topology import topology_of
from avatars.mediapipe_landmarks import Detection
from avatars.open_body import load_open_body, make_body, prior
from avatars.photo_checks import check_sharpness, check_view, find_person
from avatars.photos import Photo, read_photo
from avatars.segment import cut_out, cut_out_along
from engine.core.errors import InputError
from engine.core.types import Body, PhotoView

__all__ = ["FitResult", "SeenPhoto", "body_arrays", "contour_weight", "fit_photos", "look_at_photo", "photo_view",
           "write_overlays"]  # fmt: skip

SPACING = 2.0  #: of contour points [px]
FACE_MARKS = 11  #: the first landmarks are those of the face
HEIGHT_STD = 0.005  #: of a typed height [m]
MASS_LOG_STD = 0.05  #: scales and clothes (2 %), the air and fat in bodies, whose density is 985 to 1035 kg/m3
PRIOR_WIDENING = 2.5  #: the population's spread is widened so: outlines say more of a body than its kind does
# From one side only the population says how deep a body is that is so wide. Its regression holds for breadths, not for
# the fine course of the outline, which no body follows to the millimetre: trusted as between two photos, that detail
# alone bends the depths of bodies outside the shape space by many centimetres.
LONE_WIDENING = 2.0  #: in place of PRIOR_WIDENING
LONE_CONTOUR_STD = 0.010  #: in place of Settings.contour_std [m]
HEAD_WIDENING = 1.5  #: the same for the place of eyes and neck below the crown
BANDS = (1.5, 1.0)  #: widths of the searches along the fitted outline, one after the other
FLOOR = 0.10  #: least standard error of the shape, in standard deviations of the population
#: Measures of bodies outside the shape space that miss by more than the fit can know: what is left of their errors when
#: the standard errors are taken away, on twenty people of another population (benchmarks/avatars/photo_fit.py) [m].
UNSEEN_STD = {
    "underbust_girth": 0.048, "thigh_girth": 0.013, "calf_girth": 0.007, "upper_arm_girth": 0.011, "neck_girth": 0.020,
    "back_shoulder_width": 0.026, "arm_length": 0.028,
}  # fmt: skip
MIN_HEIGHT, MAX_HEIGHT = 1.20, 2.30  #: of adults [m]
MIN_WEIGHT, MAX_WEIGHT = 30.0, 300.0  #: [kg]
QUARTILES = 1.349  #: from the lower to the upper quartile of a Gaussian [standard deviations]
USUAL_BLUR = 0.7  #: of a phone's picture [px]
SEXES = ("female", "male", "neutral")

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class FitResult:
    """A body from photos."""

    body: Body  #: in the draping pose; measurements carry standard errors
    betas_covariance: np.ndarray  #: shape [n_betas, n_betas]
    views: tuple[PhotoView, ...]
    converged: bool
    iterations: int
    warnings: tuple[str, ...] = field(default_factory=tuple)


def fit_photos(
    front: str | Path | None,
    side: str | Path | None,
    *,
    height: float,
    weight: float | None = None,
    sex: str = "neutral",
    model: BodyModel | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> FitResult:
    """Fits the body model to a front photo, a side photo or both.

    Args:
        front, side: photos; one of them may be None, the error bars are wider then.
        height: stature [m].
        weight: body mass [kg], if known.
        sex: female, male or neutral: which prior the shape has.
        model: the open body if None.
        seed: of GrabCut's colour clusters.
        progress: is called with (fraction done, what is being done).

    Raises:
        InputError: a number out of range, or a photo from which no body can be measured.
    """
    report = progress or (lambda fraction, text: None)
    _check_numbers(front, side, height, weight, sex)
    model = model or load_open_body()
    given = [(name, path) for name, path in (("front", front), ("side", side)) if path is not None]
    seen = []
    for i, (name, path) in enumerate(given):
        report(0.25 * i / len(given), f"looking at the {name} photo")
        seen.append(look_at_photo(name, path, height, seed))
    body = body_arrays(model)
    knowledge = _knowledge(model, sex, height, weight, photos=len(seen))
    problem = Problem(
        body, [s.view for s in seen], [s.observation for s in seen], knowledge, load_regressor().matrix,
        contour_weight(body), _settings(len(seen)),
    )  # fmt: skip
    first = problem.solve(progress=lambda f, text: report(0.25 + 0.3 * f, text))
    solution = first
    for number, band in enumerate(BANDS):
        for i, s in enumerate(seen):
            seen[i] = _look_again(s, problem, solution.betas, i, band, seed)
            problem.observations[i] = seen[i].observation
        start, share = 0.55 + 0.3 * number / len(BANDS), 0.3 / len(BANDS)
        solution = problem.refine(solution.betas, progress=lambda f, text, a=start, b=share: report(a + b * f, text))
    report(0.88, "measuring the body")
    covariance = _with_floor(model, sex, solution.covariance)
    result = FitResult(
        body=_with_unseen(make_body(model, solution.betas, sex=sex, betas_covariance=covariance)),
        betas_covariance=covariance.astype(np.float32),
        views=tuple(photo_view(problem, solution, i, s) for i, s in enumerate(seen)),
        converged=solution.converged,
        iterations=solution.iterations,
        warnings=_warnings(solution, seen),
    )
    report(1.0, "body fitted")
    return result


def _check_numbers(front, side, height: float, weight: float | None, sex: str) -> None:
    if front is None and side is None:
        raise InputError("photo.none", "no photo was given", "give --front, --side or both")
    if not (np.isfinite(height) and MIN_HEIGHT <= height <= MAX_HEIGHT):
        raise InputError(
            "fit.height",
            f"a height of {100 * height:.0f} cm is outside {100 * MIN_HEIGHT:.0f} to {100 * MAX_HEIGHT:.0f} cm",
            "give the height in centimetres, without shoes",
        )
    if weight is not None and not (np.isfinite(weight) and MIN_WEIGHT <= weight <= MAX_WEIGHT):
        raise InputError(
            "fit.weight", f"a weight of {weight:g} kg is outside {MIN_WEIGHT:.0f} to {MAX_WEIGHT:.0f} kg",
            "give the weight in kilograms, or leave it out",
        )
    if sex not in SEXES:
        raise InputError("fit.sex", f"sex '{sex}' is not known", f"use one of {', '.join(SEXES)}")


# ---------------------------------------------------------------- evidence


@dataclass(frozen=True)
class SeenPhoto:
    """What was found in one photo."""

    photo: Photo
    found: Detection
    mask: np.ndarray  #: of the person with hair, 0..1, shape [H, W]
    contour: Contour
    view: View
    observation: Observation


def look_at_photo(name: str, path: str | Path, height: float, seed: int) -> SeenPhoto:
    """A photo's evidence, gathered before any body is fitted; InputError where it shows none."""
    photo = read_photo(path)
    found = find_person(photo)
    check_view(photo, found, name)
    mask = cut_out(photo.rgb, found, seed=seed)
    contour = refine(photo.rgb, trace(mask, spacing=SPACING))
    check_sharpness(photo, found, contour)
    contour = _inside_frame(contour, photo.size)
    std = load_regressor().std[0 if name == "front" else 1] / np.clip(found.visibility, 0.2, 1.0)
    std = np.where(found.visibility < 0.2, np.inf, std)
    std[: FACE_MARKS] *= np.sqrt(FACE_MARKS)  # they err together: all of the face counts as one landmark
    view = first_view(name, photo, found, height)
    return SeenPhoto(photo, found, mask, contour, view, Observation(contour, found.points, std, SPACING))


def _look_again(seen: SeenPhoto, problem: Problem, betas: np.ndarray, i: int, band: float, seed: int) -> SeenPhoto:
    """The outline anew, searched for near that of the body fitted so far."""
    silhouette = render_mask(problem.pixels(betas, i), problem.body.faces, seen.photo.size)
    mask = cut_out_along(seen.photo.rgb, silhouette, seen.found, band=band, seed=seed)
    contour = _inside_frame(refine(seen.photo.rgb, trace(mask, spacing=SPACING)), seen.photo.size)
    return replace(seen, contour=contour, observation=replace(seen.observation, contour=contour))


def _inside_frame(contour: Contour, size: tuple[int, int], border: float = 3.0) -> Contour:
    """Leaves out what is not an outline of the body but the edge of the picture."""
    p = contour.points
    return contour.pick((p > border).all(1) & (p < np.asarray(size) - border).all(1))


# ---------------------------------------------------------------- model and prior


def body_arrays(model: BodyModel) -> BodyArrays:
    """The model as the fit moves it."""
    return BodyArrays(
        model.v_template, model.shapedirs, model.joint_regressor, model.weights, model.faces,
        hand_pose=model.hands_mean.reshape(30, 3), pose_directions=model.posedirs,
    )  # fmt: skip


def contour_weight(body: BodyArrays) -> np.ndarray:
    """How far the outline near each vertex can be trusted: hair, hands and feet differ from the model's."""
    weight = np.ones(len(body.segment))
    weight[body.segment >= 20] = 0.0  # hands, jaw, eyes
    # hair hides the skull, so of the head only face and chin count: below the eyes, before the ears
    eyes = body.joints[23:25].mean(0)
    face = (body.template[:, 1] < eyes[1] - 0.02) & (body.template[:, 2] > body.joints[15, 2] + 0.02)
    weight[np.isin(body.segment, (15, 22))] = 0.0
    weight[np.isin(body.segment, (15, 22)) & face] = 0.2
    weight[body.segment == 12] = 0.3  # neck
    weight[np.isin(body.segment, (7, 8, 10, 11))] = 0.3  # feet: shoes, shadows, toes
    return weight


def _settings(photos: int) -> Settings:
    return Settings(contour_std=LONE_CONTOUR_STD) if photos == 1 else Settings()


def _knowledge(model: BodyModel, sex: str, height: float, weight: float | None, *, photos: int) -> ShapeKnowledge:
    mean, covariance = prior(model, sex)
    tall = _stature(model)

    def stature(betas: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = tall(betas)
        return (value - height) / HEIGHT_STD, slope / HEIGHT_STD

    scalars: list = [stature, *_head_scalars(model, mean, covariance, height)]
    if weight is not None:
        mass = _mass(model)

        def body_mass(betas: np.ndarray) -> tuple[float, np.ndarray]:
            value, slope = mass(betas)
            return float(np.log(value / weight)) / MASS_LOG_STD, slope / value / MASS_LOG_STD

        scalars.append(body_mass)
    widening = np.where(_lopsided(model), 1.0, LONE_WIDENING if photos == 1 else PRIOR_WIDENING)
    spread = covariance * np.outer(widening, widening) + 1e-6 * np.eye(len(mean))
    return ShapeKnowledge(mean, np.linalg.inv(spread), tuple(scalars))


def _head_scalars(model: BodyModel, mean: np.ndarray, covariance: np.ndarray, height: float) -> list:
    """Hair hides the top of the head, which the stature goes to: eyes and neck lie below it as in other people of
    this height (the prior, widened less)."""
    tall, by_stature = _stature(model)(mean)
    crown = topology_of(model).landmarks["head_top"]
    up, up_by_beta = (a[:, 1].astype(np.float64) for a in (model.v_template, model.shapedirs))
    scalars = []
    for joints in ((JOINT_NAMES.index("left_eye"), JOINT_NAMES.index("right_eye")), (JOINT_NAMES.index("neck"),)):
        weights = model.joint_regressor[list(joints)].mean(0).astype(np.float64)
        slope = up_by_beta[crown].mean(0) - weights @ up_by_beta
        start = up[crown].mean() - weights @ up
        share = (slope @ covariance @ by_stature) / (by_stature @ covariance @ by_stature)
        expected = start + slope @ mean + share * (height - tall)
        std = HEAD_WIDENING * np.sqrt(slope @ covariance @ slope - share * (slope @ covariance @ by_stature))

        def head(betas: np.ndarray, a=start - expected, b=slope, c=std) -> tuple[float, np.ndarray]:
            return float(a + b @ betas) / c, b / c

        scalars.append(head)
    return scalars


def _lopsided(model: BodyModel) -> np.ndarray:
    """Which betas make left and right differ, boolean, shape [K]."""
    flip = np.array([-1.0, 1.0, 1.0])
    some = np.arange(0, len(model.v_template), 5)
    _, twin = cKDTree(model.v_template).query(model.v_template[some] * flip)
    here, there = model.shapedirs[some], model.shapedirs[twin] * flip[:, None]
    return np.linalg.norm(here - there, axis=(0, 1)) > np.linalg.norm(here + there, axis=(0, 1))


def _stature(model: BodyModel) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Stature [m] and its gradient by the betas: crown to the lowest point of the soles."""
    marks = topology_of(model).landmarks
    up, up_by_beta = (a[:, 1].astype(np.float64) for a in (model.v_template, model.shapedirs))
    crown, crown_by_beta = up[marks["head_top"]].mean(), up_by_beta[marks["head_top"]].mean(0)
    soles = marks["soles"]

    def stature(betas: np.ndarray) -> tuple[float, np.ndarray]:
        heights = up[soles] + up_by_beta[soles] @ betas
        # the mean of the lowest few does not jump from one vertex to another between steps
        low = soles[np.argsort(heights)[:6]]
        value = crown + crown_by_beta @ betas - heights.min()
        return float(value), crown_by_beta - up_by_beta[low].mean(0)

    return stature


def _mass(model: BodyModel) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Body mass [kg] and its gradient by the betas, from the volume of the closed surface in the template's pose."""
    topology = topology_of(model)
    faces = topology.surface
    used = np.unique(faces)
    local = np.searchsorted(used, faces)
    template = model.v_template[used].astype(np.float64)
    directions = model.shapedirs[used].astype(np.float64)

    def mass(betas: np.ndarray) -> tuple[float, np.ndarray]:
        corners = (template + directions @ betas)[local]
        by_corner = np.stack([np.cross(corners[:, (k + 1) % 3], corners[:, (k + 2) % 3]) for k in range(3)], axis=1)
        volume = float((by_corner[:, 0] * corners[:, 0]).sum()) / 6
        by_vertex = np.zeros_like(template)
        for k in range(3):
            for axis in range(3):
                by_vertex[:, axis] += np.bincount(local[:, k], by_corner[:, k, axis], minlength=len(used))
        slope = np.tensordot(by_vertex, directions, axes=2) / 6
        return topology.density * volume, topology.density * slope

    return mass


# ---------------------------------------------------------------- results


def _with_floor(model: BodyModel, sex: str, covariance: np.ndarray) -> np.ndarray:
    """Adds to the covariance of the betas what no photo of this kind can tell, a small share of the prior.

    Bodies outside the shape space, cloth thickness and posture leave errors that more contour points do not mend. The
    stature is known, so its direction gets none.
    """
    mean, spread = prior(model, sex)
    _, slope = _stature(model)(mean)
    gain = spread @ slope / (slope @ spread @ slope)
    return covariance + FLOOR**2 * (spread - np.outer(gain, slope @ spread))


def _with_unseen(body: Body) -> Body:
    """Widens the standard errors of measures that real bodies vary in ways which the shape space does not have."""
    known = dict(body.measurements)
    for name, unseen in UNSEEN_STD.items():
        known[name] = replace(known[name], stderr=float(np.hypot(known[name].stderr, unseen)))
    return replace(body, measurements=known)


def photo_view(problem: Problem, solution: Solution, i: int, seen: SeenPhoto) -> PhotoView:
    """How the fitted body stands in photo ``i``."""
    view = problem.views[i]
    pixels = problem.pixels(solution.betas, i)
    orient, pose = problem.body.angles(view.q)
    camera = view.camera()
    return PhotoView(
        name=view.name,
        path=seen.photo.path,
        camera=camera,
        global_orient=orient.astype(np.float32),
        body_pose=pose.astype(np.float32),
        picture=seen.photo.rgb,
        person=np.round(255 * seen.mask).astype(np.uint8),
        contour=seen.contour.points.astype(np.float32),
        silhouette=render_mask(pixels, problem.body.faces, view.size),
        edge_blur=_edge_blur(seen.contour),
        landmarks=seen.found.points.astype(np.float32),
        focal_source=seen.photo.focal.source,
        contour_rms=solution.contour_rms[i],
        contour_matched=solution.matched[i],
        landmark_rms=solution.landmark_rms[i],
    )


def _edge_blur(contour: Contour) -> float:
    """Sigma of the Gaussian that blurs edges like the outline's [px]; the usual one where none was measured."""
    width = contour.width[np.isfinite(contour.width)]
    return float(np.median(width)) / QUARTILES if len(width) else USUAL_BLUR


def _warnings(solution: Solution, seen: list[SeenPhoto]) -> tuple[str, ...]:
    out = []
    if len(seen) == 1:
        missing = "side" if seen[0].view.name == "front" else "front"
        out.append(f"only one photo: girths are less certain than with a {missing} photo too")
    for s, rms, share in zip(seen, solution.contour_rms, solution.matched, strict=True):
        if rms > 0.008 or share < 0.6:
            out.append(
                f"{s.photo.path}: the outline fits badly ({1000 * rms:.0f} mm, {100 * share:.0f} % matched): "
                "loose clothes, long hair or a busy background?"
            )
    if not solution.converged:
        out.append("the fit was still moving a little when it was stopped")
    return tuple(out)
