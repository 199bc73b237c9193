"""What the contact search leaves out is free of contact, and only that is left out."""

import numpy as np
import scenes
from test_elastic import nowhere

from sim.collision import Collider, upload
from sim.level import Level
from sim.tiles import build_tiles


def level_of(uv, faces, positions):
    garment = scenes.assemble([(uv, faces, positions)], [], scenes.cotton())
    return Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))


def found(level, x, reach, ahead=None):
    """Contacts of a collider as a set of corner tuples."""
    collider = Collider(level.cloth)
    later = None if ahead is None else upload(ahead.astype(np.float32))
    wide = upload(np.full(len(x), reach / 2, np.float32))
    collider.detect(upload(x.astype(np.float32)), wide, x.min(0) - reach, x.max(0) + reach, later)
    got = collider.pairs()
    return {(k, *c) for k, c in zip(got["kind"].tolist(), got["corner"].tolist(), strict=True)}, collider


def test_a_flat_sheet_cannot_touch_itself_however_it_flies():
    uv, faces, _ = scenes.rectangle(0.3, 0.3, 0.02)
    flat = np.column_stack([uv[:, 0], np.zeros(len(uv)), uv[:, 1]])
    level = level_of(uv, faces, flat)
    c, s = np.cos(0.4), np.sin(0.4)
    flown = flat @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]) + [0.0, -0.2, 0.0]
    everything, _ = found(level, flat, 0.03)
    left, collider = found(level, flat, 0.03, flown)
    assert len(everything) > 1000 and not left
    assert collider.unproven(upload(flat.astype(np.float32)), upload(flown.astype(np.float32))) == 0


def test_a_motion_that_folds_the_sheet_is_noticed():
    uv, faces, _ = scenes.rectangle(0.3, 0.3, 0.02)
    flat = np.column_stack([uv[:, 0], np.zeros(len(uv)), uv[:, 1]]).astype(np.float32)
    folded = flat.copy()
    over = folded[:, 0] > 0
    folded[over, 0] *= -0.98
    folded[over, 1] += 0.001
    level = level_of(uv, faces, flat)
    _, collider = found(level, flat, 0.02, flat)
    assert collider.unproven(upload(flat), upload(folded)) > 0
    x = upload(folded)
    collider.hold_back(upload(flat), x, 0.0)
    assert np.abs(x.to_numpy() - flat)[np.abs(flat[:, 0]) < 0.03].max() < 1e-7


def test_layers_of_a_fold_are_found():
    """A sheet laid double around a bend of 5 mm: all pairs across the layers are there, flat parts left out."""
    uv, faces, _ = scenes.rectangle(0.12, 0.4, 0.01)
    y, radius = uv[:, 1] - 0.2, 0.0025
    angle = np.clip(y / radius, -np.pi / 2, np.pi / 2)
    rest = y - angle * radius
    x = np.column_stack([uv[:, 0], radius * np.sin(angle), radius * np.cos(angle) - np.abs(rest)])
    level = level_of(uv, faces, x)
    everything, _ = found(level, x, 0.009)
    left, _ = found(level, x, 0.009, x)

    def across(pairs):
        """Pairs whose sides lie on different layers, well away from the bend."""
        out = set()
        for kind, *corner in pairs:
            a, b = y[corner[:kind]], y[corner[kind:]]
            if min(np.abs(a).min(), np.abs(b).min()) > 0.03 and a.max() * b.max() < 0:
                out.add((kind, *corner))
        return out

    assert len(across(everything)) > 100 and across(left) == across(everything)
    assert len(left) < len(everything)


def test_nothing_is_proven_around_a_notch_or_across_a_slit():
    uv, faces, _ = scenes.rectangle(0.4, 0.4, 0.01)
    centre = uv[faces].mean(1)
    notch = ~((centre[:, 0] > 0) & (centre[:, 1] > 0.2))
    slit = ~((np.abs(centre[:, 0] - 0.005) < 0.005) & (centre[:, 1] > 0.1))
    for keep, is_slit in ((notch, False), (slit, True)):
        used, again = np.unique(faces[keep], return_inverse=True)
        flat = uv[used]
        level = level_of(flat, again.reshape(-1, 3), np.column_stack([flat, np.zeros(len(flat))]))
        tiles = build_tiles(level.cloth)
        bad = 0
        for block, need in enumerate(tiles.block_need):
            sight = tiles.block_tri[tiles.block_start[block] : tiles.block_start[block + 1]]
            corners = flat[level.cloth.flat[tiles.tri_order[sight]]]
            middle = corners.mean(1)[corners.mean(1)[:, 1] > 0.11]
            if is_slit:
                parted = (middle[:, 0] < 0.0).any() and (middle[:, 0] > 0.01).any()
            else:
                parted = (np.abs(corners - [0.0, 0.2]).max(-1) < 1e-6).any()
            if parted:
                bad += 1
                assert np.isinf(need)
        assert bad >= 4 and np.isfinite(tiles.block_need).sum() > 20
