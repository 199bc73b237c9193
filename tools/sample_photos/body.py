"""Bodies for the synthetic photos: Anny shapes, posed by Anny's own rig and turned into the product's world axes.

Deliberately independent of the product's own body model: what the photo fit is tested on must not come from its
shape basis. Anny is Apache-2.0, its data is MakeHuman's (CC0). https://github.com/naver/anny
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np

__all__ = ["MEASURING_POSE", "BodyModel", "Pose", "body_model", "mass_of", "JOINTS"]

#: Named joints of the ground truth and the Anny bone whose head each is.
JOINTS = {
    "pelvis": "spine05", "neck": "neck01", "head": "head", "eye_l": "eye.L", "eye_r": "eye.R",
    "shoulder_l": "upperarm01.L", "elbow_l": "lowerarm01.L", "wrist_l": "wrist.L",
    "shoulder_r": "upperarm01.R", "elbow_r": "lowerarm01.R", "wrist_r": "wrist.R",
    "hip_l": "upperleg01.L", "knee_l": "lowerleg01.L", "ankle_l": "foot.L", "toe_l": "toe1-1.L",
    "hip_r": "upperleg01.R", "knee_r": "lowerleg01.R", "ankle_r": "foot.R", "toe_r": "toe1-1.R",
}  # fmt: skip

DENSITY = 985.0  #: mean density of a living body with half-filled lungs [kg/m3]


@dataclass(frozen=True)
class Pose:
    """A standing (or sitting) pose by limb angles [rad]; left and right as pairs (left, right)."""

    arm_abduction: tuple[float, float] = (0.5, 0.5)  #: upper arm from straight down, sideways
    arm_flexion: tuple[float, float] = (0.05, 0.05)  #: upper arm forwards
    elbow_flexion: tuple[float, float] = (0.2, 0.2)
    leg_abduction: tuple[float, float] = (0.09, 0.09)  #: thigh from straight down, sideways
    leg_flexion: tuple[float, float] = (0.07, 0.07)
    knee_flexion: tuple[float, float] = (0.13, 0.13)
    foot_yaw: tuple[float, float] = (0.15, 0.15)  #: toes outwards
    spine: tuple[float, float, float] = (0.0, 0.0, 0.0)  #: forwards, sideways (to the left), twist to the left
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)  #: nod, tilt, turn to the left
    yaw: float = 0.0  #: turn of the whole person about the vertical; pi/2 shows the right side to a camera at +Z


#: Standing measuring pose: arms 45 degrees off the body, legs 5 degrees off the vertical each.
MEASURING_POSE = Pose(
    arm_abduction=(np.pi / 4, np.pi / 4), arm_flexion=(0.0, 0.0), elbow_flexion=(0.1, 0.1), leg_abduction=(0.09, 0.09),
    foot_yaw=(0.1, 0.1),
)  # fmt: skip


@dataclass
class BodyModel:
    """Anny with everything that the photos need in NumPy, in the product's axes (Y up, +Z front, metres)."""

    model: object
    faces: np.ndarray  #: shape [F, 3]
    uv: np.ndarray  #: shape [U, 2]
    uv_faces: np.ndarray  #: into uv, shape [F, 3]
    template: np.ndarray  #: an average adult in the reference pose, shape [V, 3]
    arm_weight: np.ndarray  #: how much the arms' bones move each vertex, 0..1, shape [V]
    bone_index: dict[str, int] = field(default_factory=dict)

    def posed(self, shape: dict, pose: Pose) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Vertices [m], shape [V, 3], feet on the floor and pelvis over the origin, and the named joints [m].

        ``shape`` has the Anny parameters: ``phenotype``, ``local_changes`` and (optional) ``face``.
        """
        zero = self._forward(shape, None)
        deltas = _pose_rotations(zero[1], self.bone_index, self.model.bone_parents, pose)
        vertices, joints = self._forward(shape, deltas)
        origin = np.array([joints[self.bone_index["spine05"]][0], vertices[:, 1].min(), 0.0])
        origin[2] = joints[self.bone_index["spine05"]][2]
        turn = _rotation((0, 1, 0), pose.yaw)
        vertices, joints = (vertices - origin) @ turn.T, (joints - origin) @ turn.T
        return vertices, {name: joints[self.bone_index[bone]] for name, bone in JOINTS.items()}

    def _forward(self, shape: dict, deltas: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        import torch

        pose = None
        if deltas is not None:
            anny_deltas = np.tile(np.eye(4), (len(deltas), 1, 1))
            anny_deltas[:, :3, :3] = _TO_WORLD.T @ deltas @ _TO_WORLD
            pose = torch.as_tensor(anny_deltas)[None].to(self.model.dtype)
        with torch.no_grad():
            out = self.model(
                pose_parameters=pose,
                phenotype_kwargs=dict(shape["phenotype"]),
                local_changes_kwargs=dict(shape.get("local_changes", {})),
                facial_actions=dict(shape.get("face", {})),
            )
        heads = out["bone_poses"][0, :, :3, 3]
        return out["vertices"][0].numpy() @ _TO_WORLD.T, heads.numpy() @ _TO_WORLD.T

    def stature_and_mass(self, shape: dict) -> tuple[float, float]:
        """Standing height [m] (floor to crown, without hair) and mass [kg] at ``DENSITY``."""
        vertices, _ = self.posed(shape, MEASURING_POSE)
        return float(np.ptp(vertices[:, 1])), mass_of(vertices, self.faces)[1]

    def sized(self, shape: dict, stature: float, bmi: float) -> dict:
        """The shape with ``height`` and ``weight`` set to stand ``stature`` metres tall at ``bmi`` [kg/m2].

        Anny's own ``weight`` ends at a body mass index of about 25, so more comes from local changes (``FAT``).
        Alternating bisections; an index out of reach ends at the nearest.
        """
        lean, height, fat = dict(shape.get("local_changes", {})), 0.4, 0.7

        def build() -> dict:
            local = dict(lean)
            for name, amount in FAT.items():
                local[name] = local.get(name, 0.0) + amount * max(0.0, fat - 1.0)
            phenotype = {**shape["phenotype"], "height": height, "weight": min(fat, 1.0)}
            return {**shape, "phenotype": phenotype, "local_changes": local}

        for _ in range(2):
            low, high = 0.0, 2.2
            for _ in range(9):
                fat = 0.5 * (low + high)
                tall, mass = self.stature_and_mass(build())
                low, high = (fat, high) if mass < bmi * tall * stature else (low, fat)
            low, high = 0.0, 1.0
            for _ in range(12):
                height = 0.5 * (low + high)
                low, high = (height, high) if self.stature_and_mass(build())[0] < stature else (low, height)
        return build()


#: Where fat goes beyond Anny's heaviest ``weight`` (local changes at strength 1).
FAT = {
    "measure-waist-circ-incr": 0.9, "measure-hips-circ-incr": 0.8, "measure-bust-circ-incr": 0.7,
    "measure-underbust-circ-incr": 0.5, "measure-thigh-circ-incr": 0.6, "measure-knee-circ-incr": 0.3,
    "measure-calf-circ-incr": 0.5, "measure-upperarm-circ-incr": 0.7, "measure-neck-circ-incr": 0.5,
    "stomach-tone-incr": -0.7, "stomach-pregnant-incr": 0.25, "torso-scale-depth-incr": 0.4,
    "buttocks-volume-incr": 0.4, "head-fat-incr": 0.7, "neck-double-incr": 0.5,
}  # fmt: skip
_ARM_BONES = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
_TO_WORLD = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  #: Anny's Z up, -Y front to Y up, +Z front


@functools.lru_cache(maxsize=1)
def body_model() -> BodyModel:
    """Loads Anny with all phenotypes and local changes (seconds; its first run builds a cache of about 1 GB)."""
    import anny
    import torch

    torch.set_num_threads(1)
    model = anny.Anny(local_changes="all", facial_actions="all", phenotypes="all", skinning_method="lbs")
    weights = model.vertex_bone_weights.numpy()
    arm = np.array([label.startswith(_ARM_BONES) for label in model.bone_labels])
    body = BodyModel(
        model=model,
        faces=np.asarray(model.faces, dtype=np.int64),
        uv=model.texture_coordinates.numpy(),
        uv_faces=model.face_texture_coordinate_indices.numpy(),
        template=np.zeros((0, 3)),
        arm_weight=(weights * arm[model.vertex_bone_indices.numpy()]).sum(1) / weights.sum(1),
        bone_index={label: i for i, label in enumerate(model.bone_labels)},
    )
    body.template, _ = body._forward({"phenotype": {"gender": 0.5, "age": 0.67}}, None)
    body.template[:, 1] -= body.template[:, 1].min()
    return body


def mass_of(vertices: np.ndarray, faces: np.ndarray) -> tuple[float, float]:
    """Volume [m3] of the closed mesh by the divergence theorem, and mass [kg] at ``DENSITY``."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    volume = float(abs(np.einsum("ij,ij->i", np.cross(a, b), c).sum()) / 6.0)
    return volume, volume * DENSITY


