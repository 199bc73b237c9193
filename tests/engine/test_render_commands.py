"""toile render: what flags ask for is written, and wrong ones are told apart before any work."""

import json

import numpy as np
import pytest
from PIL import Image

from engine import look as looks
from engine.cli import main
from engine.core.errors import JobError
from engine.core.types import ImageBuffers


@pytest.fixture
def look(monkeypatch, tmp_path):
    """A folder whose look is a small scene."""
    from small_scene import capsule_body, folded_skirt

    from render.opengl import create_context

    try:
        create_context().release()
    except JobError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(looks, "load_look", lambda folder: looks.Look(None, None, None))
    monkeypatch.setattr(looks, "scene", lambda look: [capsule_body(), folded_skirt()])
    return tmp_path


def render(capfd, *flags) -> dict:
    code = main(["render", *map(str, flags), "--quality", "draft", "--json"])
    value = json.loads(capfd.readouterr().out)
    assert code == 0, value
    return value


def test_one_picture_in_a_mode(look, capfd):
    (path,) = render(capfd, look, "--mode", "strain", "--view", "side", "--size", "60x80")["files"]
    assert path.endswith("side_strain.png") and Image.open(path).size == (60, 80)
    (path,) = render(capfd, look, "--close-up", "--size", "60x80", "--backdrop", "none")["files"]
    assert path.endswith("three_quarter_close_up.png")


def test_a_turntable_as_webp(look, capfd):
    flags = (look, "--turntable", look / "around.webp", "--frames", 3, "--size", "40x60", "--mode", "wireframe")
    (path,) = render(capfd, *flags)["files"]
    with Image.open(path) as image:
        assert image.n_frames == 3 and image.size == (40, 60)


def test_layers_and_their_camera(look, capfd):
    flags = ("--buffers", look / "layers", "--view", "30", "--size", "60x80", "--fov", "40")
    files = render(capfd, look, *flags)["files"]
    assert {"buffers.exr", "camera.json", "normal.png"} <= {f.rsplit("/", 1)[1] for f in files}
    camera = json.loads((look / "layers/camera.json").read_text())
    assert camera["size"] == [60, 80] and camera["ids"] == {"0": "body", "1": "garment"}
    assert camera["K"][1][1] == pytest.approx(40 / np.tan(np.deg2rad(20)), rel=1e-4)
    exr = (look / "layers/buffers.exr").read_bytes()
    assert exr[:4] == b"\x76\x2f\x31\x01" and b"albedo.R\0" in exr and b"normal.X\0" in exr
    ids = np.asarray(Image.open(look / "layers/material_id.png"))
    assert len(np.unique(ids)) == 3


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--view", "above"), "render.view"),
        (("--mode", "sketch"), "render.mode"),
        (("--size", "big"), "cli.size"),
        (("--size", "0x10"), "cli.size"),
        (("--fov", "400"), "cli.range"),
        (("--close-up", "-1"), "cli.range"),
        (("--turntable", "x.gif"), "render.moving_format"),
        (("--turntable", "x.webp", "--frames", "0"), "cli.range"),
        (("--turntable", "x.webp", "--close-up"), "cli.turntable"),
        (("--frames", "8"), "cli.frames"),
        (("--size", "9000x9000"), "cli.size"),
    ],
)
def test_wrong_flags(tmp_path, capfd, flags, code):
    assert main(["render", str(tmp_path), *flags, "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["code"] == code


def test_previews_of_an_empty_view():
    from engine.export.buffers import buffer_previews

    nothing = np.zeros((4, 5, 3), np.float32)
    empty = ImageBuffers(nothing, nothing[..., 0], np.full((4, 5), np.inf), nothing, nothing, np.full((4, 5), -1))
    assert all(not picture.any() for picture in buffer_previews(empty).values())
