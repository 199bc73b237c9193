"""Body models in SMPL-X's file layout: reading them, and skinning as a differentiable function.

The forward follows SMPL-X (Pavlakos et al., "Expressive Body Capture: 3D Hands, Face, and Body from a Single Image",
CVPR 2019): blend shapes, joints regressed from the shaped vertices, pose correctives, linear blend skinning.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.errors import InputError
from engine.core.safe_io import read_bytes

__all__ = ["JOINT_NAMES", "JOINT_PARENTS", "BodyModel", "rotation_matrices"]


def _fingers(side: str) -> list[str]:
    return [f"{side}_{finger}{k}" for finger in ("index", "middle", "pinky", "ring", "thumb") for k in (1, 2, 3)]


JOINT_NAMES: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "jaw", "left_eye", "right_eye",
    *_fingers("left"), *_fingers("right"),
)  # fmt: skip
JOINT_PARENTS: tuple[int, ...] = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15,
    20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35, 20, 37, 38,
    21, 40, 41, 21, 43, 44, 21, 46, 47, 21, 49, 50, 21, 52, 53,
)  # fmt: skip

SHAPE_COLUMNS = 300  #: SMPL-X keeps shape directions in columns 0-299 and expressions from 300
MAX_MODEL_BYTES = 2 << 30
_HINT = "give a SMPL-X model file (.npz or .safetensors with 55 joints), or leave it out to use the open body"
_REQUIRED = {"v_template": 2, "f": 2, "shapedirs": 3, "J_regressor": 2, "weights": 2, "kintree_table": 2}


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A body model. Arrays are as in the file, with unused shape and expression columns left out."""

    name: str  #: open_body or smplx
    path: Path
    v_template: np.ndarray  #: [m], shape [V, 3]
    faces: np.ndarray  #: shape [F, 3]
    shapedirs: np.ndarray  #: [m] per unit of beta, shape [V, 3, n_betas]
    exprdirs: np.ndarray  #: [m] per unit of expression, shape [V, 3, n_expressions]
    posedirs: np.ndarray | None  #: [m], shape [V, 3, 486]; None when all zero
    joint_regressor: np.ndarray  #: shape [55, V]
    weights: np.ndarray  #: shape [V, 55]
    hands_mean: np.ndarray  #: left and right mean hand pose, axis-angle [rad], shape [2, 45]
    extras: dict[str, np.ndarray] = field(default_factory=dict)  #: everything else in the file
    _tensors: dict = field(default_factory=dict, repr=False)
    _posed: dict = field(default_factory=dict, repr=False)

    @property
    def n_betas(self) -> int:
        """Number of shape parameters that move anything."""
        return self.shapedirs.shape[2]

    @property
    def n_expressions(self) -> int:
        """Number of expression parameters that move anything."""
        return self.exprdirs.shape[2]

    @staticmethod
    def load(path: str | Path) -> BodyModel:
        """Reads a model in SMPL-X's layout from .npz or .safetensors, without unpickling anything."""
        p = Path(path)
        arrays = _read(p)
        _check(arrays, p)
        return _from_arrays(arrays, p)

    def forward(self, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Skinned vertices and joints; arguments and values as of :meth:`forward_turns`."""
        return self.forward_turns(*args, **kwargs)[:2]

    def forward_turns(
        self,
        betas: torch.Tensor | None = None,
        expression: torch.Tensor | None = None,
        global_orient: torch.Tensor | None = None,
        body_pose: torch.Tensor | None = None,
        left_hand_pose: torch.Tensor | None = None,
        right_hand_pose: torch.Tensor | None = None,
        jaw_pose: torch.Tensor | None = None,
        leye_pose: torch.Tensor | None = None,
        reye_pose: torch.Tensor | None = None,
        transl: torch.Tensor | None = None,
        *,
        vertex_ids: np.ndarray | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Skinned vertices, joints, and the joints' rotations from the T-pose; differentiable in every argument.

        Args:
            betas: shape [B, n] with n <= n_betas (the missing ones are zero).
            expression: shape [B, n] with n <= n_expressions.
            global_orient, jaw_pose, leye_pose, reye_pose: axis-angle [rad], shape [B, 3].
            body_pose: axis-angle of joints 1-21 [rad], shape [B, 63] or [B, 21, 3].
            left_hand_pose, right_hand_pose: axis-angle relative to the model's mean hand, [B, 45] or [B, 15, 3].
            transl: [m], shape [B, 3].
            vertex_ids: only these vertices are computed.

        Returns:
            Vertices [B, V, 3], joints [B, 55, 3] and rotations [B, 55, 3, 3], float64 if any input is, else float32.
        """
        parts = (betas, expression, global_orient, body_pose, left_hand_pose, right_hand_pose, jaw_pose, leye_pose,
                 reye_pose, transl)  # fmt: skip
        given = [torch.as_tensor(x) for x in parts if x is not None]
        dtype = torch.float64 if any(x.dtype == torch.float64 for x in given) else torch.float32
        batch = max((len(x) for x in given), default=1)
        t = self._constants(dtype)

        def pose(value: torch.Tensor | None, joints: int) -> torch.Tensor:
            if value is None:
                return torch.zeros((batch, joints, 3), dtype=dtype)
            return torch.as_tensor(value).to(dtype).reshape(-1, joints, 3).expand(batch, joints, 3)

        full = torch.cat(
            [
                pose(global_orient, 1), pose(body_pose, 21), pose(jaw_pose, 1), pose(leye_pose, 1), pose(reye_pose, 1),
                pose(left_hand_pose, 15) + t["hands_mean"][0], pose(right_hand_pose, 15) + t["hands_mean"][1],
            ],
            dim=1,
        )  # fmt: skip
        rotation = rotation_matrices(full)
        rows = slice(None) if vertex_ids is None else torch.as_tensor(np.asarray(vertex_ids, np.int64))
        rest, joints = t["v_template"][rows][None], t["j_template"][None]
        for name, value in (("shape", betas), ("expr", expression)):
            if value is not None and value.shape[1]:
                c = torch.as_tensor(value).to(dtype)
                rest = rest + torch.einsum("bn,vdn->bvd", c, t[f"{name}dirs"][rows][..., : c.shape[1]])
                joints = joints + torch.einsum("bn,jdn->bjd", c, t[f"j_{name}"][..., : c.shape[1]])
        if self.posedirs is not None:
            feature = (rotation[:, 1:] - torch.eye(3, dtype=dtype)).reshape(batch, -1)
            rest = rest + torch.einsum("bn,vdn->bvd", feature, t["posedirs"][rows])
        rest, joints = rest.expand(batch, -1, 3), joints.expand(batch, -1, 3)
        linear, offset, posed = _chain(rotation, joints)
        weights = t["weights"][rows]
        maps = weights @ torch.cat([linear.reshape(batch, -1, 9), offset], dim=-1)  # [B, V, 12]
        skinned = (maps[..., :9].reshape(batch, -1, 3, 3) @ rest[..., None])[..., 0] + maps[..., 9:]
        if transl is not None:
            shift = torch.as_tensor(transl).to(dtype)[:, None]
            skinned, posed = skinned + shift, posed + shift
        return skinned, posed, linear

    def posed_shapes(self, body_pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices as a function of the shape at a fixed body pose, which skinning makes affine (cached).

        Args:
            body_pose: axis-angle of joints 1-21 [rad], shape [21, 3].

        Returns:
            Vertices at zero betas [m], shape [V, 3], and their derivatives by beta, shape [V, 3, n_betas], float64;
            not to be written to.
        """
        key = np.asarray(body_pose, np.float64).tobytes()
        if key not in self._posed:
            while len(self._posed) >= 4:
                self._posed.pop(next(iter(self._posed)))
            self._posed[key] = self._affine(np.asarray(body_pose, np.float64).reshape(1, 21, 3))
        return self._posed[key]

    def _affine(self, body_pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = self._constants(torch.float64)
        with torch.no_grad():
            hands = t["hands_mean"][None]
            full = torch.cat([torch.zeros(1, 1, 3), torch.from_numpy(body_pose), torch.zeros(1, 3, 3), hands[:, 0],
                              hands[:, 1]], dim=1).double()  # fmt: skip
            rotation = rotation_matrices(full)
            rest = t["v_template"]
            if self.posedirs is not None:
                feature = (rotation[0, 1:] - torch.eye(3, dtype=torch.float64)).reshape(-1)
                rest = rest + t["posedirs"] @ feature
            joints = torch.cat([t["j_template"][None], t["j_shape"].permute(2, 0, 1)])
            linear, offset, _ = _chain(rotation.expand(len(joints), -1, -1, -1), joints)
            turn = (t["weights"] @ linear[0].reshape(-1, 9)).reshape(-1, 3, 3)
            shift = torch.einsum("vj,njd->vdn", t["weights"], offset)
            base = (turn @ rest[..., None])[..., 0] + shift[..., 0]
            return base.numpy(), (turn @ t["shapedirs"] + shift[..., 1:]).numpy()

    def _constants(self, dtype: torch.dtype) -> dict[str, torch.Tensor]:
        if dtype not in self._tensors:
            j = self.joint_regressor.astype(np.float64)
            arrays = {
                "v_template": self.v_template, "shapedirs": self.shapedirs, "exprdirs": self.exprdirs,
                "weights": self.weights, "hands_mean": self.hands_mean.reshape(2, 15, 3),
                "j_template": j @ self.v_template.astype(np.float64),
                "j_shape": np.einsum("jv,vdn->jdn", j, self.shapedirs.astype(np.float64), optimize=True),
                "j_expr": np.einsum("jv,vdn->jdn", j, self.exprdirs.astype(np.float64), optimize=True),
            }  # fmt: skip
            if self.posedirs is not None:
                arrays["posedirs"] = self.posedirs
            self._tensors[dtype] = {k: torch.from_numpy(np.ascontiguousarray(v)).to(dtype) for k, v in arrays.items()}
        return self._tensors[dtype]


def rotation_matrices(axis_angle: torch.Tensor) -> torch.Tensor:
    """Rodrigues' formula, smooth at zero. [..., 3] -> [..., 3, 3]."""
    squared = (axis_angle * axis_angle).sum(-1)
    small = squared < 1e-8
    angle = torch.sqrt(torch.where(small, torch.ones_like(squared), squared))
    a = torch.where(small, 1 - squared / 6, torch.sin(angle) / angle)
    b = torch.where(small, 0.5 - squared / 24, (1 - torch.cos(angle)) / (angle * angle))
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    k = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*axis_angle.shape[:-1], 3, 3)
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return eye + a[..., None, None] * k + b[..., None, None] * (k @ k)


def _chain(rotation: torch.Tensor, joints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """World maps x -> A x + t of the 55 joints from the T-pose, and posed joints."""
    linear: list[torch.Tensor] = [rotation[:, 0]]
    posed: list[torch.Tensor] = [joints[:, 0]]
    for j, parent in enumerate(JOINT_PARENTS[1:], start=1):
        bone = joints[:, j] - joints[:, parent]
        posed.append(posed[parent] + (linear[parent] @ bone[..., None])[..., 0])
        linear.append(linear[parent] @ rotation[:, j])
    a, p = torch.stack(linear, 1), torch.stack(posed, 1)
    return a, p - (a @ joints[..., None])[..., 0], p


def _read(path: Path) -> dict[str, np.ndarray]:
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return load(read_bytes(path, limit=MAX_MODEL_BYTES, what="body model"))
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise InputError("model.damaged", f"{path}: is not a readable body model: {error}", _HINT) from None
    if suffix == ".pkl":
        raise InputError(
            "file.pickle", f"{path}: pickle files run code when they are read and are refused",
            "convert it in isolation with: python -m avatars.convert_pickle in.pkl out.npz",
        )
    if suffix != ".npz":
        raise InputError("model.format", f"{path}: body models are read from .npz or .safetensors", _HINT)
    return _read_npz(path)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    """The numeric arrays of an .npz file; the pickled tables that SMPL-X's own files hold besides are left alone."""
    stream = io.BytesIO(read_bytes(path, limit=MAX_MODEL_BYTES, what="body model"))
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = [e for e in archive.infolist() if e.filename.endswith(".npy")]
            if sum(e.file_size for e in entries) > MAX_MODEL_BYTES:
                raise InputError("file.too_large", f"{path}: unpacks to more than 2 GB", _HINT)
            for entry in entries:
                with archive.open(entry) as member:
                    version = np.lib.format.read_magic(member)
                    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
                        np.lib.format.read_array_header_2_0)  # fmt: skip
                    if header(member)[2].hasobject:
                        continue
                with archive.open(entry) as member:
                    arrays[entry.filename[:-4]] = np.lib.format.read_array(member, allow_pickle=False)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError, zlib.error, NotImplementedError) as error:
        raise InputError("model.damaged", f"{path}: is not a readable body model: {error}", _HINT) from None
    return arrays


