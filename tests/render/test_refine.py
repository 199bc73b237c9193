from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.core.errors import InputError
from render.camera import standard_cameras
from render.preview import Preview, PreviewQuality, Sampling
from render.refine.apply import refined
from render.refine.features import PLANES, Features, planes, view_features, white_ball
from render.refine.losses import ms_ssim_loss
from render.refine.network import CHROMA, LUMINANCE, Refiner, parameter_count
from render.refine.pairs import load_pair, pair_files, save_pair
from render.refine.train import Settings, train
from render.refine.weights import WEIGHTS, load_refiner, save_refiner
from render.studio import Studio

SMALL = PreviewQuality((60, 80), (60, 80), 4, Sampling(2, 4, 6, 256), Sampling(2, 1, 4, 256), 32)


def _wild() -> Refiner:
    """A network with large random weights, which drive its output to its bounds."""
    torch.manual_seed(1)
    model = Refiner()
    torch.nn.init.normal_(model.head.weight, std=3.0)
    return model.eval()


def _features(rng, height=70, width=90) -> Features:
    pixels = lambda *n: rng.uniform(0.05, 0.9, (height, width, *n)).astype(np.float32)  # noqa: E731
    alpha = np.ones((height, width), np.float32)
    alpha[:, :10] = 0
    seen = alpha[..., None]
    return Features(pixels(3) * seen, alpha, pixels(3) * seen, pixels(3) * seen, pixels(4) * seen, pixels() * alpha,
                    pixels(3) * seen, pixels(2) * seen, alpha * (rng.random((height, width)) < 0.7), pixels(3) * seen,
                    np.array([1.1, 1.0, 0.8], np.float32))  # fmt: skip


@pytest.fixture(scope="module")
def view(opengl, body, cloth):
    with Preview([body, cloth], quality=SMALL) as preview:
        camera = standard_cameras([body, cloth], size=(60, 80))["three_quarter"]
        yield preview, camera


def test_features_tell_what_is_in_view(view, cloth):
    preview, camera = view
    f = view_features(preview, camera, keep=((np.array([0, 1.6, 0]), 0.3),))
    drawn = preview.view(camera)
    assert len(planes(f)) == len(PLANES) and np.isfinite(planes(f)).all()
    inside = (f.share[..., 0] > 0.99) & (drawn.material_id == 1)
    assert f.albedo[inside] == pytest.approx(np.tile((0.08, 0.12, 0.30), (inside.sum(), 1)), abs=2e-3)
    assert (f.weight[inside] > 0.99).all() and f.weight[f.alpha == 0].max() == 0
    rows = np.arange(80)[:, None]
    assert f.weight[(rows < 12) & (f.share[..., 1] > 0)].max() == 0  # the ball to keep
    towards_eye = f.normal[inside][:, 2]
    assert towards_eye.mean() > 0.5 and f.material[..., 0][inside].mean() > 0.5
    sky = f.light[..., 1][f.alpha > 0.99]
    assert 0.2 < sky.mean() < 1.01 and f.light[f.alpha == 0].max() == 0


def test_what_is_lit_by_the_key_light_says_so(view):
    preview, camera = view
    f = view_features(preview, camera)
    skin = f.share[..., 1] > 0.99
    key, bright = f.light[..., 2][skin], f.rgb[..., 1][skin]
    assert np.corrcoef(key, bright)[0, 1] > 0.8


def test_a_white_ball_is_as_bright_as_its_light(opengl):
    """The mean over its picture, against the ball's own shading integrated over the disc it fills."""
    dark = Studio(key_radiance=(0, 0, 0), rim_radiance=(0, 0, 0), softboxes=(), wall=(0, 0, 0), floor=(0, 0, 0))
    usual = white_ball(Studio())
    assert usual @ [0.2126, 0.7152, 0.0722] == pytest.approx(1) and np.abs(usual - 1).max() < 0.05
    unit = white_ball(replace(dark, wall=(0.5,) * 3, floor=(0.5,) * 3))[0] / 0.5  # an even 1 makes it 1
    x, y = np.meshgrid(*[np.linspace(-1, 1, 401)] * 2)
    disc = x * x + y * y < 1
    for way in ((0.0, 0.0, 1.0), (0.6, 0.5, 0.62), (-0.8, 0.1, -0.6)):
        normals = np.stack([x, y, np.sqrt(np.maximum(1 - x * x - y * y, 0))], -1)[disc]
        shading = np.maximum(normals @ way / np.linalg.norm(way), 0).mean()
        ball = white_ball(replace(dark, key_direction=way, key_radiance=(1.0, 0.5, 2.0)))
        assert ball / unit == pytest.approx(shading * np.array([1.0, 0.5, 2.0]), rel=0.02, abs=1e-3)


