"""Writes the open body's file in SMPL-X's .npz layout, with what Toile adds under names that smplx ignores."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from avatars.body_model import JOINT_NAMES, JOINT_PARENTS, SHAPE_COLUMNS
from engine.core.safe_io import write_bytes

__all__ = ["write_asset"]

_EXPRESSION_COLUMNS = 100


def write_asset(
    path: Path, *, mean: np.ndarray, directions: np.ndarray, expressions: np.ndarray, faces: np.ndarray,
    uv: np.ndarray, uv_faces: np.ndarray, weights: np.ndarray, regressor: np.ndarray, contact: np.ndarray,
    relaxed: csr_matrix, regions: dict[str, np.ndarray], meta: dict, priors: dict[str, tuple[np.ndarray, np.ndarray]],
) -> Path:  # fmt: skip
    """Writes the model deterministically (no time stamps): the same input gives the same bytes.

    Args:
        directions: [m] per unit beta, shape [V, 3, n].
        expressions: [m] per unit action, shape [V, 3, e].
        relaxed: rows of the contact vertices that are not the model's own but means of them, shape [V, V].
        regions: indices into ``contact`` by name.
        meta: landmarks, density, region names and other small facts, stored as JSON.
        priors: {female, male, neutral: (mean [n], covariance [n, n])} of the betas.
    """
    count = len(mean)
    shapedirs = np.zeros((count, 3, SHAPE_COLUMNS + _EXPRESSION_COLUMNS), np.float16)
    shapedirs[..., : directions.shape[2]] = directions
    shapedirs[..., SHAPE_COLUMNS : SHAPE_COLUMNS + expressions.shape[2]] = expressions
    parents = np.array(JOINT_PARENTS, np.int64)
    face_points = _face_landmarks(mean, faces, weights)
    arrays = {
        "v_template": mean.astype(np.float32),
        "f": faces.astype(np.int32),
        "shapedirs": shapedirs,
        "posedirs": np.zeros((count, 3, 9 * (len(JOINT_NAMES) - 1)), np.float16),
        "J_regressor": regressor.astype(np.float32),
        "weights": _few(weights).astype(np.float32),
        "kintree_table": np.stack([parents, np.arange(len(parents))]).astype(np.int64),
        "lmk_faces_idx": face_points,
        "lmk_bary_coords": np.full((len(face_points), 3), 1 / 3, np.float32),
        "vt": uv.astype(np.float32),
        "ft": uv_faces.astype(np.int32),
        "toile_meta": np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8),
        "toile_contact_faces": contact.astype(np.int32),
        "toile_relaxed_indptr": relaxed.indptr.astype(np.int32),
        "toile_relaxed_indices": relaxed.indices.astype(np.int32),
        "toile_relaxed_weights": relaxed.data.astype(np.float32),
        **{f"toile_region_{k}": v.astype(np.int32) for k, v in regions.items()},
    }
    for side in "lr":
        arrays[f"hands_mean{side}"] = np.zeros(45, np.float32)
        arrays[f"hands_components{side}"] = _hand_components(1.0 if side == "l" else -1.0)
    for name, (centre, covariance) in priors.items():
        arrays[f"toile_prior_mean_{name}"] = centre.astype(np.float32)
        arrays[f"toile_prior_cov_{name}"] = covariance.astype(np.float32)
    return write_bytes(path, _npz(arrays))


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(arrays):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.getvalue())
    return stream.getvalue()


def _few(weights: np.ndarray, keep: int = 6) -> np.ndarray:
    """The largest weights of each vertex, summing to one."""
    small = np.argsort(-weights, axis=1, kind="stable")[:, keep:]
    out = weights.copy()
    np.put_along_axis(out, small, 0.0, axis=1)
    out[out < 1e-4] = 0
    return out / out.sum(1, keepdims=True)


def _hand_components(sign: float) -> np.ndarray:
    """Orthonormal hand-pose directions, shape [45, 45]; the first curls all fingers, the second spreads them."""
    curl, spread = np.zeros((15, 3)), np.zeros((15, 3))
    curl[:12, 2] = -sign
    spread[[0, 6, 9], 1] = sign * np.array([1.0, -1.0, -0.5])
    start = np.concatenate([np.stack([curl.ravel(), spread.ravel()]), np.eye(45)])
    q, _ = np.linalg.qr(start.T)
    q *= np.where(np.einsum("ij,ij->j", q, start.T[:, :45]) < 0, -1.0, 1.0)
    return q.T.astype(np.float32)


def _face_landmarks(mean: np.ndarray, faces: np.ndarray, weights: np.ndarray, count: int = 51) -> np.ndarray:
    """Triangles spread over the front of the head (not in any standard's order), shape [count]."""
    head = weights[faces][:, :, JOINT_NAMES.index("head")].min(1) > 0.5
    centre = mean[faces].mean(1)
    front = np.flatnonzero(head & (centre[:, 2] > np.quantile(centre[head, 2], 0.6)))
    chosen = [int(front[np.argmax(centre[front, 2])])]
    distance = np.full(len(front), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(centre[front] - centre[chosen[-1]], axis=1))
        chosen.append(int(front[np.argmax(distance)]))
    return np.array(chosen, np.int64)
