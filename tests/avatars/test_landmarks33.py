"""The table that ties MediaPipe's landmarks to SMPL-X's joints."""

import numpy as np

from avatars.body_model import JOINT_NAMES
from avatars.landmarks33 import load_regressor
from avatars.mediapipe_landmarks import LANDMARK_NAMES, index
from avatars.open_body import load_open_body


def test_rows_are_sparse_affine_combinations():
    regressor = load_regressor()
    assert regressor.matrix.shape == (33, 55)
    assert np.allclose(regressor.matrix.sum(1), 1.0, atol=1e-3)
    assert (np.count_nonzero(regressor.matrix, axis=1) <= 4).all()
    assert ((regressor.std > 0.005) & (regressor.std < 0.1)).all()


def test_landmarks_lie_where_their_names_say():
    model = load_open_body()
    joints = model.joint_regressor @ model.v_template
    marks = dict(zip(LANDMARK_NAMES, load_regressor().matrix @ joints, strict=True))
    for left in (name for name in LANDMARK_NAMES if name.endswith("_l")):
        a, b = marks[left], marks[left[:-1] + "r"]
        assert a[0] > 0 > b[0], left
        assert np.abs(a * [-1, 1, 1] - b).max() < 0.01, left
    assert marks["nose"][1] < marks["eye_l"][1] < marks["nose"][1] + 0.08
    assert marks["nose"][2] > marks["ear_l"][2] + 0.02
    assert marks["heel_l"][2] < marks["ankle_l"][2] < marks["foot_index_l"][2]
    assert np.linalg.norm(marks["knee_l"] - joints[JOINT_NAMES.index("left_knee")]) < 0.10
    assert index("hip_l") == 23
