"""From a population of T-posed bodies to a linear shape space with joints regressed from vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from avatars.body_model import JOINT_NAMES, JOINT_PARENTS

__all__ = ["ShapeBasis", "antisymmetric_basis", "fit_joint_regressor", "principal_shapes", "vertex_areas"]

_CANDIDATES = 48  #: vertices considered for each joint
_SUM_WEIGHT = 100.0  #: how hard a joint's weights are held to sum to one


@dataclass(frozen=True)
class ShapeBasis:
    """Mean and directions scaled so that every beta has unit variance over the population."""

    mean: np.ndarray  #: [m], shape [V, 3]
    directions: np.ndarray  #: [m] per unit beta, shape [V, 3, n]
    betas: np.ndarray  #: the population's coordinates, shape [N, n]
    residual: np.ndarray  #: root mean square vertex distance left out, per body [m], shape [N]


def vertex_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """A third of the areas of the triangles around each vertex [m2], shape [V]."""
    e1, e2 = (vertices[faces[:, i]] - vertices[faces[:, 0]] for i in (1, 2))
    area = np.linalg.norm(np.cross(e1, e2), axis=1) / 6
    return sum(np.bincount(faces[:, i], area, minlength=len(vertices)) for i in range(3))


def principal_shapes(
    bodies: np.ndarray, mirror: np.ndarray, areas: np.ndarray, importance: np.ndarray, count: int
) -> ShapeBasis:
    """Area-weighted principal directions of left-right symmetric bodies.

    Args:
        bodies: T-pose vertices [m], shape [N, V, 3].
        mirror: vertex that mirrors each vertex, shape [V].
        areas: weight of each vertex, shape [V].
        importance: weight of each body, shape [N].
        count: number of directions.
    """
    flip = np.array([-1.0, 1.0, 1.0], np.float32)
    n = len(bodies)
    data = np.empty((n, bodies.shape[1] * 3), np.float32)
    for i, body in enumerate(bodies):
        data[i] = ((body + body[mirror] * flip) / 2).reshape(-1)
    share = importance / importance.sum()
    mean = share @ data
    data -= mean
    metric = np.repeat(np.sqrt(areas / areas.sum()), 3).astype(np.float32)
    scale = np.sqrt(share).astype(np.float32)[:, None]
    data *= metric
    gram = ((data * scale) @ (data * scale).T).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    axes = (data * scale).T @ vectors.astype(np.float32) / np.sqrt(values)  # orthonormal in the metric
    betas = data @ axes / np.sqrt(values)
    left_out = np.maximum((data.astype(np.float64) ** 2).sum(1) - (betas**2 * values).sum(1), 0)
    directions = axes * np.sqrt(values) / metric[:, None].clip(1e-9)
    directions, betas = _oriented(mean, directions.reshape(-1, 3, count), betas)
    return ShapeBasis(mean.reshape(-1, 3), directions, betas, np.sqrt(left_out))


def _oriented(mean: np.ndarray, directions: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signs such that a positive beta makes the body larger (more volume of bounding box)."""
    m = mean.reshape(-1, 3)
    centred = m - m.mean(0)
    sign = np.sign(np.einsum("vd,vdn->n", centred, directions))
    sign[sign == 0] = 1
    return directions * sign, betas * sign


def antisymmetric_basis(bodies: np.ndarray, mirror: np.ndarray, areas: np.ndarray, count: int) -> np.ndarray:
    """Unit-variance directions of left-right differences, shape [V, 3, count].

    Args:
        bodies: T-pose bodies whose sides differ [m], shape [N, V, 3].
    """
    flip = np.array([-1.0, 1.0, 1.0])
    odd = np.stack([(b - b[mirror] * flip) / 2 for b in bodies]).reshape(len(bodies), -1)
    metric = np.repeat(np.sqrt(areas / areas.sum()), 3)
    left, values, right = np.linalg.svd(odd * metric / np.sqrt(len(bodies)), full_matrices=False)
    return (right[:count] * values[:count, None] / metric.clip(1e-9)).T.reshape(-1, 3, count)


def fit_joint_regressor(
    bodies: np.ndarray, joints: np.ndarray, weights: np.ndarray, mirror: np.ndarray, allowed: np.ndarray
) -> np.ndarray:
    """Sparse convex weights that give the joints from the vertices over a population.

    Args:
        bodies: [m], shape [N, V, 3].
        joints: [m], shape [N, 55, 3].
        weights: skinning weights, shape [V, 55].
        mirror: shape [V].
        allowed: vertices that may be used (none that expressions move), shape [V] bool.

    Returns:
        shape [55, V].
    """
    mean, mean_joints = bodies.mean(0), joints.mean(0)
    regressor = np.zeros((len(JOINT_NAMES), bodies.shape[1]))
    for j, name in enumerate(JOINT_NAMES):
        if name.startswith("right_"):
            continue
        eye = name == "left_eye"
        near = weights[:, j] > 0.05 if eye else allowed & (weights[:, [j, max(JOINT_PARENTS[j], 0)]].sum(1) > 0.3)
        pool = np.flatnonzero(near)
        pool = _spread(pool, mean, mean_joints[j], _CANDIDATES)
        a = bodies[:, pool].transpose(0, 2, 1).reshape(-1, len(pool))
        b = joints[:, j].reshape(-1)
        a = np.vstack([a, np.full(len(pool), _SUM_WEIGHT), 1e-3 * np.eye(len(pool))])
        b = np.concatenate([b, [_SUM_WEIGHT], np.zeros(len(pool))])
        w = nnls(a, b, maxiter=20 * len(pool))[0]
        regressor[j, pool] = w / w.sum()
        if name.startswith("left_"):
            regressor[JOINT_NAMES.index("right_" + name[5:]), mirror[pool]] = w / w.sum()
        else:
            regressor[j] = (regressor[j] + regressor[j][mirror]) / 2
    return regressor


def _spread(pool: np.ndarray, mean: np.ndarray, joint: np.ndarray, count: int) -> np.ndarray:
    """Vertices near a joint, in all directions around it."""
    offset = mean[pool] - joint
    distance = np.linalg.norm(offset, axis=1)
    pool = pool[np.argsort(distance, kind="stable")[: 6 * count]]
    offset = mean[pool] - joint
    direction = offset / np.linalg.norm(offset, axis=1, keepdims=True).clip(1e-6)
    chosen = [0]
    closeness = np.full(len(pool), -np.inf)
    for _ in range(min(count, len(pool)) - 1):
        closeness = np.maximum(closeness, direction @ direction[chosen[-1]])
        chosen.append(int(np.argmin(closeness)))
    return pool[np.unique(chosen)]
