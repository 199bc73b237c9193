"""Loading body models and the skinning forward."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from avatars.body_model import JOINT_NAMES, JOINT_PARENTS, BodyModel, rotation_matrices
from avatars.measure_topology import topology_of
from avatars.open_body import MODEL_PATH, load_open_body
from avatars.poses import a_pose
from engine.core.errors import InputError, UnsupportedError


def other_model(count: int = 400, columns: int = 20, seed: int = 3) -> dict[str, np.ndarray]:
    """Arrays of a made-up model in SMPL-X's layout, pose correctives and a mean hand included."""
    rng = np.random.default_rng(seed)
    weights = rng.random((count, 55)) ** 20
    regressor = rng.random((55, count)) ** 30
    return {
        "v_template": rng.normal(0, 0.5, (count, 3)),
        "f": rng.integers(0, count, (700, 3)).astype(np.uint32),
        "shapedirs": rng.normal(0, 0.01, (count, 3, columns)),
        "posedirs": rng.normal(0, 0.01, (count, 3, 486)),
        "J_regressor": regressor / regressor.sum(1, keepdims=True),
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": np.stack([np.array(JOINT_PARENTS).astype(np.uint32), np.arange(55, dtype=np.uint32)]),
        "hands_meanl": rng.normal(0, 0.2, 45),
        "hands_meanr": rng.normal(0, 0.2, 45),
        "hands_componentsl": np.eye(45),
        "hands_componentsr": np.eye(45),
        "lmk_faces_idx": np.zeros(51, np.int64),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
    }


def test_the_open_body_has_smplx_joints_and_is_symmetric() -> None:
    model = load_open_body()
    assert model.weights.shape[1] == len(JOINT_NAMES) == 55
    assert model.n_betas >= 40 and model.n_expressions >= 50
    joints = model.joint_regressor @ model.v_template
    for i, name in enumerate(JOINT_NAMES):
        if name.startswith("left_"):
            twin = joints[JOINT_NAMES.index("right_" + name[5:])]
            assert np.abs(joints[i] - twin * [-1, 1, 1]).max() < 1e-4, name
    assert Path(MODEL_PATH).stat().st_size <= 16e6


def test_forward_is_differentiable_and_keeps_float64() -> None:
    model = load_open_body()
    betas = torch.zeros((1, 5), dtype=torch.float64, requires_grad=True)
    pose = torch.zeros((1, 63), dtype=torch.float64, requires_grad=True)
    ids = np.array([10, 5000])
    vertices, joints = model.forward(betas, body_pose=pose, vertex_ids=ids)
    assert vertices.dtype == torch.float64 and vertices.shape == (1, 2, 3) and joints.shape == (1, 55, 3)
    vertices.square().sum().backward()
    assert torch.isfinite(betas.grad).all() and torch.isfinite(pose.grad).all() and float(betas.grad.abs().sum()) > 0
    step = torch.zeros((1, 63), dtype=torch.float64)
    step[0, 16 * 3 - 1] = 1e-5
    with torch.no_grad():
        moved, _ = model.forward(betas, body_pose=step, vertex_ids=ids)
    change = (moved.square().sum() - vertices.detach().square().sum()) / 1e-5
    assert float(change) == pytest.approx(float(pose.grad[0, 16 * 3 - 1]), abs=1e-4)


def test_posed_shapes_are_the_forward() -> None:
    model = load_open_body()
    betas = np.random.default_rng(0).normal(size=model.n_betas)
    base, by_beta = model.posed_shapes(a_pose())
    pose = torch.from_numpy(a_pose().astype(np.float64))[None]
    with torch.no_grad():
        expected, _ = model.forward(torch.from_numpy(betas)[None], body_pose=pose)
    assert np.abs(base + by_beta @ betas - expected[0].numpy()).max() < 1e-12


