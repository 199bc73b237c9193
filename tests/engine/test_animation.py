"""Animated GLB files: valid, and what they say about every frame is what was simulated."""

import io
import json
import shutil
import struct

import numpy as np
import pygltflib as gl
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from engine.app.viewer import ViewerServer, viewer_missing
from engine.cli import main
from engine.core.types import Material, SceneMesh
from engine.export.animation import TARGETS_MOST, write_animation
from engine.export.clip import Clip, GarmentTrack, skinned
from engine.export.validate import validate_glb, validator_missing

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NAMES, PARENTS = ("hip", "knee"), (-1, 0)


def grid_mesh(name: str, *, double_sided: bool) -> SceneMesh:
    """A square of 3 by 3 vertices."""
    x, y = np.meshgrid(np.linspace(0, 0.4, 3), np.linspace(0, 0.4, 3))
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(9)], 1).astype(np.float32)
    a = np.array([0, 1, 3, 4])
    faces = np.concatenate([np.stack([a, a + 1, a + 4], 1), np.stack([a, a + 4, a + 3], 1)]).astype(np.int32)
    normals = np.tile([0.0, 0.0, 1.0], (9, 1)).astype(np.float32)
    return SceneMesh(name, vertices, faces, Material(name, (0.02, 0.02, 0.1, 1.0), double_sided=double_sided), normals,
                     uv=vertices[:, :2] / 0.4)  # fmt: skip


def clip_of(frames: int, *, far: float = 0.3) -> Clip:
    """A leg that bends, and a cloth that waves and turns its back to where it faced."""
    body, cloth = grid_mesh("body", double_sided=False), grid_mesh("garment", double_sided=True)
    rest = np.array([[0.2, 0.4, 0.0], [0.2, 0.2, 0.0]], np.float32)
    turns = np.tile(np.eye(3, dtype=np.float32), (frames, 2, 1, 1))
    bend = Rotation.from_euler("x", np.linspace(0, 200, frames)[:, None], degrees=True).as_matrix()
    turns[:, 1] = bend
    way = np.linspace(0, 0.1, frames)[:, None, None] * [1.0, 0.0, 0.0]
    share = np.where(body.vertices[:, 1:2] > 0.15, [1.0, 0.0], [0.25, 0.75])
    weights, bones = np.pad(share, ((0, 0), (0, 2))), np.tile([0, 1, 0, 0], (9, 1))
    t = np.linspace(0, 1, frames)[:, None]
    positions = np.repeat(cloth.vertices[None], frames, 0)
    positions[:, :, 2] += far * t * np.sin(5 * cloth.vertices[:, 0])
    angle = 3.0 * t * np.ones(9)
    normals = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], -1).astype(np.float32)
    track = GarmentTrack(cloth, positions.astype(np.float32), normals)
    return Clip("bend", 30.0, body, bones, weights, rest, turns, (rest + way).astype(np.float32), (track,))


def values_of(document: gl.GLTF2, index: int) -> np.ndarray:
    """An accessor's numbers as they are stored, shape [count, components]."""
    accessor = document.accessors[index]
    view = document.bufferViews[accessor.bufferView]
    kind = {5126: np.float32, 5122: np.int16, 5123: np.uint16, 5121: np.uint8, 5125: np.uint32}[accessor.componentType]
    size = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor.type]
    stride = view.byteStride or np.dtype(kind).itemsize * size
    blob = np.frombuffer(document.binary_blob(), np.uint8)[view.byteOffset :][: stride * accessor.count]
    rows = blob.reshape(accessor.count, stride)[:, : np.dtype(kind).itemsize * size]
    return np.ascontiguousarray(rows).view(kind)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("animation") / "animation.glb"
    clip = clip_of(8)
    held = write_animation(path, clip, NAMES, PARENTS, title="Bend", info={"motion": "bend"}, occlusion=False)
    return path, clip, held


def test_file_is_valid(written):
    if validator_missing():
        pytest.skip(validator_missing())
    verdict = validate_glb(written[0])
    assert (verdict["errors"], verdict["warnings"]) == (0, 0), verdict["messages"]


def test_every_frame_of_the_garment_is_there(written):
    path, clip, held = written
    document, track = gl.GLTF2().load(str(path)), clip.garments[0]
    node = next(n for n in document.nodes if n.name == "garment")
    primitive = document.meshes[node.mesh].primitives[0]
    base = values_of(document, primitive.attributes.POSITION)
    assert held["frames"] == 8 and len(primitive.targets) == 7
    for f, target in enumerate(primitive.targets, 1):
        place = base + values_of(document, target["POSITION"]) / 32767
        assert np.abs(place - track.positions[f]).max() < 2e-5
        change = values_of(document, target["NORMAL"])
        change = change / 32767 if change.dtype == np.int16 else change
        normal = values_of(document, primitive.attributes.NORMAL) + change
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        assert (normal * track.normals[f]).sum(1).min() > 0.9999
    channel = next(c for c in document.animations[0].channels if c.target.path == "weights")
    weights = values_of(document, document.animations[0].samplers[channel.sampler].output).reshape(8, 7)
    assert np.array_equal(weights, np.eye(8)[:, 1:])


