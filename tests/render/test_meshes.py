"""Batches of meshes that differ in size: views, indices, editing, parts and joining, as counted by hand."""

import pytest
import torch

from engine.core.errors import InputError
from render.diff import (
    Meshes,
    TexturesVertex,
    ico_sphere,
    join_meshes_as_batch,
    join_meshes_as_scene,
    list_to_packed,
    list_to_padded,
    mesh_edge_loss,
    mesh_laplacian_smoothing,
    mesh_normal_consistency,
    padded_to_list,
    padded_to_packed,
    torus,
)

TRIANGLE = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
SQUARE = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
ONE, TWO = torch.tensor([[0, 1, 2]]), torch.tensor([[0, 1, 2], [0, 2, 3]])


def pair(**more) -> Meshes:
    return Meshes([TRIANGLE, SQUARE], [ONE, TWO], **more)


def test_lists_and_padded_tensors_give_the_same_views():
    lists = pair()
    faces = torch.tensor([[[0, 1, 2], [-1, -1, -1]], [[0, 1, 2], [0, 2, 3]]])
    padded = Meshes(lists.verts_padded(), faces)
    assert torch.equal(lists.faces_padded(), faces)
    assert [len(v) for v in padded.verts_list()] == [4, 4]  # padding of vertices is not told from vertices
    assert all(map(torch.equal, padded.faces_list(), lists.faces_list()))
    assert lists.faces_packed().tolist() == [[0, 1, 2], [3, 4, 5], [3, 5, 6]]
    assert lists.verts_packed_to_mesh_idx().tolist() == [0] * 3 + [1] * 4
    assert lists.faces_packed_to_mesh_idx().tolist() == [0, 1, 1]
    assert lists.mesh_to_verts_packed_first_idx().tolist() == [0, 3]
    assert lists.mesh_to_faces_packed_first_idx().tolist() == [0, 1]
    flat = lists.verts_padded().reshape(-1, 3)
    assert torch.equal(flat[lists.verts_padded_to_packed_idx()], lists.verts_packed())
    assert lists.edges_packed().tolist() == [[0, 1], [0, 2], [1, 2], [3, 4], [3, 5], [3, 6], [4, 5], [5, 6]]
    assert lists.num_edges_per_mesh().tolist() == [3, 5] and lists.mesh_to_edges_packed_first_idx().tolist() == [0, 3]
    ends = lists.edges_packed()[lists.faces_packed_to_edges_packed()]
    assert not (ends == lists.faces_packed()[..., None]).any()  # an edge does not touch the corner opposite
    assert torch.allclose(lists.laplacian_packed().to_dense().sum(1), torch.zeros(7), atol=1e-6)
    assert lists.faces_areas_packed().tolist() == [1.0, 0.5, 0.5]
    assert lists.get_bounding_boxes()[0].tolist() == [[0, 1], [0, 2], [0, 0]]
    assert lists.valid.all() and not lists.equisized and not lists.isempty()


def test_a_batch_may_be_empty_and_a_mesh_too():
    nothing = Meshes([], [])
    assert len(nothing) == 0 and nothing.isempty() and nothing.verts_normals_list() == []
    assert nothing.verts_padded().shape[0] == nothing.edges_packed().shape[0] == nothing.faces_normals_packed().shape[0]
    some = Meshes([torch.zeros(0), TRIANGLE], [torch.zeros(0), ONE])
    assert some.valid.tolist() == [False, True] and some.faces_packed().tolist() == [[0, 1, 2]]
    assert some.verts_padded().shape == (2, 3, 3) and (some.faces_padded()[0] == -1).all()


@pytest.mark.parametrize(
    ("verts", "faces", "message"),
    [
        ([TRIANGLE], ONE, "list"),
        ([TRIANGLE], [ONE, ONE], "1 sets"),
        ([torch.zeros(3, 2)], [ONE], "3, 2"),
        ([TRIANGLE], [ONE + 1], "vertex 3 of 3"),
        (SQUARE[None], torch.tensor([[[-1, -1, -1], [0, 1, 2]]]), "Padding"),
        (SQUARE[None], TWO[None] + 1, "vertex 4 of 4"),
        (SQUARE, TWO, "both are"),
    ],
)
def test_bad_meshes_are_refused(verts, faces, message):
    with pytest.raises(InputError, match=message):
        Meshes(verts, faces)
    with pytest.raises(ValueError, match=message):  # as callers of PyTorch3D expect
        Meshes(verts, faces)


