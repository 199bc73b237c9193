"""Bending stiffness of a triangle mesh between its dihedral angles, right for constant curvature on any mesh.

In every triangle the curvature follows from how far the surface's slope across each edge differs from the triangle's
own plane (Morley's plate element; the mid-edge shape operator of Grinspun, Gingold, Reisman and Zorin, Computing
discrete shape operators on general meshes, 2006). Those slopes are unknowns there, one for every edge. Here they are
estimated: each dihedral angle is shared by its two triangles in proportion to their compliance, and corrected by a
quadratic fit through the angles nearby, so that vertices on any quadratic surface give its very curvature. The energy
is then never below that of Morley's element and equal to it for constant curvature; so are, therefore, the forces. A
plain sum over hinges is neither: it is 20 % off on many meshes, and bends as a plate with a lateral contraction of its
own (Seung and Nelson, Phys. Rev. A 38, 1988).
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse

__all__ = ["HingeMatrix", "bending_form", "hinge_matrix"]

RIDGE = 1e-2  #: of the quadratic fit, in traces: directions that no angle nearby shows are left alone
LEAST_SHARE = 0.02  #: corrections of an angle's share below this are left out
FADE = 0.1, 0.3  #: shape quality of triangles (1: equilateral) between which the correction fades in


@dataclass(frozen=True)
class HingeMatrix:
    """Moments [N m] from the angles past rest [rad]: sparse symmetric rows, and what bounds them."""

    start: np.ndarray  #: first entry of every row, shape [H + 1]
    item: np.ndarray  #: hinge of every entry
    value: np.ndarray  #: [N m]
    bound: np.ndarray  #: a diagonal matrix with these is stiffer than three quarters of the whole [N m], shape [H]


def bending_form(warp: np.ndarray, weft: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Diagonal of the energy's form in the curvatures (along warp, along weft, twist) [N m], shape [..., 3].

    A plate without lateral contraction; the twist's figure makes a free strip on the bias bend with ``bias``:
    4 / bias = 1 / warp + 1 / weft + 1 / twist (compliances of an orthotropic plate at 45 degrees).
    """
    mean = 1 / warp + 1 / weft
    twist = 1 / np.maximum(4 / bias - mean, 0.1 * mean)
    return np.stack([warp, weft, 4 * twist], -1)


@dataclass(frozen=True)
class _Shape:
    """Per triangle and edge (corner to next corner); curvatures are (warp warp, weft weft, warp weft)."""

    area: np.ndarray  #: [T]
    slope: np.ndarray  #: curvature of the triangle for a unit slope across each edge [1/m], shape [T, 3, 3]
    edge_frame: np.ndarray  #: curvature to (across, along, mixed) of each edge, shape [T, 3, 3, 3]
    quality: np.ndarray  #: 1 for equilateral triangles, 0 for slivers, shape [T]


