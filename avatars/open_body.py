"""The open body: the default body model, shipped with the package, and bodies made from it."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch

from avatars.body_model import BodyModel
from avatars.measure import landmarks_on, measure_vertices, measurement_jacobian, measuring_vertices
from avatars.measure_topology import topology_of
from avatars.poses import pose_named
from engine.core.errors import InputError
from engine.core.measurements import MEASUREMENTS
from engine.core.types import Body, Measurement

__all__ = ["MODEL_PATH", "load_open_body", "make_body", "prior"]

MODEL_PATH = Path(__file__).parent / "data" / "open_body.npz"
SEXES = ("female", "male", "neutral")


@functools.cache
def load_open_body() -> BodyModel:
    """The open body's model, read once per process."""
    return BodyModel.load(MODEL_PATH)


def prior(model: BodyModel, sex: str = "neutral") -> tuple[np.ndarray, np.ndarray]:
    """Gaussian prior of the betas: mean [n_betas] and covariance [n_betas, n_betas].

    The open body has one per sex; other models are taken as standard normal, which is what SMPL-X's betas are.
    """
    if sex not in SEXES:
        raise InputError("body.sex", f"sex '{sex}' is not known", f"use one of {', '.join(SEXES)}")
    n = model.n_betas
    key = f"toile_prior_mean_{sex}"
    if key not in model.extras:
        return np.zeros(n), np.eye(n)
    return model.extras[key].astype(np.float64)[:n], model.extras[f"toile_prior_cov_{sex}"].astype(np.float64)[:n, :n]


def make_body(
    model: BodyModel,
    betas: np.ndarray,
    *,
    pose: str | np.ndarray = "a_pose",
    sex: str = "neutral",
    betas_std: np.ndarray | None = None,
    betas_covariance: np.ndarray | None = None,
    global_orient: np.ndarray | None = None,
    left_hand_pose: np.ndarray | None = None,
    right_hand_pose: np.ndarray | None = None,
    typed: dict[str, Measurement] | None = None,
) -> Body:
    """A body of a shape in a pose, its lowest point on the floor, with landmarks and measurements.

    Args:
        betas: shape [n] with n <= model.n_betas.
        pose: a name (a_pose, t_pose, measuring_pose) or axis-angle of joints 1-21 [rad], shape [21, 3].
        betas_std: standard errors of the betas, shape [n].
        betas_covariance: their full covariance, shape [n, n]; the measurements' standard errors come from it.
        global_orient: axis-angle of the whole body [rad], shape [3].
        left_hand_pose, right_hand_pose: axis-angle relative to the mean hand [rad], shape [15, 3].
        typed: measurements to be kept as they were given.
    """
    full = np.zeros(model.n_betas)
    full[: len(betas)] = betas
    body_pose = pose_named(pose) if isinstance(pose, str) else np.asarray(pose, np.float32).reshape(21, 3)
    orient = np.zeros(3) if global_orient is None else np.asarray(global_orient, np.float64)
    given = (left_hand_pose, right_hand_pose)
    hands = [np.zeros((15, 3)) if h is None else np.asarray(h).reshape(15, 3) for h in given]
    vertices, joints = _posed(model, full, body_pose, orient, hands)
    topology = topology_of(model)
    contact = topology.contact_vertices(vertices)
    floor = min(vertices[:, 1].min(), contact[:, 1].min())
    shift = np.array([0.0, -floor, 0.0])
    standing = measuring_vertices(model, full)
    covariance = betas_covariance
    if covariance is None and betas_std is not None:
        covariance = np.diag(np.pad(np.asarray(betas_std, np.float64), (0, model.n_betas - len(betas_std))) ** 2)
    std = np.zeros(model.n_betas) if covariance is None else np.sqrt(np.diag(covariance))
    vertices, joints, contact = vertices + shift, joints + shift, contact + shift
    return Body(
        vertices=vertices.astype(np.float32),
        faces=model.faces,
        joints=joints.astype(np.float32),
        skinning_weights=model.weights,
        contact_vertices=contact.astype(np.float32),
        contact_faces=topology.contact_faces,
        contact_segment=model.weights[topology.contact_index].argmax(1).astype(np.int32),
        betas=full.astype(np.float32),
        betas_std=std.astype(np.float32),
        global_orient=orient.astype(np.float32),
        body_pose=body_pose.astype(np.float32),
        left_hand_pose=hands[0].astype(np.float32),
        right_hand_pose=hands[1].astype(np.float32),
        transl=shift.astype(np.float32),
        landmarks=landmarks_on(model, standing, vertices),
        measurements=_measured(model, full, standing, covariance, typed or {}),
        uv=topology.uv,
        uv_faces=topology.uv_faces,
        sex=sex,
        model=model.name,
    )


def _posed(
    model: BodyModel, betas: np.ndarray, body_pose: np.ndarray, orient: np.ndarray, hands: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    def row(a: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.asarray(a, np.float64))[None]

    with torch.no_grad():
        v, j = model.forward(
            row(betas), body_pose=row(body_pose), global_orient=row(orient), left_hand_pose=row(hands[0]),
            right_hand_pose=row(hands[1]),
        )  # fmt: skip
    return v[0].numpy(), j[0].numpy()


def _measured(
    model: BodyModel, betas: np.ndarray, standing: np.ndarray, covariance: np.ndarray | None,
    typed: dict[str, Measurement],
) -> dict[str, Measurement]:  # fmt: skip
    if covariance is None:
        return {**measure_vertices(model, standing), **typed}
    values, jacobian = measurement_jacobian(model, betas)
    stderr = np.sqrt(np.maximum(np.einsum("mi,ij,mj->m", jacobian, covariance, jacobian), 0))
    fitted = {n: Measurement(values[n], float(s), "fitted") for n, s in zip(MEASUREMENTS, stderr, strict=True)}
    return {**fitted, **typed}