def _check(a: dict[str, np.ndarray], path: Path) -> None:
    """InputError unless the arrays have SMPL-X's names, shapes and sound values."""

    def bad(what: str) -> InputError:
        return InputError("model.damaged", f"{path}: {what}", _HINT)

    for name, dims in _REQUIRED.items():
        if name not in a:
            raise bad(f"has no array '{name}'")
        if a[name].ndim != dims or a[name].dtype.kind not in "fiu":
            raise bad(f"'{name}' has shape {a[name].shape} of {a[name].dtype}, expected {dims} numeric dimensions")
    count, joints = len(a["v_template"]), len(JOINT_NAMES)
    expected = {
        "v_template": (count, 3), "f": (len(a["f"]), 3), "shapedirs": (count, 3, a["shapedirs"].shape[2]),
        "J_regressor": (joints, count), "weights": (count, joints), "kintree_table": (2, joints),
    }  # fmt: skip
    if "posedirs" in a:
        expected["posedirs"] = (count, 3, 9 * (joints - 1))
    for name, shape in expected.items():
        if a[name].shape != shape:
            raise bad(f"'{name}' has shape {a[name].shape}, expected {shape}")
    for name in ("v_template", "shapedirs", "J_regressor", "weights"):
        if not np.isfinite(a[name]).all():
            raise bad(f"'{name}' contains values that are not numbers")
    if len(a["f"]) == 0 or a["f"].min() < 0 or a["f"].max() >= count:
        raise bad("'f' names vertices that do not exist")
    if tuple(int(x) for x in a["kintree_table"][0][1:].astype(np.int64)) != JOINT_PARENTS[1:]:
        raise bad("'kintree_table' is not SMPL-X's tree of 55 joints")