def hinge_matrix(
    rest: np.ndarray, form: np.ndarray, sides: np.ndarray, active: np.ndarray, crease: np.ndarray
) -> HingeMatrix:
    """Stiffness between the angles of a mesh.

    Args:
        rest: Flat corners of every triangle in (warp, weft) [m], shape [T, 3, 2].
        form: Of every triangle, see :func:`bending_form`, shape [T, 3].
        sides: The two half-edges (3 * triangle + edge) of every hinge, shape [H, 2].
        active: Hinges that have a moment at all, shape [H].
        crease: Length of flat cloth [m] that bends as easily as the fold at a hinge opens; 0 for no fold, shape [H].
    """
    shape = _shape(rest)
    count, h1, h2 = len(sides), sides[:, 0], sides[:, 1]
    own = (shape.area[:, None] * np.einsum("tia,ta,tia->ti", shape.slope, form, shape.slope)).ravel()
    bound_ones = _one_to_each_side(3 * len(rest), h1, h2, active)
    gives, edge_stiffness = 1 / np.maximum(own, 1e-30), own / shape.slope[..., :2].sum(2).ravel()
    fold = crease / np.maximum(0.5 * (edge_stiffness[h1] + edge_stiffness[h2]), 1e-30)
    together = gives[h1] + gives[h2] + fold
    series = np.where(active, 1 / together, 0.0)
    share = _shares(shape, gives[h1] / together, gives[h2] / together, h1, h2, bound_ones, crease > 0)
    slopes = _free_edges(shape, form, np.setdiff1d(np.arange(3 * len(rest)), sides[bound_ones])) @ share
    t = len(rest)
    rows = np.repeat(np.arange(3 * t).reshape(t, 1, 3), 3, axis=1)
    cols = np.repeat(np.arange(3 * t).reshape(t, 3, 1), 3, axis=2)
    weighted = shape.slope * np.sqrt(shape.area[:, None, None] * form[:, None, :])
    root = scipy.sparse.csr_matrix((weighted.ravel(), (rows.ravel(), cols.ravel())), shape=(3 * t, 3 * t)) @ slopes
    rest_of_it = np.where(bound_ones, fold / together**2, series)
    whole = (root.T @ root + scipy.sparse.diags(rest_of_it)).tocoo()
    size = np.sqrt(np.maximum(whole.diagonal(), 1e-30))
    keep = np.abs(whole.data) > 1e-3 * size[whole.row] * size[whole.col]
    whole = scipy.sparse.csr_matrix((whole.data[keep], (whole.row[keep], whole.col[keep])), shape=(count, count))
    bound = np.maximum(0.75 * np.asarray(abs(whole).sum(1)).ravel(), series)
    return HingeMatrix(
        whole.indptr.astype(np.int32), whole.indices.astype(np.int32), whole.data.astype(np.float32),
        bound.astype(np.float32),
    )


def _shape(rest: np.ndarray) -> _Shape:
    side = np.roll(rest, -1, axis=1) - rest
    length = np.maximum(np.linalg.norm(side, axis=2), 1e-9)
    turned = rest[:, 1] - rest[:, 0], rest[:, 2] - rest[:, 0]
    signed = 0.5 * (turned[0][:, 0] * turned[1][:, 1] - turned[0][:, 1] * turned[1][:, 0])
    area = np.maximum(np.abs(signed), 1e-4 * length.max(1) ** 2)
    along = side / length[..., None]
    out = np.stack([along[..., 1], -along[..., 0]], -1) * np.where(signed < 0, -1.0, 1.0)[:, None, None]
    slope = _products(out, out) * (length / area[:, None])[..., None]
    double = np.array([1.0, 1.0, 2.0])
    mixed = np.stack([out[..., 0] * along[..., 0], out[..., 1] * along[..., 1],
                      out[..., 0] * along[..., 1] + out[..., 1] * along[..., 0]], -1)  # fmt: skip
    frame = np.stack([_products(out, out) * double, _products(along, along) * double, mixed], -2)
    return _Shape(area, slope, frame, 4 * np.sqrt(3) * area / (length**2).sum(1))


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.stack([a[..., 0] * b[..., 0], a[..., 1] * b[..., 1], a[..., 0] * b[..., 1]], -1)