def test_the_network_sees_no_exposure_and_no_white_balance(view, body, cloth):
    preview, camera = view
    gain = np.array([0.45, 0.4, 0.3])
    tinted = lambda rgb: tuple(float(c) for c in np.array(rgb) * gain)  # noqa: E731
    usual = Studio()
    names = ("key_radiance", "rim_radiance", "wall", "floor")
    dim = replace(usual, softboxes=tuple(replace(b, radiance=tinted(b.radiance)) for b in usual.softboxes),
                  **{name: tinted(getattr(usual, name)) for name in names})  # fmt: skip
    with Preview([body, cloth], quality=SMALL, studio=dim) as other:
        seen = view_features(other, camera, studio=dim)
    plain = view_features(preview, camera)
    inside = plain.alpha > 0.99
    assert seen.rgb[inside].mean() < 0.5 * plain.rgb[inside].mean()
    assert np.abs(planes(seen) - planes(plain))[:, inside].max() < 0.02  # softboxes are told as luminance
    model = _wild()
    assert refined(model, replace(plain, rgb=plain.rgb * 0.5, white=plain.white * 0.5)) == pytest.approx(
        0.5 * refined(model, plain), rel=1e-3, abs=1e-4
    )


def test_a_network_that_has_learnt_nothing_changes_nothing():
    f = _features(np.random.default_rng(0))
    assert refined(Refiner().eval(), f) == pytest.approx(f.rgb, abs=1e-5)


def test_threads_change_no_bit():
    f, model = _features(np.random.default_rng(3), 250, 300), _wild()
    before, pictures = torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        pictures.append(refined(model, f))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert all(np.array_equal(p, pictures[0]) for p in pictures)


def test_no_weights_can_change_a_colour_or_what_is_not_refined():
    f, model = _features(np.random.default_rng(2)), _wild()
    change = np.log((refined(model, f) + 1e-3 * f.white) / (f.rgb + 1e-3 * f.white))
    assert np.abs(change[f.weight == 0]).max() < 1e-4
    touched = change[f.weight > 0]
    assert np.abs(touched).max() > 0.3  # the test means something
    assert np.abs(touched.mean(1)).max() <= LUMINANCE + 1e-3
    # where light is taken away almost wholly, no radiance is held at nought
    assert np.abs(touched - touched.mean(1, keepdims=True)).max() <= 4 / 3 * CHROMA + 1e-3


def test_face_and_backdrop_stay(view, tmp_path):
    """In the finished picture too: beside the plain one, only what may be refined differs."""
    from PIL import Image

    from engine.export.finer_pictures import _write

    preview, camera = view
    f = view_features(preview, camera, keep=((np.array([0, 1.6, 0]), 0.3),))
    pictures = [np.asarray(Image.open(_write(tmp_path / name, preview, camera, rgb, f.alpha))).astype(int)
                for name, rgb in (("a.png", f.rgb), ("b.png", refined(_wild(), f)))]  # fmt: skip
    difference = np.abs(pictures[0] - pictures[1]).max(-1)
    assert difference[f.weight == 0].max() <= 1 and difference[f.weight > 0.9].max() > 20
    assert np.abs(pictures[0] - preview.picture(camera))[f.alpha == 0].mean() < 2  # the backdrop with its shadow


def test_network_is_small_and_takes_any_size():
    model = _wild()
    assert 1_000_000 < parameter_count(model) < 2_200_000
    with torch.inference_mode():
        assert model(torch.zeros(1, len(PLANES), 50, 37)).shape == (1, 3, 50, 37)


