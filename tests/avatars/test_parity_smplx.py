"""The open body's file, unchanged, in the smplx package: the same vertices and joints as our own forward."""

import numpy as np
import pytest
import torch

from avatars.body_model import BodyModel
from avatars.open_body import MODEL_PATH, load_open_body

smplx = pytest.importorskip("smplx", reason="the smplx package is an optional extra")

BATCH = 6


@pytest.fixture(scope="module")
def parameters() -> dict[str, torch.Tensor]:
    """Random shapes, expressions and poses, the last of them far from rest."""
    rng = np.random.default_rng(7)
    model = load_open_body()
    size = {
        "betas": (model.n_betas, 1.5), "expression": (model.n_expressions, 0.5), "global_orient": (3, 1.0),
        "body_pose": (63, 0.4), "left_hand_pose": (45, 0.4), "right_hand_pose": (45, 0.4), "jaw_pose": (3, 0.2),
        "leye_pose": (3, 0.2), "reye_pose": (3, 0.2), "transl": (3, 1.0),
    }  # fmt: skip
    out = {k: torch.from_numpy(rng.normal(0, s, (BATCH, n)).astype(np.float32)) for k, (n, s) in size.items()}
    for value in out.values():
        value[0] = 0.0
    return out


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_smplx_gives_the_same_body(parameters: dict[str, torch.Tensor]) -> None:
    ours = load_open_body()
    theirs = smplx.SMPLX(
        str(MODEL_PATH), num_betas=ours.n_betas, num_expression_coeffs=ours.n_expressions, use_pca=False,
        flat_hand_mean=False, batch_size=BATCH, ext="npz",
    )  # fmt: skip
    with torch.no_grad():
        expected = theirs(**parameters)
        vertices, joints = ours.forward(**parameters)
    assert vertices.shape == expected.vertices.shape
    assert float((vertices - expected.vertices).norm(dim=-1).max()) <= 1e-5
    assert float((joints - expected.joints[:, :55]).norm(dim=-1).max()) <= 1e-5


def test_vertex_subset_and_safetensors(parameters: dict[str, torch.Tensor], tmp_path) -> None:
    from safetensors.numpy import save_file

    with np.load(MODEL_PATH) as data:
        save_file({k: np.ascontiguousarray(data[k]) for k in data.files}, tmp_path / "body.safetensors")
    again = BodyModel.load(tmp_path / "body.safetensors")
    ids = np.array([5, 100, 13000])
    with torch.no_grad():
        full, _ = load_open_body().forward(**parameters)
        some, _ = again.forward(**parameters, vertex_ids=ids)
    assert float((full[:, ids] - some).abs().max()) < 1e-6