def _one_to_each_side(count: int, h1: np.ndarray, h2: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Hinges that are the first of both their half-edges (``count`` in all); three layers sewn together have others."""
    number = np.arange(len(h1))
    first = np.full(count, len(h1))
    for half in (h1, h2):
        np.minimum.at(first, half[active], number[active])
    return active & (first[h1] == number) & (first[h2] == number)


def _shares(
    shape: _Shape, first: np.ndarray, second: np.ndarray, h1: np.ndarray, h2: np.ndarray, mine: np.ndarray,
    folded: np.ndarray,
):
    """Slope across every half-edge, past its triangle's plane, from the angles: sparse, shape [3 T, H].

    ``first`` and ``second`` are the shares of either side by its compliance; what a fold takes is missing in them.
    """
    t = len(shape.area)
    hinge, partner = np.full(3 * t, -1), np.full(3 * t, -1)
    smooth = np.flatnonzero(mine & ~folded)
    hinge[h1[smooth]] = hinge[h2[smooth]] = smooth
    partner[h1[smooth]], partner[h2[smooth]] = h2[smooth], h1[smooth]
    # slopes of a quadratic surface with unit curvatures, in every edge's own frame: alike on both of its sides
    sound = np.where(shape.quality[:, None, None] > 0.5 * FADE[0], shape.slope, np.eye(3))
    unit = np.linalg.inv(np.swapaxes(sound, 1, 2))
    unit = np.swapaxes(np.linalg.solve(np.swapaxes(shape.edge_frame, 2, 3), unit[..., None]), 2, 3).reshape(3 * t, 3)
    a, b = h1[smooth], h2[smooth]
    near, fit = _curvature_fit(shape, unit, hinge, partner, a, b)
    fade = np.clip((np.minimum(shape.quality[a // 3], shape.quality[b // 3]) - FADE[0]) / (FADE[1] - FADE[0]), 0, 1)
    odd = (unit[a] - first[smooth, None] * (unit[a] + unit[b])) * fade[:, None]
    more = np.einsum("ha,hak->hk", odd, fit)
    use = (hinge[near] >= 0) & (np.abs(more) > LEAST_SHARE)
    five = lambda half: np.broadcast_to(half[:, None], use.shape)[use]  # noqa: E731
    k, by = np.flatnonzero(mine), hinge[near][use]
    # what one side takes more of an angle, the other takes less
    value = np.concatenate([first[k], second[k], more[use], -more[use]])
    row, col = np.concatenate([h1[k], h2[k], five(a), five(b)]), np.concatenate([k, k, by, by])
    return scipy.sparse.csr_matrix((value, (row, col)), shape=(3 * t, len(h1)))


def _curvature_fit(
    shape: _Shape, unit: np.ndarray, hinge: np.ndarray, partner: np.ndarray, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Least squares of the curvature at each hinge (sides a and b), in its edge's frame, from the angles nearby.

    Returns:
        Half-edges of those angles, the hinge's own and the two others of either triangle, shape [S, 5]; curvature for
        a unit of each angle [1/m], shape [S, 3, 5].
    """
    near = np.stack([a, _turned(a, 1), _turned(a, 2), _turned(b, 1), _turned(b, 2)], 1)
    frame = shape.edge_frame.reshape(-1, 3, 3)
    change = frame[near] @ np.linalg.inv(frame[np.stack([a, a, a, b, b], 1)])  # to the frame of each angle's edge
    theta = np.einsum("hka,hkab->hkb", unit[near] + unit[partner[near]], change) * (hinge[near] >= 0)[..., None]
    size = np.maximum(np.linalg.norm(theta, axis=2), 1e-12)
    rows = theta / size[..., None]
    normal = np.einsum("hka,hkb->hab", rows, rows)
    normal += RIDGE * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    return near, np.einsum("hab,hkb->hak", np.linalg.inv(normal), rows) / size[:, None, :]


def _turned(half: np.ndarray, by: int) -> np.ndarray:
    """The half-edge ``by`` further around its triangle."""
    return half - half % 3 + (half % 3 + by) % 3


def _free_edges(shape: _Shape, form: np.ndarray, free: np.ndarray):
    """From the slopes across edges with a hinge to those across all: free edges bend so that no moment acts on them."""
    t = len(shape.area)
    mine = np.unique(free // 3)
    is_free = np.zeros(3 * t, bool)
    is_free[free] = True
    is_free = is_free.reshape(t, 3)[mine]
    slope = shape.slope[mine]
    stiff = np.einsum("tia,ta,tja->tij", slope, form[mine], slope)
    stiff /= np.maximum(np.einsum("tii->ti", stiff), 1e-30)[:, :, None]
    stiff += 1e-4 * np.eye(3)
    system = np.where(is_free[:, :, None], stiff, np.eye(3))
    local = np.linalg.inv(system) * ~is_free[:, None, :]
    others = np.setdiff1d(np.arange(t), mine)
    kept = (3 * others[:, None] + np.arange(3)).ravel()
    rows = np.repeat(3 * mine[:, None] + np.arange(3), 3, axis=1).ravel()
    cols = np.tile(3 * mine[:, None] + np.arange(3), 3).ravel()
    value = np.concatenate([np.ones(len(kept)), local.ravel()])
    return scipy.sparse.csr_matrix((value, (np.append(kept, rows), np.append(kept, cols))), shape=(3 * t, 3 * t))