def test_structural_loss_grows_with_the_damage():
    torch.manual_seed(0)
    picture = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 200, 200), 5, 1).clamp(0, 1)
    losses = [float(ms_ssim_loss(picture, picture + s * torch.randn_like(picture))) for s in (0, 0.02, 0.1)]
    assert losses[0] == pytest.approx(0, abs=1e-5)
    assert losses[0] < losses[1] < losses[2] < 1


def _data(folder, count=2):
    """Pairs whose traced pictures are brighter where the sky is open."""
    for i in range(count):
        f = _features(np.random.default_rng(10 + i))
        save_pair(folder / "train" / f"p{i}.npz", f, f.rgb * np.exp(0.8 * f.light[..., 1:2]), look=f"look{i}")
    return folder


def test_pairs_come_back_as_they_were(tmp_path):
    _data(tmp_path, 1)
    pair = load_pair(pair_files(tmp_path, "train")[0])
    f = _features(np.random.default_rng(10))
    assert pair.look == "look0" and pair.drawn == pytest.approx(f.rgb, abs=1e-3)
    assert pair.change[:, f.alpha > 0].mean(0) == pytest.approx(
        np.log((f.rgb * np.exp(0.8 * f.light[..., 1:2]) + 1e-3) / (f.rgb + 1e-3))[f.alpha > 0].mean(1), abs=0.01
    )
    with pytest.raises(InputError, match="no pairs"):
        pair_files(tmp_path, "test")
    (tmp_path / "train" / "p0.npz").write_bytes(b"PK no zip")
    with pytest.raises(InputError):
        load_pair(tmp_path / "train" / "p0.npz")


def test_training_learns_and_goes_on_as_if_it_had_not_stopped(tmp_path):
    data = _data(tmp_path / "data")
    settings = Settings(steps=12, batch=2, square=64, rate=1e-3, gan=0.01)
    whole = train(data, tmp_path / "a", settings)
    calls = 0
    while (parts := train(data, tmp_path / "b", settings, seconds=1e-3)) is None:
        calls += 1
        assert calls < 40
    assert calls >= 3
    for a, b in zip(load_refiner(whole).state_dict().values(), load_refiner(parts).state_dict().values(), strict=True):
        assert torch.equal(a, b)
    pair = load_pair(pair_files(data, "train")[0])
    with torch.inference_mode():
        made = load_refiner(whole)(torch.from_numpy(pair.planes)[None])[0].numpy()
    inside = pair.weight > 0
    assert np.abs(made - pair.change)[:, inside].mean() < 0.95 * np.abs(pair.change)[:, inside].mean()
    with pytest.raises(InputError, match="other settings"):
        train(data, tmp_path / "b", replace(settings, steps=13))


def test_weights_that_come_with_toile_change_light_a_little(view):
    preview, camera = view
    f = view_features(preview, camera)
    change = np.log((refined(load_refiner(), f) + 1e-3) / (f.rgb + 1e-3))[f.weight > 0.9]
    assert WEIGHTS.stat().st_size < 10_000_000
    assert 0.01 < np.abs(change).mean() < 0.3 and np.abs(change).max() < LUMINANCE + 0.02


def test_weights_come_back_and_damage_is_told(tmp_path):
    model = _wild()
    save_refiner(tmp_path / "w.safetensors", model)
    save_refiner(tmp_path / "half.safetensors", model, half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.55 * (tmp_path / "w.safetensors").stat().st_size < 6e6
    for name, error in (("w", 0), ("half", 4e-3)):
        again = load_refiner(tmp_path / f"{name}.safetensors").state_dict()
        assert all((again[k] - v).abs().max() <= error for k, v in model.state_dict().items())
    raw = (tmp_path / "w.safetensors").read_bytes()
    for damaged in (raw[:1000], b"", raw[:8] + b"x" * 100 + raw[108:]):
        (tmp_path / "bad.safetensors").write_bytes(damaged)
        with pytest.raises(InputError):
            load_refiner(tmp_path / "bad.safetensors")
