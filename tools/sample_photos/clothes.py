"""Tight clothes: patches of the body's own surface, cut along smooth hems and lifted off the skin.

A garment is a scalar field over the body's template that is positive where there is cloth. The mesh is cut along
the field's zero line, so hems are smooth whatever the triangles are. Stretch cloth bridges hollows (navel, between
the breasts), which a few smoothing steps that never sink below the skin imitate.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

__all__ = ["OUTFITS", "cut_patch", "garment_fields", "lifted", "worn"]

#: Outfits by name: the pieces (names of ``garment_fields``) from the skin outwards.
OUTFITS = {
    "top_leggings": ("leggings", "tank"),
    "tee_leggings": ("leggings", "tee"),
    "bra_leggings": ("leggings", "bra"),
    "bra_shorts": ("shorts", "bra"),
    "bra_briefs": ("briefs", "bra"),
    "tank_shorts": ("shorts", "tank"),
    "shorts": ("shorts",),
    "trunks": ("trunks",),
    "tee_trunks": ("trunks", "tee"),
    "tee_tights": ("leggings", "tee"),
    "tank_trunks": ("trunks", "tank"),
}


def garment_fields(
    template: np.ndarray, joints: dict[str, np.ndarray], arm_weight: np.ndarray
) -> dict[str, np.ndarray]:
    """Signed fields [m], positive under cloth, per template vertex, shape [V] each.

    Levels are set by the template's joints, so a hem follows the proportions of whoever wears it.
    """
    x, y, z = template.T
    ax = np.abs(x)
    hip, knee, ankle = (joints[f"{n}_l"][1] for n in ("hip", "knee", "ankle"))
    shoulder, neck = joints["shoulder_l"], joints["neck"]
    elbow = joints["elbow_l"]
    waist = hip + 0.155
    # along the arm: 0 at the shoulder joint, 1 at the elbow, 2 at the wrist
    upper = elbow - shoulder
    p = np.stack([ax, y, z], -1)
    along = (p - shoulder) @ upper / (upper @ upper)
    sleeveless = 0.10 * (0.42 - arm_weight)  # positive off the arms
    on_arm = arm_weight > 0.3
    front = 1 / (1 + np.exp(-((z - neck[2] + 0.01) / 0.012).clip(-30, 30)))

    def neckline(depth_front: float, depth_back: float, half_width: float) -> np.ndarray:
        low = neck[1] - depth_back + (depth_back - depth_front) * front
        return low + 0.11 * (ax / half_width) ** 4 - y

    chest = shoulder[1] - 0.10
    narrow = 0.132 - ax + 0.25 * np.clip(chest + 0.05 - y, 0, None)  # the shoulder strap's outer edge
    fields = {
        "leggings": np.minimum(waist - y, y - (ankle + 0.045)),
        "trunks": np.minimum(waist - 0.05 - y, y - (hip - 0.19)),
        "shorts": np.minimum(waist - 0.035 - y, y - (hip - 0.21)),
        "briefs": np.minimum(waist - 0.075 - y, y - (hip - 0.125) - 0.62 * np.clip(ax - 0.06, 0, None)),
        "tee": np.minimum.reduce([
            y - (hip - 0.01), neckline(0.05, 0.015, 0.085), np.where(on_arm, (0.62 - along) * 0.27, 1.0)]),
        "tank": np.minimum.reduce([y - (hip + 0.01), neckline(0.115, 0.06, 0.088), sleeveless, narrow]),
        "bra": np.minimum.reduce([
            y - (shoulder[1] - 0.235), neckline(0.15, 0.12, 0.082), sleeveless, narrow - 0.015]),
    }  # fmt: skip
    for name in ("leggings", "trunks", "shorts", "briefs"):
        fields[name] = np.minimum(fields[name], sleeveless)
    return fields


def worn(fields: dict[str, np.ndarray], outfit: str) -> dict[str, np.ndarray]:
    """The outfit's fields, the inner piece ending a finger's breadth under the outer one's hem."""
    pieces = OUTFITS[outfit]
    out = {name: fields[name] for name in pieces}
    for inner, outer in zip(pieces, pieces[1:], strict=False):
        out[inner] = np.minimum(out[inner], 0.012 - fields[outer])
    return out


def cut_patch(faces: np.ndarray, field: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles of the part with ``field`` > 0, cut along the zero line.

    Returns:
        Faces of the patch, shape [G, 3], into patch vertices; and for each patch vertex the two mesh vertices it
        lies between, shape [n, 2], with the weight of the second, shape [n].
    """
    inside = field > 0
    count = inside[faces].sum(1)
    triangles, pair, weight = [], {}, []

    def point(a: int, b: int) -> int:
        key = (a, b) if a <= b else (b, a)
        if key not in pair:
            i, j = key
            pair[key] = len(weight)
            weight.append(0.0 if i == j else float(field[i] / (field[i] - field[j])))
        return pair[key]

    for face in faces[count == 3]:
        triangles.append([point(v, v) for v in face])
    for face in faces[(count == 1) | (count == 2)]:
        lone = int(np.flatnonzero(inside[face] == (inside[face].sum() == 1))[0])
        a, b, c = (int(v) for v in np.roll(face, -lone))
        if inside[a]:
            triangles.append([point(a, a), point(a, b), point(a, c)])
        else:
            p, q = point(a, b), point(a, c)
            triangles += [[p, point(b, b), point(c, c)], [p, point(c, c), q]]
    between = np.array(list(pair), dtype=np.int64).reshape(-1, 2)
    return np.array(triangles, dtype=np.int64).reshape(-1, 3), between, np.array(weight)


def lifted(
    vertices: np.ndarray, normals: np.ndarray, patch_faces: np.ndarray, *, offset: float, steps: int
) -> np.ndarray:
    """Patch vertices lifted ``offset`` [m] off the skin and pulled taut over hollows, shape [n, 3]."""
    n = len(vertices)
    i = patch_faces[:, [0, 1, 2, 1, 2, 0]].ravel()
    j = patch_faces[:, [1, 2, 0, 0, 1, 2]].ravel()
    adjacency = sp.csr_matrix((np.ones(len(i)), (i, j)), shape=(n, n))
    adjacency.data[:] = 1.0
    mean = sp.diags(1.0 / np.maximum(adjacency.sum(1).A1, 1)) @ adjacency
    skin = vertices + offset * normals
    taut = skin.copy()
    for _ in range(steps):
        taut = 0.5 * taut + 0.5 * (mean @ taut)
        taut = vertices + normals * np.maximum(((taut - vertices) * normals).sum(1), offset)[:, None]
    return taut
