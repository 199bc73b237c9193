"""Named landmarks, regions and the outer surface of a body model's topology, read from its file."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from avatars.body_model import JOINT_NAMES, BodyModel
from avatars.contact_surface import untangle
from engine.core.errors import InputError, UnsupportedError

__all__ = ["BodyTopology", "topology_of"]


@dataclass(frozen=True, eq=False)
class BodyTopology:
    """What is known of one mesh topology beyond its geometry."""

    contact_index: np.ndarray  #: model vertex of each contact vertex, shape [C]
    contact_faces: np.ndarray  #: into the contact vertices, shape [D, 3]
    surface: np.ndarray  #: the same triangles into the model's vertices, shape [D, 3]
    landmarks: dict[str, np.ndarray]  #: name -> vertices whose mean is the landmark
    regions: dict[str, np.ndarray]  #: name -> triangles into the model's vertices, shape [n, 3]
    uv: np.ndarray  #: shape [U, 2]
    uv_faces: np.ndarray  #: into uv, one per model face, shape [F, 3]
    density: float  #: of the whole body [kg/m3]
    relaxed: csr_matrix  #: rows for vertices whose contact position is a mean of others, shape [V, V]; else empty
    creases: np.ndarray  #: contact triangles of trunk and limbs, where folds may cut each other

    def contact_vertices(self, vertices: np.ndarray) -> np.ndarray:
        """The closed outer surface of a posed body, free of self-intersections where cloth passes [m], shape [C, 3].

        Args:
            vertices: all vertices of the model [m], shape [V, 3].
        """
        moved = self.relaxed.indptr[1:] > self.relaxed.indptr[:-1]
        v = np.array(vertices, np.float64)
        v[moved] = self.relaxed[moved] @ vertices
        return untangle(v[self.contact_index], self.contact_faces, self.creases)[0]

    def point(self, vertices: np.ndarray, name: str) -> np.ndarray:
        """A landmark of a body, shape [3]."""
        return vertices[self.landmarks[name]].mean(0)


_CACHE: dict[int, tuple[BodyModel, BodyTopology]] = {}


def topology_of(model: BodyModel) -> BodyTopology:
    """The topology of a model; UnsupportedError if its landmarks and regions are not known."""
    if id(model) not in _CACHE:
        _CACHE[id(model)] = (model, _build(model))
    return _CACHE[id(model)][1]


def _build(model: BodyModel) -> BodyTopology:
    e = model.extras
    if "toile_meta" not in e:
        raise UnsupportedError(
            "model.topology",
            f"{model.path}: landmarks of this model's mesh ({len(model.v_template)} vertices) are not known",
            "use the open body for measuring and draping; other models can be loaded and posed",
        )
    try:
        meta = json.loads(bytes(e["toile_meta"]).decode())
        surface = e["toile_contact_faces"].astype(np.int32)
        index, flat = np.unique(surface, return_inverse=True)
        return BodyTopology(
            contact_index=index.astype(np.int32),
            contact_faces=flat.reshape(-1, 3).astype(np.int32),
            surface=surface,
            landmarks={k: np.array(v, np.int64) for k, v in meta["landmarks"].items()},
            regions={k: surface[e[f"toile_region_{k}"]] for k in meta["regions"]},
            uv=e["vt"].astype(np.float32),
            uv_faces=e["ft"].astype(np.int32),
            density=float(meta["density"]),
            relaxed=csr_matrix(
                (e["toile_relaxed_weights"].astype(np.float64), e["toile_relaxed_indices"], e["toile_relaxed_indptr"]),
                shape=(len(model.v_template),) * 2,
            ),
            creases=_creases(model.weights[surface]),
        )
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise InputError(
            "model.damaged", f"{model.path}: the body's landmarks and regions cannot be read: {error}",
            "install Toile again, or build the open body with python -m tools.build_open_body",
        ) from None


def _creases(weights: np.ndarray) -> np.ndarray:
    """Triangles moved by neither head, hands nor feet; weights of their corners, shape [D, 3, 55]."""
    ends = ["head", "jaw", "left_eye", "right_eye"]
    ends += [f"{side}_{part}" for side in ("left", "right") for part in ("ankle", "foot", "wrist")]
    share = weights[:, :, [JOINT_NAMES.index(n) for n in ends] + list(range(25, len(JOINT_NAMES)))].sum(2)
    return np.flatnonzero((share < 0.5).all(1))
