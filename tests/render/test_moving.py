import numpy as np
import pytest
from PIL import Image

from engine.core.errors import InputError, JobError
from render.moving import write_moving, write_mp4, write_webp


def shades(count: int = 3, size=(32, 24)) -> list[np.ndarray]:
    return [np.full((*size, 3), 40 + 80 * i, np.uint8) for i in range(count)]


def test_webp_is_animated_and_loops(tmp_path):
    with Image.open(write_webp(tmp_path / "t.webp", shades(), fps=10)) as image:
        assert image.n_frames == 3 and image.info["loop"] == 0 and image.size == (24, 32)
        image.seek(2)
        assert np.asarray(image.convert("RGB")).mean() == pytest.approx(200, abs=4)


def test_mp4_holds_every_frame_in_its_colours(tmp_path):
    import cv2

    red = np.zeros((65, 49, 3), np.uint8)
    red[..., 0] = 200
    try:
        path = write_moving(tmp_path / "t.mp4", [red, *shades(2, (65, 49))], fps=12)
    except JobError as error:
        pytest.skip(str(error))
    film = cv2.VideoCapture(str(path))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(12)
    frames = []
    while (got := film.read())[0]:
        frames.append(got[1][..., ::-1].astype(int))
    assert len(frames) == 3 and frames[0].shape == (64, 48, 3)
    assert frames[0].mean((0, 1)) == pytest.approx([200, 0, 0], abs=12)
    assert frames[2].mean() == pytest.approx(120, abs=6)


def test_without_an_encoder_there_is_a_clear_error(tmp_path, monkeypatch):
    import cv2

    class Closed:
        def __init__(self, *_):
            pass

        def isOpened(self):
            return False

    monkeypatch.setattr(cv2, "VideoWriter", Closed)
    with pytest.raises(JobError, match="VP9") as caught:
        write_mp4(tmp_path / "t.mp4", shades())
    assert ".webp" in caught.value.hint and not list(tmp_path.iterdir())


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(InputError, match=".gif"):
        write_moving(tmp_path / "t.gif", shades())