def test_skeleton_moves_the_body_as_the_model_does(written):
    path, clip, _ = written
    document = gl.GLTF2().load(str(path))
    node = next(n for n in document.nodes if n.name == "body")
    attributes = document.meshes[node.mesh].primitives[0].attributes
    shares = values_of(document, attributes.WEIGHTS_0).astype(float)
    assert (shares.sum(1) == 65535).all()
    sampled = {}
    for channel in document.animations[0].channels:
        sampler = document.animations[0].samplers[channel.sampler]
        sampled[channel.target.node, channel.target.path] = values_of(document, sampler.output)
    joints = document.skins[node.skin].joints
    f, turns, places = 5, [], []
    for j, parent in zip(joints, PARENTS, strict=True):
        n = document.nodes[j]
        rotation = sampled[j, "rotation"][f] if (j, "rotation") in sampled else n.rotation
        move = sampled[j, "translation"][f] if (j, "translation") in sampled else n.translation
        turn = Rotation.from_quat(rotation).as_matrix()
        turns.append(turn if parent < 0 else turns[parent] @ turn)
        places.append(np.array(move) if parent < 0 else places[parent] + turns[parent] @ np.array(move))
    got = skinned(values_of(document, attributes.POSITION), values_of(document, attributes.JOINTS_0), shares / 65535,
                  clip.rest_joints, np.array(turns), np.array(places))  # fmt: skip
    assert np.abs(got - clip.meshes(f)[0].vertices).max() < 1e-4


def test_long_clips_leave_out_frames_and_far_ones_keep_their_precision(tmp_path):
    held = write_animation(tmp_path / "long.glb", clip_of(2 * TARGETS_MOST + 1), NAMES, PARENTS, occlusion=False)
    assert held["frames"] == TARGETS_MOST + 1 and held["fps"] == 15.0
    clip = clip_of(3, far=2.5)
    write_animation(tmp_path / "far.glb", clip, NAMES, PARENTS, occlusion=False)
    document = gl.GLTF2().load(str(tmp_path / "far.glb"))
    node = next(n for n in document.nodes if n.name == "garment")
    primitive = document.meshes[node.mesh].primitives[0]
    place = values_of(document, primitive.attributes.POSITION) + values_of(document, primitive.targets[1]["POSITION"])
    assert np.abs(place - clip.garments[0].positions[2]).max() < 1e-6


def test_moving_picture_in_every_format_asked_for(tmp_path):
    from engine.core.errors import JobError
    from engine.export.moving_picture import write_moving_picture

    paths = [tmp_path / "animation.webp", tmp_path / "animation.mp4"]
    try:
        pictures = write_moving_picture(paths, clip_of(5))
    except JobError as error:
        pytest.skip(str(error))  # no OpenGL, or no encoder
    assert len(pictures) == 3 and pictures[0].shape == (480, 360, 3)
    assert np.abs(pictures[0].astype(int) - pictures[2]).mean() > 0.5  # it moves
    with Image.open(paths[0]) as image:
        assert image.n_frames == 3
    assert paths[1].read_bytes()[4:8] == b"ftyp"


def test_viewer_counts_the_clip_as_a_model(written):
    data = written[0].read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    document = json.loads(data[20 : 20 + length])
    assert document["extensionsRequired"] == ["KHR_mesh_quantization"]
    assert [a["name"] for a in document["animations"]] == ["bend"]


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.skipif(bool(viewer_missing()), reason=viewer_missing())
def test_browser_plays_the_clip(written):
    sync_api = pytest.importorskip("playwright.sync_api")
    with ViewerServer(written[0]) as server, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"],
        )
        page = browser.new_page(viewport={"width": 800, "height": 480})
        page.set_default_timeout(180_000)  # software WebGL on a busy machine
        page.goto(server.url)
        page.wait_for_selector("body[data-state=ready]")
        assert page.evaluate("document.getElementById('viewer').availableAnimations") == ["bend"]
        assert page.evaluate("document.getElementById('viewer').paused") is False
        page.click("#play")
        assert page.evaluate("document.getElementById('viewer').paused") is True
        shots = []
        for moment in (0.0, 0.2):
            page.evaluate(f"document.getElementById('viewer').currentTime = {moment}")
            page.wait_for_timeout(2000)
            shot = page.locator("#viewer").screenshot()
            shots.append(np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int))
        assert (np.abs(shots[1] - shots[0]).max(-1) > 20).mean() > 0.01
        browser.close()


def test_command_names_what_is_missing(tmp_path, capsys):
    assert main(["animate", str(tmp_path / "nothing"), "--json"]) == 2
    assert main(["animate", str(tmp_path), "--motion", "sit"]) == 2
    assert "toile drape" in capsys.readouterr().err
