"""Coverage: exact areas, and derivatives that are those of the area."""

import pytest
import torch

from engine.core.errors import InputError
from render.raster import MeshEdges, coverage

TWO = torch.tensor([[0, 1, 2], [0, 2, 3]])


def rectangle(left: float, low: float, right: float, high: float, depth: float = 2.0) -> torch.Tensor:
    return torch.tensor([[left, low, depth], [right, low, depth], [right, high, depth], [left, high, depth]])


def area(verts: torch.Tensor, faces: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Covered area in normalised device coordinates."""
    return coverage(verts, faces, size).sum() * (2.0 / min(size)) ** 2


@pytest.mark.parametrize("size", [(64, 64), (48, 80), (80, 48)])
def test_area_and_derivative_of_a_rectangle(size):
    verts = rectangle(-0.53, -0.31, 0.62, 0.47).requires_grad_()
    covered = area(verts, TWO, size)
    assert covered.item() == pytest.approx(1.15 * 0.78, rel=2e-3)
    covered.backward()
    # each corner moves half of each of its two sides
    want = torch.tensor([[-0.39, -0.575], [0.39, -0.575], [0.39, 0.575], [-0.39, 0.575]])
    assert torch.allclose(verts.grad[:, :2], want, atol=1e-4)
    assert (verts.grad[:, 2] == 0).all()


def test_only_the_union_counts():
    # the second rectangle's lower left quarter lies behind the first
    verts = torch.cat((rectangle(-0.5, -0.5, 0.1, 0.1), rectangle(-0.2, -0.2, 0.4, 0.4, 3.0))).requires_grad_()
    covered = area(verts, torch.cat((TWO, TWO + 4)), (96, 96))
    assert covered.item() == pytest.approx(0.36 + 0.36 - 0.09, rel=2e-3)
    covered.backward()
    first, second = verts.grad[:4, :2].sum(0), verts.grad[4:, :2].sum(0)
    assert torch.allclose(first, torch.tensor([-0.3, -0.3]), atol=2e-3)
    assert torch.allclose(second, torch.tensor([0.3, 0.3]), atol=2e-3)


def test_pixels_are_weighted_where_the_outline_runs():
    # a linear loss whose weight grows to the left: moving left gains the weight of one edge and loses the other's
    size = 64
    weight = torch.arange(size - 1, -1, -1.0)[None] / size
    verts = rectangle(-0.5, -0.5, 0.5, 0.5).requires_grad_()
    (coverage(verts, TWO, size)[0] * weight).sum().backward()
    # the outline lies on pixel borders, where the weight is that of either neighbour
    assert float(verts.grad[:, 0].sum()) == pytest.approx(32 * 32 * 32 / size, abs=32 * 32 / size * 1.01)


def test_folds_and_closed_surfaces():
    # an octahedron, and its outline's area by the shoelace formula
    verts = torch.tensor(
        [[0.6, 0.05, 2.0], [-0.5, 0.0, 2.0], [0.0, 0.7, 2.1], [0.1, -0.6, 1.9], [0.05, 0.1, 1.5], [0.0, -0.1, 2.5]]
    )
    ring = [0, 2, 1, 3]
    faces = torch.tensor([[ring[i], ring[(i + 1) % 4], apex] for i in range(4) for apex in (4, 5)])
    corner = verts[ring, :2].requires_grad_()
    turned = corner.roll(-1, 0)
    shoelace = (corner[:, 0] * turned[:, 1] - corner[:, 1] * turned[:, 0]).sum().abs() / 2
    shoelace.backward()
    leaf = verts.clone().requires_grad_()
    covered = area(leaf, faces, (128, 128))
    covered.backward()
    assert covered.item() == pytest.approx(shoelace.item(), rel=2e-3)
    assert torch.allclose(leaf.grad[ring, :2], corner.grad, atol=1e-3)
    assert (leaf.grad[[4, 5]] == 0).all()


def test_batch_equals_single_images():
    verts = torch.stack((rectangle(-0.5, -0.5, 0.1, 0.1), rectangle(-0.2, -0.7, 0.4, 0.4))).requires_grad_()
    edges = MeshEdges(TWO, 4)
    both = coverage(verts, TWO, (40, 56), edges=edges)
    both.square().sum().backward()
    for image in range(2):
        leaf = verts[image].detach().requires_grad_()
        single = coverage(leaf, TWO, (40, 56), edges=edges)
        single.square().sum().backward()
        assert torch.equal(single[0], both[image]) and torch.equal(leaf.grad, verts.grad[image])


def test_outside_and_behind():
    assert coverage(rectangle(3.0, 3.0, 4.0, 4.0), TWO, 16).sum() == 0
    assert coverage(rectangle(-0.5, -0.5, 0.5, 0.5, -1.0), TWO, 16).sum() == 0
    assert (coverage(rectangle(-5.0, -5.0, 5.0, 5.0), TWO, 16) == 1).all()


def test_edges_of_a_mesh():
    edges = MeshEdges(TWO, 4)
    assert edges.ends.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [2, 3]]
    assert edges.first.tolist() == [0, 1, 3, 4, 5, 6]
    assert edges.across.tolist() == [2, 3, 1, 2, 0, 0] or edges.across.tolist() == [2, 1, 3, 2, 0, 0]


def test_wrong_shapes():
    with pytest.raises(InputError):
        coverage(torch.zeros(4, 2), TWO, 8)
