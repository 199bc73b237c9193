"""Calibrates ``avatars/data/landmarks33.json``: where MediaPipe puts its 33 landmarks on bodies whose joints are known.

    python -m tools.calibrate_landmarks PHOTOS_DIR

PHOTOS_DIR holds person_XX folders as ``tools.sample_photos`` writes them. The open body is posed onto the true
vertices of each view, which gives its 55 joints in the picture; each landmark becomes the affine combination of a few
joints that best explains MediaPipe's detections (ridge regression towards an anatomical first guess), and its spread
is what remains.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from avatars.body_model import JOINT_NAMES
from avatars.fit_model import CENTRE, FOCAL, PARAMETERS, POSE, BodyArrays, view_parameters
from avatars.mediapipe_landmarks import LANDMARK_NAMES, detect
from engine.core.safe_io import write_json

OUTPUT = Path(__file__).parents[1] / "avatars" / "data" / "landmarks33.json"
RIDGE = 0.005  #: pull towards the first guess: so many metres of error per unit of weight
LEAST_STD = 0.012  #: [m]
SAFETY = 1.6  #: errors of landmarks hang together within a picture, and other pictures are harder


def first_guess() -> dict[str, dict[str, float]]:
    """Anatomical guesses, and by the names in them the joints that each landmark may use."""
    out: dict[str, dict[str, float]] = {
        "nose": {"left_eye": 0.75, "right_eye": 0.75, "head": -0.5, "jaw": 0.0},
    }
    for s, side, other in (("l", "left", "right"), ("r", "right", "left")):
        eye = {f"{side}_eye": 1.0, f"{other}_eye": 0.0, "head": 0.0, "jaw": 0.0}
        out |= {f"eye_inner_{s}": eye, f"eye_{s}": eye, f"eye_outer_{s}": eye}
        out[f"ear_{s}"] = {"head": 0.6, f"{side}_eye": 1.4, f"{other}_eye": -1.0, "jaw": 0.0}
        out[f"mouth_{s}"] = {f"{side}_eye": 0.8, f"{other}_eye": 0.0, "head": 0.2, "jaw": 0.0}
        out[f"shoulder_{s}"] = {f"{side}_shoulder": 1.0, f"{side}_elbow": 0.0, f"{other}_shoulder": 0.0, "neck": 0.0}
        out[f"elbow_{s}"] = {f"{side}_elbow": 1.0, f"{side}_shoulder": 0.0, f"{side}_wrist": 0.0}
        out[f"wrist_{s}"] = {f"{side}_wrist": 1.0, f"{side}_elbow": 0.0, f"{side}_index1": 0.0, f"{side}_pinky1": 0.0}
        for finger, joint in (("pinky", "pinky1"), ("index", "index1"), ("thumb", "thumb2")):
            out[f"{finger}_{s}"] = {f"{side}_{joint}": 1.0, f"{side}_wrist": 0.0, f"{side}_middle1": 0.0}
        out[f"hip_{s}"] = {f"{side}_hip": 1.3, f"{other}_hip": -0.3, "pelvis": 0.0, f"{side}_knee": 0.0}
        out[f"knee_{s}"] = {f"{side}_knee": 1.0, f"{side}_hip": 0.0, f"{side}_ankle": 0.0, f"{other}_knee": 0.0}
        out[f"ankle_{s}"] = {f"{side}_ankle": 1.0, f"{side}_foot": 0.0, f"{side}_knee": 0.0}
        out[f"heel_{s}"] = {f"{side}_ankle": 1.4, f"{side}_foot": -0.4, f"{side}_knee": 0.0}
        out[f"foot_index_{s}"] = {f"{side}_foot": 1.2, f"{side}_ankle": -0.2, f"{side}_knee": 0.0}
    return out


def pose_onto(body: BodyArrays, vertices: np.ndarray, betas: np.ndarray, precision: np.ndarray, *, steps: int = 10):
    """Gauss-Newton fit of shape and pose to known vertices of the same topology.

    Args:
        vertices: [m], shape [V, 3].
        betas, precision: prior mean [K] and inverse covariance [K, K].

    Returns:
        Betas, joints [m], shape [55, 3], and the root-mean-square distance [m].
    """
    start = betas
    ids = np.arange(0, len(vertices), 9)
    ids = ids[~np.isin(body.segment[ids], range(20, 55))]
    q, spread = view_parameters()
    q[CENTRE] = vertices[ids].mean(0)
    # the person may be turned in the world: start from the direction across the shoulders
    across = vertices[body.segment == 16].mean(0) - vertices[body.segment == 17].mean(0)
    turn = np.arctan2(-across[2], across[0])
    base = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    free = np.array([i for i in range(PARAMETERS) if i != FOCAL])
    weak = np.where(np.isin(free, np.arange(PARAMETERS)[POSE]), 0.25 / spread[free] ** 2, 0.0)
    mean, k = q.copy(), len(betas)
    for _ in range(steps):
        points, joints = body.posed(betas, q, base, ids)
        by_betas, by_q, _, _ = body.slopes(betas, q, base, ids, free)
        jacobian = np.concatenate([by_betas, by_q], -1).reshape(-1, k + len(free)) / 0.003
        residual = ((points - vertices[ids]) / 0.003).ravel()
        normal, gradient = jacobian.T @ jacobian, jacobian.T @ residual
        normal[:k, :k] += precision
        gradient[:k] += precision @ (betas - start)
        normal[k:, k:] += np.diag(weak)
        gradient[k:] += weak * (q - mean)[free]
        step = np.linalg.solve(normal + 1e-6 * np.diag(np.diag(normal)), gradient)
        betas, q = betas - step[:k], q.copy()
        q[free] -= step[k:]
    points, joints = body.posed(betas, q, base, ids)
    return betas, joints, float(np.sqrt(((points - vertices[ids]) ** 2).sum(1).mean()))


def observations(folder: Path):
    """For each view of each person: (view number, joints in camera axes [55, 3], intrinsics, landmarks, visibility)."""
    import json

    import cv2

    from avatars.fit import body_arrays
    from avatars.open_body import load_open_body, prior

    model = load_open_body()
    body = body_arrays(model)
    out = []
    for person in sorted(folder.glob("person_*")):
        if not (person / "truth.json").exists():
            continue
        sex = json.loads((person / "truth.json").read_text())["sex"]
        truth = np.load(person / "truth.npz", allow_pickle=False)
        mean, covariance = prior(model, sex)
        for number, view in enumerate(("front", "side")):
            found = detect(cv2.imread(str(person / f"{view}.jpg"))[..., ::-1])
            _, joints, rms = pose_onto(body, truth[f"vertices_{view}"], mean, np.linalg.inv(covariance))
            print(f"{person.name} {view}: posed to {1000 * rms:.1f} mm, person {'found' if found else 'missed'}",
                  file=sys.stderr)  # fmt: skip
            if found is None:
                continue
            move = truth[f"world_to_camera_{view}"]
            out.append((number, joints @ move[:3, :3].T + move[:3, 3], truth[f"K_{view}"], found.points,
                        found.visibility))  # fmt: skip
    return out


def calibrate(seen: list) -> dict:
    """The table that ``avatars.landmarks33`` reads."""
    guess = first_guess()
    table = {}
    for name in LANDMARK_NAMES:
        mirrored = name[:-1] + ("r" if name.endswith("l") else "l") if name[-2:] in ("_l", "_r") else name
        mine, theirs = LANDMARK_NAMES.index(name), LANDMARK_NAMES.index(mirrored)
        joints = list(guess[name])
        weights = np.array([guess[name][j] for j in joints])
        # rows: both sides together, mirrored, so that left and right get the same weights
        rows, goals, errors = [], [], ([], [])
        for number, at, k, points, visibility in seen:
            for landmark, flip in {(mine, False), (theirs, theirs != mine)}:
                if visibility[landmark] < 0.5:
                    continue
                columns = np.array([at[JOINT_NAMES.index(_mirror(j) if flip else j)] for j in joints])
                ray = np.array([(points[landmark] - k[:2, 2]) / k[0, 0]])[0]
                lever = columns[:, :2] - columns[:, 2:] * ray  # metres across the ray
                rows.append(lever.T)
                goals.append(np.zeros(2))
                errors[number].append(lever.T)
        a = np.concatenate(rows) if rows else np.zeros((0, len(joints)))
        # weights sum to one: move only along differences
        basis = np.linalg.svd(np.ones((1, len(joints))))[2][1:].T
        ridge = RIDGE * np.sqrt(max(len(a), 1))
        system = np.vstack([a @ basis, ridge * np.eye(basis.shape[1])])
        goal = np.concatenate([-a @ weights, np.zeros(basis.shape[1])])
        weights = weights + basis @ np.linalg.lstsq(system, goal, rcond=None)[0]
        std = [
            max(SAFETY * float(np.sqrt(np.mean([(m @ weights) ** 2 for m in e]))), LEAST_STD) if e else 0.05
            for e in errors
        ]
        table[name] = {
            "joints": {j: round(float(w), 4) for j, w in zip(joints, weights, strict=True)},
            "std_front": round(std[0], 4), "std_side": round(std[1], 4),
        }  # fmt: skip
    return table


def _mirror(joint: str) -> str:
    if joint.startswith("left_"):
        return "right_" + joint[5:]
    return "left_" + joint[6:] if joint.startswith("right_") else joint


def main() -> int:
    """Calibrates and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.calibrate_landmarks", description=__doc__)
    parser.add_argument("photos", type=Path)
    seen = observations(parser.parse_args().photos)
    write_json(OUTPUT, {"views": len(seen), "landmarks": calibrate(seen)})
    print(f"{OUTPUT}: from {len(seen)} pictures", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