@pytest.mark.parametrize(
    ("index", "picked"),
    [(1, [1]), (-1, [1]), ([1, 0], [1, 0]), (slice(0, 1), [0]), (torch.tensor([False, True]), [1]),
     (torch.tensor([1, 1]), [1, 1]), (torch.tensor([False, False]), [])],
)  # fmt: skip
def test_indices_pick_meshes_with_their_textures(index, picked):
    colors = [torch.rand(3, 2), torch.rand(4, 2)]
    found = pair(textures=TexturesVertex(colors))[index]
    assert all(torch.equal(v, (TRIANGLE, SQUARE)[i]) for v, i in zip(found.verts_list(), picked, strict=True))
    own = found.textures.verts_features_list()
    assert all(torch.equal(c, colors[i]) for c, i in zip(own, picked, strict=True))


def test_wrong_indices_are_index_errors_and_end_loops():
    for index in (2, 1.2, torch.tensor([0.0, 1.0]), "first"):
        with pytest.raises(IndexError):
            pair()[index]
    assert [len(mesh.verts_packed()) for mesh in pair()] == [3, 4]
    with pytest.raises(ValueError, match="no mesh"):
        pair().get_mesh_verts_faces(2)


def test_moved_meshes_share_edges_and_have_their_own_normals():
    meshes = pair()
    edges, normals = meshes.edges_packed(), meshes.verts_normals_packed()
    moved = meshes.offset_verts(torch.tensor([0.0, 0.0, 1.0]))
    assert moved.edges_packed() is edges and moved.verts_normals_packed() is normals
    assert torch.equal(moved.verts_packed()[:, 2], torch.ones(7)) and torch.equal(meshes.verts_packed()[:3], TRIANGLE)
    bent = meshes.offset_verts(torch.eye(3)[2] * torch.arange(7)[:, None])
    assert not torch.allclose(bent.verts_normals_packed(), normals)
    assert torch.equal(bent.verts_padded()[1, :, 2], torch.arange(3.0, 7.0))
    scaled = meshes.scale_verts(torch.tensor([2.0, 3.0]))
    assert torch.allclose(scaled.faces_areas_packed(), torch.tensor([4.0, 4.5, 4.5]))
    other = meshes.update_padded(meshes.verts_padded() + 1)
    assert torch.equal(other.verts_packed(), meshes.verts_packed() + 1) and other.edges_packed() is edges
    with pytest.raises(ValueError, match="offsets"):
        meshes.offset_verts(torch.zeros(4, 3))
    with pytest.raises(ValueError, match="new vertices"):
        meshes.update_padded(torch.zeros(2, 3, 3))


def test_given_normals_stay_while_meshes_only_shift():
    normals = [torch.eye(3), torch.ones(4, 3)]
    meshes = pair(verts_normals=normals)
    assert meshes.has_verts_normals() and not pair().has_verts_normals()
    assert torch.equal(meshes.verts_normals_padded()[0, :3], torch.eye(3))
    assert torch.equal(meshes[1].offset_verts(torch.ones(3)).verts_normals_packed(), normals[1])
    assert torch.equal(meshes.offset_verts_(torch.zeros(7, 3)).verts_normals_packed()[0], torch.eye(3)[2])
    with pytest.raises(ValueError, match="normals"):
        pair(verts_normals=normals[::-1])


def test_gradients_flow_again_after_a_step_in_place():
    verts = TRIANGLE.clone().requires_grad_()
    meshes = Meshes([verts], [ONE])
    for area in (1.0, 4.0):  # the same meshes twice, the vertices changed between
        meshes.faces_areas_packed().sum().backward()
        assert meshes.faces_areas_packed().item() == area
        with torch.no_grad():
            verts *= 2
    assert verts.grad.abs().sum() > 0
    fresh = Meshes(verts[None], ONE[None])
    with torch.no_grad():
        fresh.verts_packed(), fresh.verts_list(), fresh.verts_normals_packed()
    assert fresh.verts_packed().requires_grad and fresh.verts_list()[0].requires_grad
    assert not meshes.detach().verts_packed().requires_grad
    copy = meshes.clone()
    assert copy.verts_packed().requires_grad and copy.verts_list()[0] is not verts


def test_copies_devices_and_splits():
    meshes = pair(textures=TexturesVertex([torch.rand(3, 3), torch.rand(4, 3)]))
    assert meshes.to("cpu") is meshes and meshes.to("cpu", copy=True) is not meshes
    twice = meshes.extend(2)
    assert twice.num_verts_per_mesh().tolist() == [3, 3, 4, 4]
    assert torch.equal(twice.textures.verts_features_list()[1], meshes.textures.verts_features_list()[0])
    assert [len(part) for part in twice.split([1, 3])] == [1, 3]
    for times in (0, -1, 1.5):
        with pytest.raises(ValueError, match="times"):
            meshes.extend(times)