def _used(columns: np.ndarray) -> np.ndarray:
    """Leading columns up to the last one that is not all zero."""
    moving = np.flatnonzero(columns.any(axis=(0, 1)))
    return np.ascontiguousarray(columns[..., : moving[-1] + 1 if len(moving) else 0], dtype=np.float32)


def _from_arrays(a: dict[str, np.ndarray], path: Path) -> BodyModel:
    columns = a["shapedirs"]
    full = columns.shape[2] >= SHAPE_COLUMNS + 100
    split = SHAPE_COLUMNS if full else 10  # smaller files hold 10 + 10
    posedirs = a.get("posedirs")
    if posedirs is not None and not posedirs.any():
        posedirs = None
    hands = np.stack([np.asarray(a.get(f"hands_mean{s}", np.zeros(45)), np.float32).reshape(45) for s in "lr"])
    known = {*_REQUIRED, "posedirs", "hands_meanl", "hands_meanr"}
    return BodyModel(
        name="open_body" if "toile_meta" in a else "smplx",
        path=path,
        v_template=np.asarray(a["v_template"], np.float32),
        faces=np.asarray(a["f"], np.int32),
        shapedirs=_used(columns[..., :split]),
        exprdirs=_used(columns[..., split : split + (100 if full else 10)]),
        posedirs=None if posedirs is None else np.asarray(posedirs, np.float32),
        joint_regressor=np.asarray(a["J_regressor"], np.float32),
        weights=np.asarray(a["weights"], np.float32),
        hands_mean=hands,
        extras={k: v for k, v in a.items() if k not in known},
    )
