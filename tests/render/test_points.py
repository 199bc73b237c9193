"""Points drawn from meshes, their neighbours and the distance between sets, against slow sums."""

import pytest
import torch

from engine.core.errors import ArgumentError
from render.diff import (
    Meshes,
    TexturesVertex,
    chamfer_distance,
    ico_sphere,
    knn_gather,
    knn_points,
    points,
    sample_points_from_meshes,
)

SQUARE = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])


def test_points_are_spread_evenly_over_each_mesh():
    torch.manual_seed(0)
    wide = SQUARE * torch.tensor([4.0, 1.0, 1.0])
    nothing = torch.zeros(0, 3)
    verts = [SQUARE, nothing, wide.requires_grad_()]
    textures = TexturesVertex([v[:, :2] for v in verts])
    meshes = Meshes(verts, [FACES, nothing.long(), FACES], textures)
    found, normals, texels = sample_points_from_meshes(meshes, 20000, return_normals=True, return_textures=True)
    assert not found[1].any() and not normals[1].any()
    for mesh, width in ((0, 1.0), (2, 4.0)):
        place = found[mesh] / torch.tensor([width, 1.0, 1.0])
        counts = torch.histogramdd(place[:, :2].detach(), bins=[4, 4], range=[0.0, 1.0, 0.0, 1.0]).hist
        assert ((counts - 1250).abs() < 5 * 1250**0.5).all()
        assert torch.allclose(normals[mesh], torch.tensor([0.0, 0.0, 1.0]))
        assert torch.allclose(texels[mesh], found[mesh, :, :2], atol=1e-6)
    found[2, :, 0].sum().backward()
    assert wide.grad[1:3, 0].sum() > 9000 and not wide.grad[:, 1].any()


def test_points_that_cannot_be_drawn():
    with pytest.raises(ArgumentError, match="empty"):
        sample_points_from_meshes(Meshes([SQUARE], [FACES[:0]]))
    with pytest.raises(ArgumentError, match="nan"):
        sample_points_from_meshes(Meshes([SQUARE * torch.nan], [FACES]))
    with pytest.raises(ArgumentError, match="textures"):
        sample_points_from_meshes(Meshes([SQUARE], [FACES]), 5, return_textures=True)


@pytest.mark.parametrize("norm", [1, 2])
def test_neighbours_are_those_of_all_pairs(norm, monkeypatch):
    monkeypatch.setattr(points, "PAIRS_AT_ONCE", 40)  # many chunks
    generator = torch.manual_seed(1)
    one, other = torch.rand(2, 17, 3, generator=generator), torch.rand(2, 9, 3, generator=generator)
    lengths, others = torch.tensor([17, 5]), torch.tensor([9, 2])
    found = knn_points(one, other, lengths, others, norm=norm, K=3, return_nn=True)
    apart = (one[:, :, None] - other[:, None]).abs().pow(norm).sum(-1)
    for k in range(2):
        n, m = lengths[k], others[k]
        nearest = apart[k, :n, :m].sort(1)
        kept = min(3, int(m))
        assert torch.allclose(found.dists[k, :n, :kept], nearest.values[:, :kept], atol=1e-6)
        assert torch.equal(found.idx[k, :n, :kept], nearest.indices[:, :kept])
        assert not found.dists[k, n:].any() and not found.dists[k, :, kept:].any() and not found.knn[k, :, kept:].any()
    assert torch.equal(knn_gather(other, found.idx, others)[0], found.knn[0])
    with pytest.raises(ValueError, match="norm"):
        knn_points(one, other, norm=3)


def test_distance_of_sets_by_hand():
    x = torch.tensor([[[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]], requires_grad=True)
    y = torch.tensor([[[0.0, 1.0, 0.0]]])
    assert chamfer_distance(x, y)[0].item() == pytest.approx((1 + 5) / 2 + 1)
    assert chamfer_distance(x, y, norm=1)[0].item() == pytest.approx((1 + 3) / 2 + 1)
    assert chamfer_distance(x, y, point_reduction="max")[0].item() == 5
    assert chamfer_distance(x, y, point_reduction="sum", batch_reduction=None)[0].tolist() == [7]
    assert chamfer_distance(x, y, x_lengths=torch.tensor([1]))[0].item() == 2
    assert chamfer_distance(x, y, single_directional=True)[0].item() == 3
    each = chamfer_distance(x, y, batch_reduction=None, point_reduction=None)[0]
    assert each[0].tolist() == [[1, 5]] and each[1].tolist() == [[1]]
    up, turned = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.0, 0.6, -0.8])
    for absolute, want in ((True, 0.2), (False, 1.8)):
        normals = chamfer_distance(
            x, y, x_normals=up.expand(1, 2, 3), y_normals=turned[None, None], abs_cosine=absolute
        )
        assert normals[1].item() == pytest.approx(2 * want, abs=1e-6)
    chamfer_distance(x, y)[0].backward()
    assert torch.allclose(x.grad[0], torch.tensor([[0.0, -3.0, 0.0], [2.0, -1.0, 0.0]]))
    with pytest.raises(ValueError, match="batch_reduction"):
        chamfer_distance(x, y, batch_reduction="max")


def test_a_sphere_is_pulled_onto_points():
    torch.manual_seed(0)
    target = sample_points_from_meshes(ico_sphere(2).scale_verts(1.5), 400)
    source = ico_sphere(1)
    grown = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([grown], lr=0.2)
    for _ in range(30):
        optimizer.zero_grad()
        mesh = source.update_padded(source.verts_padded() * (1 + grown))
        chamfer_distance(sample_points_from_meshes(mesh, 400), target)[0].backward()
        optimizer.step()
    assert 1 + grown.item() == pytest.approx(1.5, abs=0.08)