def test_parts_of_meshes_have_the_vertices_that_they_use():
    colors = torch.arange(4.0)[:, None]
    meshes = Meshes([SQUARE, TRIANGLE], [TWO, ONE], TexturesVertex([colors, colors[:3]]))
    parts = meshes.submeshes([[torch.tensor([1]), torch.tensor([0, 1])], []])
    assert parts.num_verts_per_mesh().tolist() == [3, 4] and parts.faces_list()[0].tolist() == [[0, 1, 2]]
    assert torch.equal(parts.verts_list()[0], SQUARE[[0, 2, 3]])
    assert parts.textures.verts_features_list()[0].flatten().tolist() == [0, 2, 3]


def test_joining():
    batch = join_meshes_as_batch([pair(), Meshes([SQUARE], [TWO])])
    assert batch.num_faces_per_mesh().tolist() == [1, 2, 2]
    scene = join_meshes_as_scene(batch)
    assert len(scene) == 1 and torch.equal(scene.faces_packed(), batch.faces_packed())
    painted = pair(textures=TexturesVertex([torch.rand(3, 3), torch.rand(4, 3)]))
    assert join_meshes_as_scene([painted, painted]).textures.verts_features_packed().shape == (14, 3)
    assert join_meshes_as_batch([painted, pair()], include_textures=False).textures is None
    for wrong in ([painted, pair()], painted):
        with pytest.raises(ValueError, match="textures|batch"):
            join_meshes_as_batch(wrong)


def test_lists_padded_and_packed_there_and_back():
    parts = [torch.rand(2, 3), torch.rand(4, 3), torch.zeros(0)]
    padded = list_to_padded(parts, pad_value=-1)
    assert padded.shape == (3, 4, 3) and (padded[0, 2:] == -1).all() and (padded[2] == -1).all()
    assert all(map(torch.equal, padded_to_list(padded[:2], [2, 4]), parts[:2]))
    packed, counts, first, index = list_to_packed(parts[:2])
    assert torch.equal(padded_to_packed(padded[:2], [2, 4]), packed)
    assert torch.equal(padded_to_packed(padded, pad_value=-1), packed)
    assert counts.tolist() == [2, 4] and first.tolist() == [0, 2] and index.tolist() == [0, 0, 1, 1, 1, 1]


def test_a_ring_is_closed_and_faces_outwards():
    ring = torus(0.5, 2.0, 12, 24)
    assert len(ring.verts_packed()) - len(ring.edges_packed()) + len(ring.faces_packed()) == 0  # Euler
    middles = ring.verts_packed()[ring.faces_packed()].mean(1)
    hub = torch.cat((torch.nn.functional.normalize(middles[:, :2]) * 2, middles[:, 2:] * 0), 1)
    assert ((middles - hub) * ring.faces_normals_packed()).sum(1).min() > 0.4


def test_smoothing_by_cotangents_is_mean_curvature():
    sphere = ico_sphere(3)
    curved = mesh_laplacian_smoothing(sphere.scale_verts(2.0), method="cotcurv")
    assert curved.item() == pytest.approx(1 / 2 / 3, rel=0.02)  # of radius 2; a face's area counts at its three corners
    for method in ("uniform", "cot"):
        verts = sphere.verts_packed().clone().requires_grad_()
        mesh_laplacian_smoothing(sphere.update_padded(verts[None]), method).backward()
        assert (verts.grad * verts).sum() > 0 and verts.grad.isfinite().all()  # a smaller sphere is smoother
    with pytest.raises(ValueError, match="cotan"):
        mesh_laplacian_smoothing(sphere, "cotan")


def test_losses_are_bit_equal_for_any_number_of_threads():
    sphere, found = ico_sphere(4), []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        verts = (sphere.verts_padded() * torch.tensor([1.0, 1.3, 0.7])).requires_grad_()
        mesh = sphere.update_padded(verts)
        losses = [mesh_edge_loss(mesh, 0.1), mesh_normal_consistency(mesh), mesh.verts_normals_packed().square().mean()]
        losses += [mesh_laplacian_smoothing(mesh, method) for method in ("uniform", "cot", "cotcurv")]
        torch.stack(losses).sum().backward()
        found.append((torch.stack(losses).detach(), verts.grad))
    torch.set_num_threads(before)
    assert all(map(torch.equal, *found))
