"""Hair as strands grown from the scalp: combed, pulled by gravity, and kept outside the head and shoulders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["STYLES", "HAIR_COLOURS", "HairStyle", "grow_hair", "scalp_mask", "write_strands"]

#: Linear RGB albedo.
HAIR_COLOURS = {
    "black": (0.012, 0.010, 0.009),
    "dark_brown": (0.035, 0.021, 0.014),
    "brown": (0.085, 0.045, 0.024),
    "auburn": (0.14, 0.045, 0.020),
    "dark_blond": (0.20, 0.125, 0.065),
    "blond": (0.38, 0.26, 0.135),
    "grey": (0.30, 0.30, 0.295),
    "white": (0.62, 0.61, 0.58),
}


@dataclass(frozen=True)
class HairStyle:
    """How strands grow. Lengths [m]; ``comb`` is a direction in the head's axes (x to the wearer's left, z front)."""

    top: float  #: length on the crown
    sides: float  #: length at the temples and the nape
    comb: tuple[float, float, float] = (0.0, 0.0, -1.0)
    volume: float = 0.006  #: thickness of the layer over the skull
    lift: float = 0.4  #: how steeply strands leave the scalp
    gravity: float = 0.3
    curl: float = 0.0  #: radius of the waves
    curl_length: float = 0.03
    gather: tuple[float, float, float] | None = None  #: point of a ponytail or bun, relative to the eyes
    bun: float = 0.0  #: radius of a bun at ``gather``
    parting: float | None = None  #: x of the parting; strands fall to either side of it
    recede: float = 0.0  #: how far the hairline has gone back
    bald_top: bool = False
    count: int = 14000


STYLES = {
    "buzz": HairStyle(0.008, 0.006, lift=0.8, gravity=0.0, volume=0.004, count=12000),
    "crop": HairStyle(0.035, 0.014, comb=(0.15, 0.2, 0.5), lift=0.9, gravity=0.1, volume=0.012),
    "side_part": HairStyle(0.075, 0.02, comb=(-0.9, 0.1, -0.25), lift=0.55, gravity=0.25, volume=0.014, parting=0.03),
    "slick": HairStyle(0.09, 0.03, comb=(0.0, 0.2, -1.0), lift=0.35, gravity=0.2, volume=0.009),
    "thin": HairStyle(0.04, 0.025, comb=(0.2, 0.0, -0.6), lift=0.5, gravity=0.2, bald_top=True, count=7000),
    "curly": HairStyle(0.07, 0.045, comb=(0, 0.3, 0), lift=1.2, gravity=0.05, volume=0.03, curl=0.006,
                       curl_length=0.018, count=16000),
    "afro": HairStyle(0.085, 0.07, comb=(0, 0.2, 0), lift=2.0, gravity=0.0, volume=0.05, curl=0.005,
                      curl_length=0.012, count=18000),
    "pixie": HairStyle(0.07, 0.04, comb=(-0.4, 0.0, 0.1), lift=0.35, gravity=0.35, volume=0.012, parting=0.025),
    "bob": HairStyle(0.25, 0.13, comb=(0, 0, -0.35), lift=0.25, gravity=0.9, volume=0.014, parting=0.02, count=16000),
    "long": HairStyle(0.46, 0.36, comb=(0, 0, -0.8), lift=0.25, gravity=0.9, volume=0.014, parting=0.0, curl=0.003,
                      curl_length=0.09, count=18000),
    "bun": HairStyle(0.2, 0.2, comb=(0, 0, -0.4), lift=0.25, gravity=0.0, volume=0.012, parting=0.018,
                     gather=(0.0, 0.035, -0.195), bun=0.036),
    "high_bun": HairStyle(0.22, 0.22, lift=0.2, gravity=0.0, volume=0.008, gather=(0.0, 0.125, -0.135), bun=0.036),
    "ponytail": HairStyle(0.28, 0.28, comb=(0, 0, -0.4), lift=0.2, gravity=0.5, volume=0.011,
                          gather=(0.0, 0.045, -0.185), count=15000),
}  # fmt: skip


def scalp_mask(template: np.ndarray, joints: dict[str, np.ndarray], style: HairStyle) -> np.ndarray:
    """Signed distance [m] above the hairline per template vertex, shape [V]; positive where hair grows."""
    eye = 0.5 * (joints["eye_l"] + joints["eye_r"])
    dx, dy, dz = (template - eye).T
    along = [-0.25, -0.125, -0.105, -0.09, -0.078, -0.066, -0.05, -0.03, 0.0, 0.05]
    level = [-0.085, -0.07, -0.045, 0.012, -0.008, 0.010, 0.038, 0.058, 0.066, 0.066]
    hairline = np.interp(dz, along, level) - 0.006 * np.exp(-((dx / 0.02) ** 2)) * (dz > -0.03)
    hairline = hairline + style.recede * np.clip((dz + 0.06) / 0.06, 0, 1)
    above = np.where(dy > -0.12, dy - hairline, -1.0)
    if style.bald_top:
        above = np.minimum(above, 0.052 - dy)
    return above


def grow_hair(
    vertices: np.ndarray, faces: np.ndarray, template: np.ndarray, joints: dict[str, np.ndarray],
    posed_joints: dict[str, np.ndarray], style: HairStyle, *, seed: int, points: int = 14,
) -> np.ndarray:
    """Strands of the posed person in the world [m], shape [strand, points, 3]."""
    import open3d as o3d

    rng = np.random.default_rng(seed)
    above = scalp_mask(template, joints, style)
    rotation, eye = _head_frame(vertices, template, joints, posed_joints)
    roots, normals, level = _roots(vertices, faces, above, style.count, rng)
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(vertices.astype(np.float32)), o3d.core.Tensor(faces.astype(np.uint32)))

    def to_local(p: np.ndarray) -> np.ndarray:
        return (p - eye) @ rotation

    n = len(roots)
    crown = np.clip((to_local(roots)[:, 1] - 0.0) / 0.11, 0, 1)
    length = (style.sides + (style.top - style.sides) * crown) * rng.uniform(0.82, 1.08, n)
    length *= np.clip(0.25 + level / 0.03, 0.25, 1)  # finer at the hairline
    step = length / (points - 1)
    clearance = style.volume * rng.uniform(0.15, 1.0, n) ** 0.7
    comb = np.tile(np.asarray(style.comb) @ rotation.T, (n, 1))
    if style.parting is not None:
        local = to_local(roots)
        away = np.sign(local[:, 0] - style.parting)[:, None] * rotation[:, 0]
        front = np.clip((local[:, 2] + 0.13) / 0.1, 0.15, 1)[:, None]
        comb = comb * 0.6 + away * front * (0.35 if style.gather else 1.0)
    wander = rng.standard_normal((n, 3)) * (0.12 if style.gravity < 0.6 else 0.06)
    phase = rng.uniform(0, 2 * np.pi, n)
    gather = None if style.gather is None else rotation @ np.asarray(style.gather) + eye
    tied = np.zeros(n, bool)
    if gather is not None:
        to_tie = 1.1 * np.linalg.norm(roots - gather, axis=1)
        step = (to_tie + (0 if style.bun else 1) * style.sides * rng.uniform(0.6, 1.0, n)) / (points - 1)
    direction = normals * style.lift + comb + wander
    strands = np.empty((n, points, 3))
    strands[:, 0] = roots
    position = roots.copy()
    for k in range(1, points):
        t = k / (points - 1)
        if gather is not None:
            to = gather - position
            tied |= np.linalg.norm(to, axis=1) < np.maximum(0.018, 0.7 * step)
            down = np.array([0.0, -1.0, -0.12]) + 0.25 * wander
            combed = to / np.linalg.norm(to, axis=1, keepdims=True) + comb * np.exp(-step * k / 0.05)[:, None]
            pull = np.where(tied[:, None], 0.0 if style.bun else down, combed)
        else:
            fade = (1 - 0.7 * t) if style.gravity < 0.6 else np.exp(-step * k / 0.05)[:, None]
            pull = comb * fade + wander + np.array([0, -1.0, 0]) * style.gravity * (0.4 + 1.6 * t)
            pull = pull + normals * style.lift * (1 - t) ** 2 * (step * k < 0.05)[:, None]
        moving = np.where(tied & (style.bun > 0), 0.04, 1.0)  # never quite still: curves need distinct points
        direction = 0.5 * direction / np.linalg.norm(direction, axis=1, keepdims=True) + 0.5 * pull
        move = step[:, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)
        position = position + move * moving[:, None]
        position = _outside(scene, position, np.minimum(clearance, 0.002 + 0.6 * step * k))
        strands[:, k] = position
    if style.bun:
        strands = np.concatenate([strands, _bun(gather, style, rng, points)])
    if style.curl:
        strands = _curl(strands, phase, style, rng)
    return strands


def _bun(centre: np.ndarray, style: HairStyle, rng: np.random.Generator, points: int) -> np.ndarray:
    """A knot: arcs wound around random tilts of one axis, shape [strand, points, 3]."""
    n = style.count // 3
    axis = np.array([0.25, 0.5, -0.85]) + rng.standard_normal((n, 3)) * 0.22
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    u = np.cross(axis, rng.standard_normal((n, 3)))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(axis, u)
    polar = np.arccos(rng.uniform(-0.9, 0.9, n))[:, None, None]
    angle = np.linspace(0, 2.6, points)[None, :, None]
    ring = np.cos(angle) * u[:, None] + np.sin(angle) * v[:, None]
    radius = style.bun * rng.uniform(0.9, 1.02, n)[:, None, None]
    squash = np.array([1.0, 0.85, 0.8])
    return centre + radius * squash * (np.sin(polar) * ring + np.cos(polar) * axis[:, None])


def _curl(strands: np.ndarray, phase: np.ndarray, style: HairStyle, rng: np.random.Generator) -> np.ndarray:
    n, points, _ = strands.shape
    phase = np.resize(phase, n)
    tangent = np.gradient(strands, axis=1)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-9
    side = np.cross(tangent, rng.standard_normal((n, 1, 3)))
    side /= np.linalg.norm(side, axis=2, keepdims=True) + 1e-9
    up = np.cross(tangent, side)
    arc = np.concatenate([np.zeros((n, 1)), np.cumsum(np.linalg.norm(np.diff(strands, axis=1), axis=2), 1)], 1)
    angle = (arc / style.curl_length * 2 * np.pi + phase[:, None])[..., None]
    grow = np.clip(arc / 0.03, 0, 1)[..., None]
    return strands + style.curl * grow * (np.cos(angle) * side + np.sin(angle) * up)


def _outside(scene, position: np.ndarray, clearance: np.ndarray) -> np.ndarray:
    """Points pushed out to at least ``clearance`` [m] from the body."""
    import open3d as o3d

    query = o3d.core.Tensor(position.astype(np.float32))
    closest = scene.compute_closest_points(query)["points"].numpy()
    signed = scene.compute_signed_distance(query).numpy()
    away = position - closest
    away /= np.linalg.norm(away, axis=1, keepdims=True) + 1e-9
    away *= np.sign(signed)[:, None]
    short = clearance - signed
    return position + away * np.maximum(short, 0)[:, None]


def _roots(vertices, faces, above, count, rng):
    """Random points of the scalp with their normals and their height over the hairline."""
    scalp = faces[(above[faces] > 0).all(1)]
    a, b, c = (vertices[scalp[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    pick = rng.choice(len(scalp), count, p=area / area.sum())
    u, v = rng.random((2, count))
    flip = u + v > 1
    u[flip], v[flip] = 1 - u[flip], 1 - v[flip]
    w = np.stack([1 - u - v, u, v], 1)
    roots = np.einsum("ni,nid->nd", w, vertices[scalp[pick]])
    level = np.einsum("ni,ni->n", w, above[scalp[pick]])
    return roots, normal[pick] / area[pick, None], level


def _head_frame(vertices, template, joints, posed_joints):
    """Rotation of the posed head (Kabsch on its vertices) and the midpoint of the eyes."""
    part = template[:, 1] > joints["head"][1] + 0.02
    a = template[part] - template[part].mean(0)
    b = vertices[part] - vertices[part].mean(0)
    u, _, vt = np.linalg.svd(a.T @ b)
    rotation = vt.T @ np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
    return rotation, 0.5 * (posed_joints["eye_l"] + posed_joints["eye_r"])


def write_strands(path: Path, strands: np.ndarray, radius: float) -> None:
    """Mitsuba's text format for curves: a line ``x y z r`` per control point, a blank line between strands."""
    apart = np.linalg.norm(np.diff(strands, axis=1), axis=2).min(1)
    strands = strands[np.isfinite(strands).all((1, 2)) & (apart > 2e-5)]  # no degenerate curves for the tracer
    n, points, _ = strands.shape
    taper = np.linspace(1.0, 0.35, points)
    rows = np.concatenate([strands, np.broadcast_to(radius * taper[None, :, None], (n, points, 1))], 2)
    line = "%.5f %.5f %.5f %.6f\n" * points + "\n"
    path.write_text("".join(line % tuple(row) for row in rows.reshape(n, -1)))
