"""The garment space: designs as numbers, a tiny training, and the file of weights, which is not believed blindly."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.core.errors import InputError
from recsys.vae.compose import Joints
from recsys.vae.design import Library
from recsys.vae.model import LATENT, GarmentVae
from recsys.vae.space import FIGURE, PRESENT, REST, GarmentSpace, nearest
from recsys.vae.train import Settings, TrainingSet, train
from recsys.vae.weights import Weights, load_weights, save_weights

ROWS = [
    {"name": "tube", "options": {"width": {"default": 0.5, "low": 0.2, "high": 1.2, "unit": "m"},
                                 "length": {"default": None, "low": 0.1, "high": 0.5}}},
    {"name": "kilt", "options": {"kind": {"default": "box", "values": ("knife", "box")},
                                 "pleats": {"default": 20, "low": 4, "high": 80, "unit": "count"}}},
]  # fmt: skip
LIBRARY = Library.described(ROWS)


def small_set(n=48, seed=0):
    """Bars as wide as the one number says, whose family is where they stand."""
    rng = np.random.default_rng(seed)
    raster = np.zeros((n, 2, 12, 32, 32), np.uint8)
    family, share = rng.integers(2, size=n), rng.random(n).astype(np.float32)
    shares = np.full((n, LIBRARY.width), np.nan, np.float32)
    for i in range(n):
        width = 2 + int(share[i] * 20)
        raster[i, :, :2, 4 + 14 * family[i] : 12 + 14 * family[i], :width] = 255
        columns = LIBRARY.columns(int(family[i]))
        shares[i, columns] = [share[i], 0.5] if family[i] == 0 else [1, 0, share[i]]
    figures = np.stack([share - 0.5, np.where(family == 0, share, np.nan)], 1).astype(np.float32)
    fabric, body = rng.standard_normal((n, 8)).astype(np.float32), np.zeros((n, 6), np.float32)
    joints = Joints(np.array([1]), np.zeros(n, int), np.full(n, 16.0))
    return TrainingSet(raster, family, shares, fabric, body, np.ones((n, 6), bool), figures, joints)


def small_weights(model=None):
    rng, zero = np.random.default_rng(1), np.zeros
    torch.manual_seed(0)
    model = model or GarmentVae(len(LIBRARY), LIBRARY.width, 2).eval()
    return Weights(
        model, LIBRARY, ("length", "width"), np.stack([zero(8), np.ones(8)]), np.stack([zero(6), np.ones(6)]),
        np.ones((2, 2)), rng.standard_normal((2, 2, LATENT)), np.full(LIBRARY.width, 0.5),
        rng.standard_normal((5, LATENT)), np.array([0, 1, 0, 1, 1]), np.full((5, LIBRARY.width), 0.25), zero((5, 8)),
    )  # fmt: skip


def test_designs_are_numbers_and_back():
    tube, kilt = LIBRARY.families
    assert tube.options(tube.shares({"width": 0.7, "length": 0.3})) == {"width": 0.7, "length": 0.3}
    assert tube.options(tube.shares({})) == {"width": 0.5, "length": None}
    assert kilt.shares({"kind": "knife", "pleats": 42}) == pytest.approx([1, 0, 0.5])
    assert kilt.options(np.array([0.2, 0.7, 9.0])) == {"kind": "box", "pleats": 80}
    assert LIBRARY.columns(1) == slice(2, 5) and LIBRARY.width == 5 and LIBRARY.index("kilt") == 1
    assert Library.described(json.loads(json.dumps(LIBRARY.description()))) == LIBRARY


def test_the_model_is_small_and_its_shapes_fit():
    model = GarmentVae(12, 120, 8).eval()
    assert sum(p.numel() for p in model.parameters()) < 1_000_000
    mean, log_variance = model.encode(torch.rand(3, 24, 32, 32), torch.zeros(3, 8), torch.zeros(3, 6))
    out = model.decode(mean, torch.zeros(3, 6))
    assert mean.shape == log_variance.shape == (3, LATENT)
    assert out.raster.shape == (3, 24, 32, 32) and out.family.shape == (3, 12) and out.shares.shape == (3, 120)


def test_training_learns_and_is_seeded():
    data, lines = small_set(), []
    settings = Settings(steps=150, batch=16, joined=0.0)
    model = train(data, LIBRARY, settings, say=lines.append)
    again = train(data, LIBRARY, settings)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    raster = torch.from_numpy(data.raster).flatten(1, 2).float() / 255
    with torch.no_grad():
        mean, _ = model.encode(raster, torch.from_numpy(data.fabric), torch.from_numpy(data.body))
        out = model.decode(mean, torch.from_numpy(data.body))
    assert (out.family.argmax(1).numpy() == data.family).mean() > 0.95
    seen = (torch.sigmoid(out.raster) > 0.5).numpy()
    true = raster.numpy() > 0.5
    assert (seen & true).sum() / (seen | true).sum() > 0.8
    assert lines and "kl" in lines[-1]
    has = np.isfinite(data.figures)
    assert ((out.present > 0).numpy() == has).mean() > 0.95
    assert np.corrcoef(out.figures.numpy()[has], data.figures[has])[0, 1] > 0.9


def test_what_is_not_known_of_a_body_is_hidden_from_the_model():
    data = small_set()
    told = np.tile([True, False, False, True, True, True], (len(data.body), 1))
    body = np.random.default_rng(3).standard_normal(data.body.shape).astype(np.float32)
    hidden, other = body.copy(), body.copy()
    other[:, 1:3] += 5.0
    settings = Settings(steps=3, batch=16, joined=0.0, forgotten=1.0)
    models = [train(replace(data, body=b, told=told), LIBRARY, settings) for b in (hidden, other)]
    assert all(torch.equal(a, b) for a, b in zip(*(m.parameters() for m in models), strict=True))
    open_models = [train(replace(data, body=b, told=told), LIBRARY, replace(settings, forgotten=0.0))
                   for b in (hidden, other)]  # fmt: skip
    assert not all(torch.equal(a, b) for a, b in zip(*(m.parameters() for m in open_models), strict=True))


def test_a_lower_garment_gets_an_upper_part_for_the_same_body():
    n = 4
    raster = np.zeros((n, 2, 12, 32, 32), np.uint8)
    for i in range(n):
        raster[i, :, 0, 8:24, i] = 10 + i  # each garment a column of its own, from row 8 to 23
    figures = np.array([[1, np.nan, np.nan], [2, 0.1, np.nan], [3, 0.2, 0.5], [4, 0.3, np.nan]], np.float32)
    told = np.eye(n, 6, dtype=bool)
    joints = Joints(np.array([1, 2]), np.array([7, 7, 7, 8]), np.full(n, 15.5))
    data = TrainingSet(raster, np.arange(n), np.ones((n, 5), np.float32), np.zeros((n, 8)), np.ones((n, 6)), told,
                       figures, joints)  # fmt: skip
    batch = data.batch(np.arange(n), 1.0, 1.0, np.random.default_rng(0))
    assert batch["family"].tolist() == [-1, 1, 2, 3] and torch.isnan(batch["shares"][0]).all()
    drawn = (255 * batch["raster"][0, 0]).round().numpy()  # 0 is the only lower part, 1 the only sleeveless one for it
    assert drawn[8:24, 0].tolist() == [10] * 16
    assert drawn[15:24, 1].tolist() == [11] * 9 and not drawn[8:15, 1].any() and not drawn[:, 2:].any()
    assert batch["figures"][0, :2].tolist() == pytest.approx([1, 0.1]) and torch.isnan(batch["figures"][0, 2])
    assert batch["body"].tolist() == [[1, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    alone = data.batch(np.arange(n), 0.0, 0.0, np.random.default_rng(0))
    assert alone["family"].tolist() == [0, 1, 2, 3] and (alone["body"] == 1).all()
    assert (data.raster == raster).all() and (data.family == np.arange(n)).all()


def test_places_hold_what_the_heads_say_and_less_of_the_rest():
    space = GarmentSpace(small_weights())
    z = np.random.default_rng(2).standard_normal((4, LATENT)).astype(np.float32)
    places = space.places(z)
    assert places.shape == (4, 2 + 2 + LATENT) and np.allclose(places[:, 4:], REST * z)
    with torch.no_grad():
        heads = [f(torch.from_numpy(z)).numpy() for f in (space.weights.model.present, space.weights.model.figures)]
    present = 1 / (1 + np.exp(-heads[0]))
    assert np.allclose(places[:, 2:4], PRESENT * present, atol=1e-6)
    assert np.allclose(places[:, :2], FIGURE * present * heads[1], atol=1e-6)


def test_weights_are_read_back(tmp_path):
    weights = small_weights()
    loaded = load_weights(save_weights(tmp_path / "w.safetensors", weights))
    z = torch.randn(2, LATENT)
    with torch.no_grad():
        a, b = (w.model.decode(z, torch.zeros(2, 6)) for w in (weights, loaded))
    assert torch.equal(a.raster, b.raster) and torch.equal(a.shares, b.shares)
    assert loaded.library == LIBRARY and loaded.figures == ("length", "width")
    assert np.allclose(loaded.gallery, weights.gallery) and (loaded.gallery_family == weights.gallery_family).all()


def test_damaged_weights_are_refused(tmp_path):
    good = save_weights(tmp_path / "w.safetensors", small_weights()).read_bytes()
    header = int.from_bytes(good[:8], "little")
    text = good[8 : 8 + header]
    other = text.replace(b'"raster\\\\": 1', b'"raster\\\\": 9') if b'"raster\\\\": 1' in text else text.replace(
        b'\\"raster\\": 1', b'\\"raster\\": 9')  # fmt: skip
    assert other != text
    cases = {
        "cut": good[: len(good) // 2], "junk": b"junk" * 100, "short": b"123", "huge": b"\xff" * 64,
        "other": good[:8] + other + good[8 + header :],
        "nan": good[:-4] + b"\x00\x00\xc0\x7f", "empty": b"",
    }  # fmt: skip
    for name, raw in cases.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(raw)
        if name == "nan":
            continue
        with pytest.raises(InputError) as error:
            load_weights(path)
        assert str(path) in error.value.message, name
    with pytest.raises(InputError, match="no such"):
        load_weights(tmp_path / "none.safetensors")


def test_the_space_encodes_decodes_and_finds():
    space = GarmentSpace(small_weights())
    raster = np.random.default_rng(0).random((3, 2, 12, 32, 32))
    points = space.encode(raster, np.zeros((3, 8)), np.full((3, 6), np.nan))
    assert all(np.isfinite(p.latent).all() and (p.spread > 0).all() and (p.body == 0).all() for p in points)
    found = space.decode(np.zeros((1, LATENT)), np.zeros(6), "kilt")[0]
    assert found.design.family == "kilt" and 4 <= found.design.options["pleats"] <= 80
    assert found.coverage.shape == (2, 32, 32) and found.fabric.shape == (8,)
    gallery = space.weights.gallery
    order = nearest(gallery[3], gallery, 3)
    assert order[0] == (3, 0.0) and order[1][1] <= order[2][1]
    assert space.gallery_design(0).options == {"width": 0.45, "length": 0.2}
    with pytest.raises(KeyError):
        space.decode(np.zeros((1, LATENT)), np.zeros(6), "toga")
