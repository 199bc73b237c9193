import numpy as np
import pytest

from render.studio import MIRROR_STEPS, Studio, fibonacci_sphere, mirrored


def directions() -> np.ndarray:
    """Of the map's texels, shape [height, azimuth, 3]."""
    _, rows, columns = MIRROR_STEPS
    y = (np.arange(rows) + 0.5) / rows * 2 - 1
    azimuth = (np.arange(columns) + 0.5) / columns * 2 * np.pi
    flat = np.sqrt(1 - y * y)[:, None]
    return np.stack(np.broadcast_arrays(flat * np.sin(azimuth), y[:, None], flat * np.cos(azimuth)), -1)


def test_a_smooth_mirror_shows_the_softboxes_where_they_are():
    studio, ways = Studio(), directions()
    sharp = mirrored(studio)[0]
    straight = studio.radiance(ways.reshape(-1, 3)).reshape(sharp.shape)
    assert np.abs(sharp - straight).mean() < 0.06 * straight.mean()
    for box in studio.softboxes:
        axis = np.array(box.direction) / np.linalg.norm(box.direction)
        row, column = np.unravel_index(np.argmax(ways @ axis), ways.shape[:2])
        assert sharp[row, column] == pytest.approx(studio.radiance(axis[None])[0], rel=0.1)


def test_rougher_mirrors_are_blurrier_and_give_no_other_light():
    steps = mirrored(Studio())
    spread = steps.std(axis=(1, 2)).mean(-1)
    assert (np.diff(spread) < 0).all() and spread[-1] < 0.6 * spread[0]
    mean = Studio().radiance(fibonacci_sphere(2048)).mean(0)
    assert steps.mean(axis=(1, 2)) == pytest.approx(np.tile(mean, (len(steps), 1)), rel=0.05)  # rows are of equal area


def test_a_uniform_room_looks_the_same_in_every_mirror():
    steps = mirrored(Studio(softboxes=(), wall=(0.3, 0.2, 0.1), floor=(0.3, 0.2, 0.1)))
    assert steps == pytest.approx(np.broadcast_to((0.3, 0.2, 0.1), steps.shape), rel=1e-5)
