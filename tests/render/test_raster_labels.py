"""Visible shares of labels: areas, who hides whom, and derivatives of the areas."""

import pytest
import torch
from test_raster_coverage import TWO, rectangle

from engine.core.errors import InputError
from render.raster import coverage, visible_shares


def areas(verts, faces, labels, size=96) -> torch.Tensor:
    """Visible area of each label in normalised device coordinates."""
    return visible_shares(verts, faces, labels, size)[0].sum((1, 2)) * (2.0 / size) ** 2


def overlapping() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rectangle 0 from -0.5 to 0.1, before rectangle 1 from -0.2 to 0.4 (in x and y)."""
    verts = torch.cat((rectangle(-0.5, -0.5, 0.1, 0.1, 2.0), rectangle(-0.2, -0.2, 0.4, 0.4, 3.0)))
    return verts, torch.cat((TWO, TWO + 4)), torch.tensor([0, 0, 1, 1])


def test_the_nearer_part_hides_the_farther():
    verts, faces, labels = overlapping()
    leaf = verts.requires_grad_()
    front, back = areas(leaf, faces, labels)
    assert front.item() == pytest.approx(0.36, rel=2e-3) and back.item() == pytest.approx(0.27, rel=3e-3)
    (moved,) = torch.autograd.grad(back, leaf, retain_graph=True)
    # the hiding rectangle moved to the right and up takes area; the hidden one gains it
    assert torch.allclose(moved[:4, :2].sum(0), torch.tensor([-0.3, -0.3]), atol=3e-3)
    assert torch.allclose(moved[4:, :2].sum(0), torch.tensor([0.3, 0.3]), atol=3e-3)
    (own,) = torch.autograd.grad(front, leaf)
    assert own[:4, :2].sum(0).abs().max() < 1e-4 and (own[4:] == 0).all()


def test_all_labels_together_are_the_coverage():
    verts, faces, labels = overlapping()
    weight = torch.rand((1, 40, 56), generator=torch.Generator().manual_seed(0))
    grads = []
    for picture in (
        lambda v: visible_shares(v, faces, labels, (40, 56)).sum(1),
        lambda v: coverage(v, faces, (40, 56)),
    ):
        leaf = verts.clone().requires_grad_()
        alpha = picture(leaf)
        (alpha * weight).sum().backward()
        grads.append((alpha.detach(), leaf.grad))
    assert torch.allclose(grads[0][0], grads[1][0], atol=1e-6)
    assert torch.allclose(grads[0][1], grads[1][1], atol=1e-3)


def test_a_seam_between_labels_on_one_surface_counts():
    # two triangles that share the diagonal: moving its upper end to the left takes from one and gives to the other
    verts = rectangle(-0.5, -0.45, 0.5, 0.4).requires_grad_()
    right, left = areas(verts, TWO, torch.tensor([0, 1]))
    assert right.item() == pytest.approx(0.425, rel=3e-3) and left.item() == pytest.approx(0.425, rel=3e-3)
    (grad,) = torch.autograd.grad(right, verts)
    want = torch.tensor([[-0.425, 0.0], [0.425, -0.5], [0.0, 0.5], [0.0, 0.0]])  # of the shoelace formula
    assert torch.allclose(grad[:, :2], want, atol=2e-3)


def test_equal_labels_hide_nothing_from_each_other():
    verts, faces, _ = overlapping()
    leaf = verts.requires_grad_()
    (both,) = areas(leaf, faces, torch.zeros(4, dtype=torch.int64))
    both.backward()
    assert both.item() == pytest.approx(0.63, rel=2e-3)
    assert torch.allclose(leaf.grad[:4, :2].sum(0), torch.tensor([-0.3, -0.3]), atol=3e-3)


def test_parallel_projection_sorts_by_depth():
    verts, faces, labels = overlapping()
    shares = visible_shares(verts, faces, labels, 32, perspective=False)
    assert shares.shape == (1, 2, 32, 32) and (shares.sum(1) <= 1 + 1e-6).all()
    assert torch.allclose(shares, visible_shares(verts, faces, labels, 32), atol=1e-6)


def test_wrong_labels():
    with pytest.raises(InputError, match="labels"):
        visible_shares(rectangle(0, 0, 1, 1), TWO, torch.tensor([0, -1]), 8, count=1)
    with pytest.raises(InputError, match="labels"):
        visible_shares(rectangle(0, 0, 1, 1), TWO, torch.tensor([0]), 8)