def test_rotations_are_orthonormal_near_zero_too() -> None:
    r = rotation_matrices(torch.tensor([[0.0, 0, 0], [1e-6, 0, 0], [0.3, -2.0, 1.0]], dtype=torch.float64))
    assert float((r @ r.transpose(1, 2) - torch.eye(3, dtype=torch.float64)).abs().max()) < 1e-12


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_another_smplx_model_with_pose_correctives(tmp_path, capsys) -> None:
    smplx = pytest.importorskip("smplx", reason="the smplx package is an optional extra")
    arrays = other_model(count=10475)
    # SMPL-X's own files hold pickled tables besides: they must be left alone, not refused
    np.savez(tmp_path / "SMPLX_X.npz", part2num=np.array({"a": 1}, dtype=object), **arrays)
    model = BodyModel.load(tmp_path / "SMPLX_X.npz")
    assert model.name == "smplx" and model.n_betas == 10 and model.n_expressions == 10
    rng = np.random.default_rng(1)
    size = {"betas": 10, "expression": 10, "body_pose": 63, "left_hand_pose": 45, "right_hand_pose": 45, "jaw_pose": 3}
    given = {k: torch.from_numpy(rng.normal(0, 0.4, (2, n)).astype(np.float32)) for k, n in size.items()}
    theirs = smplx.SMPLX(str(tmp_path / "SMPLX_X.npz"), use_pca=False, batch_size=2, ext="npz")
    with torch.no_grad():
        expected = theirs(**given, global_orient=torch.zeros(2, 3), leye_pose=torch.zeros(2, 3),
                          reye_pose=torch.zeros(2, 3))  # fmt: skip
        vertices, joints = model.forward(**given)
    assert float((vertices - expected.vertices).norm(dim=-1).max()) <= 1e-5
    assert float((joints - expected.joints[:, :55]).norm(dim=-1).max()) <= 1e-5
    with pytest.raises(UnsupportedError, match="landmarks"):
        topology_of(model)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": None}, "no array 'weights'"),
        ({"v_template": np.zeros((400, 2))}, "'v_template' has shape"),
        ({"J_regressor": np.zeros((24, 400))}, "'J_regressor' has shape"),
        ({"f": np.full((5, 3), 400)}, "do not exist"),
        ({"weights": np.full((400, 55), np.nan)}, "not numbers"),
        ({"kintree_table": np.zeros((2, 55))}, "SMPL-X's tree"),
    ],
)
def test_wrong_models_are_named(change, words, tmp_path) -> None:
    arrays = {**other_model(), **change}
    np.savez(tmp_path / "m.npz", **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises(InputError, match=words) as caught:
        BodyModel.load(tmp_path / "m.npz")
    assert caught.value.hint


def test_damaged_missing_and_foreign_files(tmp_path) -> None:
    raw = Path(MODEL_PATH).read_bytes()
    (tmp_path / "cut.npz").write_bytes(raw[: len(raw) // 2])
    (tmp_path / "noise.npz").write_bytes(bytes(1000))
    (tmp_path / "noise.safetensors").write_bytes(b"\x10" + bytes(1000))
    (tmp_path / "model.obj").write_text("v 0 0 0")
    flipped = bytearray(raw)
    flipped[len(raw) // 2] ^= 255
    (tmp_path / "flipped.npz").write_bytes(bytes(flipped))
    for name in ("cut.npz", "noise.npz", "noise.safetensors", "model.obj", "flipped.npz", "absent.npz"):
        with pytest.raises(InputError) as caught:
            BodyModel.load(tmp_path / name)
        assert name in caught.value.message


class _Evil:
    def __reduce__(self):
        return (Path.write_text, (Path("evil.txt"), "ran"))


def test_pickles_are_refused_and_convert_in_isolation(tmp_path) -> None:
    arrays = other_model()
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({**arrays, "name": "x"}, protocol=2))
    with pytest.raises(InputError, match="refused") as caught:
        BodyModel.load(tmp_path / "m.pkl")
    assert "avatars.convert_pickle" in caught.value.hint
    command = [sys.executable, "-m", "avatars.convert_pickle"]
    subprocess.run([*command, tmp_path / "m.pkl", tmp_path / "m.npz"], check=True, capture_output=True)
    assert np.allclose(BodyModel.load(tmp_path / "m.npz").v_template, arrays["v_template"], atol=1e-6)
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"v_template": _Evil()}))
    done = subprocess.run(
        [*command, tmp_path / "evil.pkl", tmp_path / "evil.npz"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr and "no array" in done.stderr
    assert not (tmp_path / "evil.npz").exists() and not Path("evil.txt").exists()
