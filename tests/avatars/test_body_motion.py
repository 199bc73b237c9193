"""Motions: they start where the body was dressed, move smoothly, stay on the floor, and read recorded ones."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from avatars.contact_surface import self_intersections
from avatars.motion import MOTIONS, is_cyclic, move
from avatars.motion_curves import CURVES
from avatars.motion_file import read_motion
from avatars.open_body import load_open_body, make_body, prior
from avatars.parting import ROOM, Parting
from engine.core.errors import InputError


@pytest.fixture(scope="module")
def body():
    model = load_open_body()
    return make_body(model, prior(model, "female")[0], sex="female")


@pytest.fixture(scope="module")
def walk(body):
    return move(body, "catwalk", seconds=1.16)


def test_starts_in_the_pose_in_which_the_body_was_dressed(body, walk):
    assert np.abs(walk.vertices[0] - body.vertices).max() < 1e-5
    assert np.abs(walk.contact_vertices[0] - body.contact_vertices).max() < 1e-6
    # and from rest: the first step is much shorter than the longest
    steps = np.abs(np.diff(walk.joints, axis=0)).max((1, 2))
    assert steps[0] < 0.1 * steps.max()


def test_skinned_vertices_follow_from_turns_and_joints(body, walk):
    f, w = 20, body.skinning_weights
    local = walk.rest_vertices[:, None] - walk.rest_joints
    placed = np.einsum("jab,vjb->vja", walk.turns[f], local) + walk.joints[f]
    assert np.abs(np.einsum("vj,vja->va", w, placed) - walk.vertices[f]).max() < 1e-5


def test_walk_is_a_cycle_with_arms_opposed_to_legs_on_the_floor(body, walk):
    period = int(round(CURVES["catwalk"].seconds / 2 * walk.fps))
    first, last = walk.joints[walk.lead_in], walk.joints[min(walk.lead_in + period, len(walk.joints) - 1)]
    assert np.abs(first - last).max() < 0.06
    ankle, wrist = (walk.joints[walk.lead_in :, [a, b], 2] for a, b in ((7, 8), (20, 21)))
    assert np.corrcoef(ankle[:, 0] - ankle[:, 1], wrist[:, 0] - wrist[:, 1])[0, 1] < -0.7
    lowest = walk.vertices[:, :, 1].min(1)
    assert lowest.min() > -1e-6 and lowest.max() < 0.01
    assert is_cyclic("catwalk") and not is_cyclic("sit")


@pytest.mark.parametrize("name", MOTIONS)
def test_angles_have_no_jumps_of_speed(name):
    curve, change = CURVES[name], []
    for count in (2000, 4000):
        fine = np.linspace(0, curve.seconds, count)
        poses = curve.pose(fine)
        turns = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(count, 22, 3, 3)
        change.append(np.abs(np.diff(turns, 2, axis=0)).max() / (fine[1] - fine[0]))
    assert change[1] < 0.6 * change[0]  # a jump would stay as it is however close one looks


def test_sitting_keeps_the_feet_and_lowers_the_hips(body):
    seat = move(body, "sit")
    ankles = seat.joints[:, [7, 8]][:, :, [0, 2]].mean(1)
    assert np.abs(ankles - ankles[0]).max() < 1e-6
    assert seat.joints[-1, 0, 1] < seat.joints[0, 0, 1] - 0.25
    assert len(self_intersections(seat.contact_vertices[-1], body.contact_faces)) == 0


def two_boxes(gap):
    """Two flat boxes above each other, ``gap`` apart, of two limbs."""
    import trimesh

    parts = []
    for centre in (0.05 + gap / 2, -0.05 - gap / 2):
        box = trimesh.creation.box((0.2, 0.1, 0.2)).subdivide().subdivide().subdivide()
        parts.append((np.asarray(box.vertices) + [0, centre, 0], np.asarray(box.faces)))
    vertices = np.concatenate([p[0] for p in parts])
    faces = np.concatenate([parts[0][1], parts[1][1] + len(parts[0][0])]).astype(np.int32)
    segment = np.repeat([18, 0], len(parts[0][0]))  # left elbow, pelvis
    return vertices, faces, segment


@pytest.mark.parametrize("gap, overlap", [(0.004, 0.0), (-0.006, 0.006)])
def test_limbs_that_press_make_room_for_cloth(gap, overlap):
    vertices, faces, segment = two_boxes(gap)
    parted, deepest = Parting(faces, segment).part(vertices)
    middle = np.abs(vertices[:, [0, 2]]).max(1) < 0.04
    upper, lower = (middle & (segment == s) & (np.abs(vertices[:, 1]) < 0.01) for s in (18, 0))
    assert parted[upper, 1].min() - parted[lower, 1].max() > 0.9 * ROOM
    assert deepest == pytest.approx(overlap, abs=1e-6)
    far, _ = Parting(faces, segment).part(two_boxes(0.05)[0])
    assert np.array_equal(far, two_boxes(0.05)[0])


def recorded(path, body, *, z_up=True, rate=60.0, **changes):
    """One second of a quarter turn on the spot, as AMASS writes it."""
    frames = 61
    turn = Rotation.from_euler("y", np.linspace(0, 90, frames)[:, None], degrees=True)
    trans = np.tile([0.3, 0.1, 0.2], (frames, 1))
    if z_up:
        up = Rotation.from_rotvec([np.pi / 2, 0, 0])
        turn, trans = up * turn, up.apply(trans)
    poses = np.zeros((frames, 165))
    poses[:, :3] = turn.as_rotvec()
    arrays = {"poses": poses, "trans": trans, "mocap_frame_rate": np.array(rate), "gender": np.array("female")}
    arrays |= changes
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return path


@pytest.mark.parametrize("z_up", [True, False])
def test_recorded_motions_are_upright_resampled_and_begin_at_the_front(body, tmp_path, z_up):
    motion = move(body, str(recorded(tmp_path / "turn.npz", body, z_up=z_up)))
    assert len(motion.joints) == motion.lead_in + 31
    assert motion.joints[-1, 15, 1] > motion.joints[-1, 0, 1] + 0.3  # the head over the pelvis
    across = motion.joints[:, 1] - motion.joints[:, 2]  # from the right hip to the left one
    assert abs(across[motion.lead_in, 2]) < 0.01 and across[motion.lead_in, 0] > 0.05
    assert across[-1, 2] < -0.05  # turned to the left by a quarter
    assert motion.vertices[motion.lead_in :, :, 1].min() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"poses": None}, "neither 'poses'"),
        ({"poses": np.zeros((61, 40))}, "shape"),
        ({"poses": np.full((61, 165), np.nan)}, "not finite"),
        ({"trans": None}, "no 'trans'"),
        ({"trans": np.zeros((60, 3))}, "60 frames"),
        ({"mocap_frame_rate": None}, "no frame rate"),
        ({"mocap_frame_rate": np.array(0.0)}, "from 1 to 1000"),
        ({"poses": np.zeros((1, 165)), "trans": np.zeros((1, 3))}, "1 frames"),
    ],
)
def test_damaged_recordings_are_named(body, tmp_path, changes, words):
    path = recorded(tmp_path / "bad.npz", body, **changes)
    with pytest.raises(InputError, match=words) as caught:
        read_motion(path, fps=30.0, pelvis=np.zeros(3))
    assert "bad.npz" in caught.value.message and caught.value.hint


def test_wrong_requests_are_named(body, tmp_path):
    with pytest.raises(InputError, match="no motion is called 'moonwalk'"):
        move(body, "moonwalk")
    with pytest.raises(InputError, match="0.1"):
        move(body, "sit", seconds=0.0)
    with pytest.raises(InputError, match="no such"):
        move(body, str(tmp_path / "nowhere.npz"))
