"""Transforms, rotations and rigid motions of the PyTorch3D port."""

import itertools
import math

import pytest
import torch
from scipy.spatial.transform import Rotation

from render import diff

ORDERS = ["".join(p) for p in itertools.permutations("XYZ")] + [a + b + a for a, b in itertools.permutations("XYZ", 2)]


@pytest.fixture
def turns() -> torch.Tensor:
    torch.manual_seed(3)
    return diff.random_rotations(40, dtype=torch.float64)


def test_rotations_agree_with_scipy(turns):
    theirs = Rotation.from_matrix(turns.numpy())
    quaternions = torch.as_tensor(theirs.as_quat(canonical=True))[:, [3, 0, 1, 2]]
    assert torch.allclose(diff.matrix_to_quaternion(turns), quaternions, atol=1e-12)
    assert torch.allclose(diff.matrix_to_axis_angle(turns), torch.as_tensor(theirs.as_rotvec()), atol=1e-9)
    assert torch.allclose(diff.so3_log_map(turns), torch.as_tensor(theirs.as_rotvec()), atol=1e-9)
    for order in ORDERS:
        angles = torch.as_tensor(theirs.as_euler(order))
        assert torch.allclose(diff.euler_angles_to_matrix(angles, order), turns, atol=1e-12), order
        assert torch.allclose(diff.matrix_to_euler_angles(turns, order), angles, atol=1e-7), order


def test_half_turns_and_rest_keep_their_digits_and_gradients():
    axes = torch.nn.functional.normalize(torch.randn(30, 3, dtype=torch.float64), dim=-1)
    turn = 2 * axes[:, :, None] * axes[:, None] - torch.eye(3, dtype=torch.float64)
    again = diff.axis_angle_to_matrix(diff.matrix_to_axis_angle(turn))
    assert torch.allclose(again, turn, atol=1e-9)
    still = torch.eye(3).repeat(2, 1, 1).requires_grad_()
    diff.so3_log_map(still).sum().backward()
    assert torch.isfinite(still.grad).all()


def test_motions_go_there_and_back():
    torch.manual_seed(0)
    log = torch.randn(20, 6, dtype=torch.float64)
    matrix = diff.se3_exp_map(log)
    assert torch.allclose(diff.se3_log_map(matrix), log, atol=1e-6)
    generator = torch.zeros(20, 4, 4, dtype=torch.float64)
    generator[:, :3, :3], generator[:, :3, 3] = diff.hat(log[:, 3:]), log[:, :3]
    assert torch.allclose(matrix, torch.matrix_exp(generator).transpose(1, 2), atol=1e-9)
    assert torch.allclose(diff.hat_inv(diff.hat(log[:, :3])), log[:, :3])


def test_transforms_are_composed_in_order():
    turn = diff.random_rotation()
    chain = diff.Transform3d().scale(2.0).rotate(turn).translate(1.0, 2.0, 3.0)
    points = torch.randn(5, 3)
    assert torch.allclose(chain.transform_points(points), 2 * points @ turn + torch.tensor((1.0, 2.0, 3.0)), atol=1e-5)
    assert torch.allclose(chain.transform_normals(points), points @ turn / 2, atol=1e-5)
    for composed in (True, False):
        back = chain.inverse(invert_composed=composed)
        assert torch.allclose(back.transform_points(chain.transform_points(points)), points, atol=1e-5)


def test_a_quarter_turn_about_z_takes_x_to_y():
    turn = diff.RotateAxisAngle(torch.tensor([90.0, 180.0]), axis="Z")
    x = torch.tensor([[1.0, 0.0, 0.0]])
    expected = torch.tensor([[[0.0, 1.0, 0.0]], [[-1.0, 0.0, 0.0]]])
    assert torch.allclose(turn.transform_points(x), expected, atol=1e-6)
    radians = diff.RotateAxisAngle(math.pi / 2, axis="z", degrees=False)
    assert torch.allclose(radians.get_matrix(), turn[0].get_matrix(), atol=1e-6)
    assert isinstance(turn[0], diff.RotateAxisAngle) and len(turn.stack(radians)) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: diff.Transform3d(matrix=torch.eye(3)),
        lambda: diff.Rotate(torch.eye(4)),
        lambda: diff.Translate(torch.zeros(2), torch.zeros(3), 0.0),
        lambda: diff.RotateAxisAngle(90.0, axis="W"),
        lambda: diff.Scale(torch.ones(2)).compose(diff.Scale(torch.ones(3))).get_matrix(),
        lambda: diff.Transform3d().transform_points(torch.zeros(3)),
        lambda: diff.euler_angles_to_matrix(torch.zeros(3), "XXY"),
    ],
)
def test_what_makes_no_sense_is_a_value_error(wrong):
    with pytest.raises(ValueError):
        wrong()
