"""The numerical steps behind the open body's file, on made-up bodies; Anny itself is not needed."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from avatars.body_model import JOINT_NAMES, JOINT_PARENTS
from engine.core.errors import InputError
from tools.build_open_body.ansur import TARGETS, general_public, read_ansur
from tools.build_open_body.basis import antisymmetric_basis, fit_joint_regressor, principal_shapes
from tools.build_open_body.skeleton import posed, t_pose_rotations, to_t_pose


def _rest_joints(rng: np.random.Generator, count: int) -> np.ndarray:
    """Joints of standing figures with lowered arms, a little different from each other."""
    j = np.zeros((count, 55, 3))
    place = {"left_hip": (0.1, -0.05, 0), "left_knee": (0.14, -0.45, 0.02), "left_ankle": (0.18, -0.85, 0),
             "left_foot": (0.18, -0.9, 0.1), "spine3": (0, 0.3, 0), "neck": (0, 0.5, 0), "head": (0, 0.6, 0.02),
             "left_collar": (0.05, 0.45, 0), "left_shoulder": (0.17, 0.45, 0), "left_elbow": (0.36, 0.25, 0.02),
             "left_wrist": (0.5, 0.1, 0.15), "left_middle1": (0.53, 0.05, 0.2)}  # fmt: skip
    for name, at in place.items():
        j[:, JOINT_NAMES.index(name)] = at
        if name.startswith("left_"):
            j[:, JOINT_NAMES.index("right_" + name[5:])] = np.array(at) * [-1, 1, 1]
    for i, parent in enumerate(JOINT_PARENTS):
        if parent > 0 and not j[0, i].any():
            j[:, i] = j[:, parent] + [0.0, 0.01, 0.01]
    return j + rng.normal(0, 0.004, j.shape)


def test_t_pose_has_level_arms_and_skins_back_to_the_rest_surface() -> None:
    rng = np.random.default_rng(0)
    joints = _rest_joints(rng, 3)
    weights = rng.random((200, 55)) ** 12
    weights /= weights.sum(1, keepdims=True)
    rest = rng.normal(0, 0.4, (3, 200, 3))
    vertices, t_joints = to_t_pose(rest, joints, weights)
    arm = t_joints[:, JOINT_NAMES.index("left_wrist")] - t_joints[:, JOINT_NAMES.index("left_shoulder")]
    assert np.abs(arm[:, 1:]).max() < 1e-9 and (arm[:, 0] > 0.3).all()
    rotation = t_pose_rotations(joints)
    body_pose = np.zeros((3, 21, 3))
    for b in range(3):  # undo the rotations as a pose: the rest surface must come back
        back = np.swapaxes(rotation[b], 1, 2)
        for j in range(1, 22):
            local = back[JOINT_PARENTS[j]].T @ back[j]
            body_pose[b, j - 1] = Rotation.from_matrix(local).as_rotvec()
        again = posed(vertices[b], t_joints[b], weights, body_pose[b])
        assert np.abs(again + joints[b, 0] - t_joints[b, 0] - rest[b]).max() < 1e-9


def test_principal_shapes_are_symmetric_with_unit_variance() -> None:
    rng = np.random.default_rng(1)
    half = rng.normal(size=(60, 3)) + [2.0, 0, 0]
    mean = np.concatenate([half, half * [-1, 1, 1]])
    mirror = np.roll(np.arange(120), 60)
    modes = rng.normal(size=(4, 60, 3))
    modes = np.concatenate([modes, modes * [-1, 1, 1]], axis=1) * np.array([0.3, 0.2, 0.1, 0.05])[:, None, None]
    bodies = mean + np.einsum("nk,kvd->nvd", rng.normal(size=(400, 4)), modes)
    basis = principal_shapes(bodies.astype(np.float32), mirror, np.ones(120), np.ones(400), 4)
    assert basis.residual.max() < 1e-3
    assert np.allclose(basis.betas.mean(0), 0, atol=1e-3) and np.allclose(basis.betas.var(0), 1, atol=1e-2)
    assert np.allclose(basis.directions[mirror] * np.array([-1, 1, 1])[:, None], basis.directions, atol=1e-5)
    again = basis.mean + basis.directions @ basis.betas[7]
    assert np.abs(again - bodies[7]).max() < 1e-3
    uneven = bodies[:50] + rng.normal(0, 0.01, (50, 120, 3))
    odd = antisymmetric_basis(uneven, mirror, np.ones(120), 3)
    assert np.allclose(odd[mirror] * np.array([-1, 1, 1])[:, None], -odd, atol=1e-9)


def test_joint_regressor_finds_centres() -> None:
    rng = np.random.default_rng(2)
    count, per = 55, 12
    around = rng.normal(0, 0.05, (count, per, 3))
    centres = rng.normal(0, 1, (40, count, 3))
    bodies = (centres[:, :, None] + around).reshape(40, -1, 3)
    joints = centres + around.mean(1)
    weights = np.repeat(np.eye(count), per, axis=0)
    left = [i for i, n in enumerate(JOINT_NAMES) if n.startswith("left_") and n != "left_eye"]
    regressor = fit_joint_regressor(bodies, joints, weights, np.arange(count * per), np.ones(count * per, bool))
    found = np.einsum("jv,nvd->njd", regressor, bodies)
    assert np.allclose(regressor.sum(1), 1) and regressor.min() >= 0
    assert np.abs(found - joints)[:, left].max() < 5e-3


def test_the_public_is_heavier_than_soldiers(shared_data) -> None:
    surveys = read_ansur(shared_data / "ansur")
    waist = [name for name, _ in TARGETS.values()].index("navel_girth")
    for sex, survey in surveys.items():
        public = general_public(survey, sex, 2000, np.random.default_rng(0))
        assert public.weight.mean() > survey.weight.mean()
        assert public.weight.max() > survey.weight.max()
        assert public.values[:, waist].max() > survey.values[:, waist].mean() + 0.3
        assert np.isfinite(public.values).all() and public.values.min() > 0


def test_missing_survey_is_named(tmp_path) -> None:
    with pytest.raises(InputError, match="ANSUR_II_FEMALE"):
        read_ansur(tmp_path)
