"""Named landmarks, regions and the outer surface of a body model's topology, read from its file."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from avatars.body_model import BodyModel
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
            f"{model.path}: landmarks and regions of this model's mesh ({len(model.v_template)} vertices) are not known",
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
        )
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise InputError(
            "model.damaged", f"{model.path}: the body's landmarks and regions cannot be read: {error}",
            "install Toile again, or build the open body with python -m tools.build_open_body",
        ) from None
