import numpy as np

from engine.core.types import Camera
from render.strokes import draw_strokes


def test_strokes_are_drawn_where_nothing_hides_them():
    camera = Camera(np.array([[100, 0, 50], [0, 100, 50], [0, 0, 1.0]]), np.eye(4), (100, 100))
    image = np.full((100, 100, 3), 255, np.uint8)
    line = np.column_stack([np.linspace(-0.4, 0.4, 41), np.zeros(41), np.ones(41)])
    depth = np.full((100, 100), 1.0)
    depth[:, 50:] = 0.5  # something nearer on the right
    out = draw_strokes(image, [(line, 1.0)], camera, depth, "tension")
    dark = out.sum(2) < 300
    assert dark[48:53, 15:45].any(0).all() and not dark[:, 55:].any()
    assert not dark[:40].any() and not dark[60:].any()
    behind = line + [0, 0, 0.6]
    assert (draw_strokes(image, [(behind, 1.0)], camera, depth, "tension") == 255).all()
