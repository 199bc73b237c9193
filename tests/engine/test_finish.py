import numpy as np
import pytest
from PIL import Image
from small_scene import capsule_body, folded_skirt

from engine.core.errors import InputError
from engine.finish import Finish, hex_of_linear, linear_of_hex, read_finish


def test_colours_go_there_and_back():
    assert hex_of_linear(np.array(linear_of_hex("#8A2f3b"))) == "#8a2f3b"
    assert linear_of_hex("ffffff") == pytest.approx((1, 1, 1))
    for wrong in ("red", "#12345", "#12345g"):
        with pytest.raises(InputError, match="--colour"):
            linear_of_hex(wrong)


def test_only_the_outermost_garment_takes_the_finish():
    body, inner, outer = capsule_body(), folded_skirt(), folded_skirt()
    done = Finish((0.5, 0.1, 0.1)).on([body, inner, outer])
    assert done[0] is body and done[1] is inner
    assert done[2].material.base_color == (0.5, 0.1, 0.1, 1.0) and done[2].material.weave == "twill"


def test_a_print_shows_in_its_own_colours(tmp_path):
    path = tmp_path / "print.png"
    Image.fromarray(np.full((512, 512, 3), (200, 30, 40), np.uint8)).save(path)
    finish = read_finish(None, str(path))
    material = finish.on([folded_skirt()])[0].material
    assert material.base_color[:3] == (1.0, 1.0, 1.0) and tuple(material.texture[5, 5]) == (200, 30, 40)
    assert read_finish(None, None) is None
    with pytest.raises(InputError, match="nothing.png"):
        read_finish(None, str(tmp_path / "nothing.png"))