def _rotation(axis: tuple[float, float, float], angle: float) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(np.asarray(axis, float) * angle).as_matrix()


def _align(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes direction ``a`` to direction ``b``, shape [3, 3]."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    axis = np.cross(a, b)
    sine, cosine = np.linalg.norm(axis), float(a @ b)
    return _rotation(axis / sine, np.arctan2(sine, cosine)) if sine > 1e-9 else np.eye(3)


def _pose_rotations(joints: np.ndarray, index: dict[str, int], parents: list[int], pose: Pose) -> np.ndarray:
    """Rotation of every bone in world-aligned axes relative to its parent's, shape [bones, 3, 3].

    Anny's "local-ref" parameters multiply down the chain, so the rotation wanted for a bone in the world is set
    and the parent's is divided out.
    """
    rotation: dict[str, np.ndarray] = {}  # of a bone relative to the reference pose, in world axes
    forwards, sideways, twist = pose.spine
    for i, name in enumerate(("spine04", "spine03", "spine02", "spine01")):
        share = (i + 1) / 4
        rotation[name] = (
            _rotation((0, 1, 0), twist * share) @ _rotation((0, 0, 1), -sideways * share)
            @ _rotation((1, 0, 0), forwards * share)
        )  # fmt: skip
    trunk = rotation["spine01"]
    nod, tilt, turn = pose.head
    for i, name in enumerate(("neck01", "neck02", "neck03", "head")):
        share = (i + 1) / 4
        rotation[name] = (
            trunk @ _rotation((0, 1, 0), turn * share) @ _rotation((0, 0, 1), -tilt * share)
            @ _rotation((1, 0, 0), nod * share)
        )  # fmt: skip
    for side, s, k in (("L", 1.0, 0), ("R", -1.0, 1)):
        head = {n: joints[index[f"{n}.{side}"]] for n in
                ("upperarm01", "lowerarm01", "wrist", "upperleg01", "lowerleg01", "foot")}  # fmt: skip
        arm = _down(s * pose.arm_abduction[k], pose.arm_flexion[k])
        forearm = _down(s * pose.arm_abduction[k] * 0.85, pose.arm_flexion[k] + pose.elbow_flexion[k])
        lift = max(0.0, pose.arm_abduction[k] - 0.7) * 0.3 - 0.06  # the shoulder girdle follows a raised arm
        rotation[f"shoulder01.{side}"] = trunk @ _rotation((0, 0, 1), s * lift)
        rotation[f"upperarm01.{side}"] = trunk @ _align(head["lowerarm01"] - head["upperarm01"], arm)
        rotation[f"lowerarm01.{side}"] = trunk @ _align(head["wrist"] - head["lowerarm01"], forearm)
        thigh = _down(s * pose.leg_abduction[k], pose.leg_flexion[k])
        shank = _down(s * pose.leg_abduction[k], pose.leg_flexion[k] - pose.knee_flexion[k])
        toes_out = _rotation((0, 1, 0), s * pose.foot_yaw[k])
        rotation[f"upperleg01.{side}"] = _align(head["lowerleg01"] - head["upperleg01"], thigh)
        rotation[f"lowerleg01.{side}"] = _align(head["foot"] - head["lowerleg01"], shank)
        rotation[f"foot.{side}"] = toes_out
    world = np.tile(np.eye(3), (len(parents), 1, 1))
    local = np.tile(np.eye(3), (len(parents), 1, 1))
    names = {i: name for name, i in index.items()}
    for bone, parent in enumerate(parents):
        above = world[parent] if parent >= 0 else np.eye(3)
        world[bone] = rotation.get(names[bone], above)
        local[bone] = above.T @ world[bone]
    return local


def _down(sideways: float, forwards: float) -> np.ndarray:
    """Direction of a limb hanging down, swung sideways (towards +X) and forwards (+Z) [rad]."""
    return _rotation((1, 0, 0), -forwards) @ _rotation((0, 0, 1), sideways) @ np.array([0.0, -1.0, 0.0])
