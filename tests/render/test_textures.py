"""Textures of batches: texels found by hand, several maps, atlases, and scenes that look as their parts do."""

import pytest
import torch

from engine.core.errors import InputError, UnsupportedError
from render import diff
from render.diff.map_layout import pack_rectangles

SQUARE = torch.tensor([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])
FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])
UV = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def fragments(faces, bary) -> diff.Fragments:
    """One image of 1 x n pixels."""
    face = torch.tensor(faces).view(1, 1, -1, 1)
    return diff.Fragments(face, torch.ones(face.shape), torch.tensor(bary).view(1, 1, -1, 1, 3), None)


def square(textures, shift=0.0) -> diff.Meshes:
    return diff.Meshes([SQUARE + torch.tensor([shift, 0.0, 0.0])], [FACES], textures)


def picture(meshes, size=48) -> torch.Tensor:
    rotation, shift = diff.look_at_view_transform(dist=4.0, elev=20.0, azim=10.0)
    raster = diff.MeshRasterizer(diff.FoVPerspectiveCameras(R=rotation, T=shift), diff.RasterizationSettings(size))
    found = raster(meshes)
    return (meshes.sample_textures(found) * (found.pix_to_face >= 0)[..., None])[0, :, :, 0]


def test_colours_of_vertices_padded_to_the_longest_are_cut_to_each_mesh():
    colors = torch.rand(2, 4, 3)
    meshes = diff.Meshes([SQUARE[:3], SQUARE], [FACES[:1], FACES], diff.TexturesVertex(colors))
    assert torch.equal(meshes.textures.verts_features_packed(), torch.cat((colors[0, :3], colors[1])))
    texels = meshes.sample_textures(fragments([0, 2, -1], [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]))
    assert torch.allclose(texels[0, 0, :, 0], torch.stack((colors[0, :2].mean(0), colors[1, 3], torch.zeros(3))))
    corners = meshes.textures.faces_verts_textures_packed(meshes.faces_packed())
    assert torch.equal(corners[2, 2], colors[1, 3])


def test_a_texel_of_an_atlas_is_half_a_cell_of_the_face():
    atlas = torch.arange(8.0).view(1, 2, 2, 2, 1).requires_grad_()
    places = [[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0.1, 0.1, 0.8], [0.4, 0.35, 0.25], [1.2, -0.1, -0.1]]
    texels = square(diff.TexturesAtlas(atlas)).sample_textures(fragments([1] * 5, places))
    assert texels.flatten().tolist() == [5, 6, 4, 7, 6]  # the last two in the upper half of a cell
    texels.sum().backward()
    assert atlas.grad.flatten().tolist() == [0, 0, 0, 0, 1, 1, 2, 1]
    assert diff.TexturesAtlas(atlas).faces_verts_textures_packed()[1, :, 0].tolist() == [5.0, 6.0, 4.0]


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "trilinear"])
def test_each_face_takes_its_own_map(mode):
    maps = torch.rand(2, 3, 8, 8, 3)
    ids = [torch.tensor([2, 0]), torch.tensor([1, 1])]
    meshes = diff.join_meshes_as_batch([square(None), square(None)])
    faces, uvs = [FACES] * 2, [UV] * 2
    several = meshes.clone()
    several.textures = diff.TexturesUV(maps, faces, uvs, maps_ids=ids, sampling_mode=mode)
    rotation, shift = diff.look_at_view_transform(dist=4.0, elev=20.0, azim=10.0)
    raster = diff.MeshRasterizer(diff.FoVPerspectiveCameras(R=rotation, T=shift), diff.RasterizationSettings(24))
    found = raster(meshes)
    texels = several.sample_textures(found)
    for face, (mesh, k) in enumerate([(0, 2), (0, 0), (1, 1), (1, 1)]):
        one = meshes.clone()
        one.textures = diff.TexturesUV(maps[:, k], faces, uvs, sampling_mode=mode)
        mine = found.pix_to_face[mesh] == face
        assert mine.sum() > 20
        assert torch.allclose(texels[mesh][mine], one.sample_textures(found)[mesh][mine], atol=1e-6)
    corners = several.textures.faces_verts_textures_packed()
    assert torch.allclose(corners[0, 0], maps[0, 2, -1, 0]) and torch.allclose(corners[1, 2], maps[0, 0, 0, 0])
    joined = diff.TexturesUV([maps[0, 0]], [FACES], [UV], sampling_mode=mode).join_batch([several.textures])
    assert torch.equal(joined.maps_ids_padded(), torch.tensor([[0, 0], [2, 0], [1, 1]]))
    assert torch.equal(several.textures[1].maps_ids_list()[0], ids[1])
    with pytest.raises(UnsupportedError, match="several maps"):
        several.textures.centers_for_image(0)


def test_maps_of_several_sizes_are_scaled_to_the_largest():
    small = torch.tensor([[0.0, 1.0]])[..., None].expand(2, 2, 3)
    textures = diff.TexturesUV([small, torch.zeros(5, 9, 3)], [FACES] * 2, [UV] * 2)
    assert torch.allclose(textures.maps_padded()[0, 3, :, 1], torch.linspace(0, 1, 9))
    assert textures.maps_list()[0] is small


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("kind", ["uv", "several", "vertex", "atlas"])
def test_a_scene_looks_as_its_meshes_do(kind, align):
    sizes = [(16, 7), (7, 16), (9, 9)]  # which are laid on their sides, or not
    uv = UV.clamp(0.1, 0.9) if align else UV  # the border of one texel serves the edges
    parts = []
    for k, size in enumerate(sizes):
        textures = {
            "uv": lambda size=size: diff.TexturesUV([torch.rand(*size, 3)], [FACES], [uv], align_corners=align),
            "several": lambda size=size: diff.TexturesUV(
                [torch.rand(2, *size, 3)], [FACES], [uv], align_corners=align, maps_ids=[torch.tensor([1, 0])]
            ),
            "vertex": lambda: diff.TexturesVertex([torch.rand(4, 3)]),
            "atlas": lambda: diff.TexturesAtlas([torch.rand(2, 4, 4, 3)]),
        }[kind]()
        parts.append(square(textures, 2.5 * (k - 1)).scale_verts(0.3))
    scene = diff.join_meshes_as_scene(parts)
    assert len(scene) == 1 and len(scene.textures) == 1
    assert torch.allclose(picture(scene), sum(picture(part) for part in parts), atol=1e-5)
    twice = diff.join_meshes_as_scene([parts[0], parts[0].offset_verts(torch.tensor([0.0, 0.9, 0.0]))])
    if kind == "uv":
        border = 0 if align else 2
        assert twice.textures.maps_padded().shape[1:3] == (16 + border, 7 + border)  # the same map stands there once


def test_rectangles_are_laid_without_overlap():
    sizes = [(int(x), int(y)) for x, y in torch.randint(1, 30, (40, 2), generator=torch.manual_seed(0))]
    layout = pack_rectangles(sizes)
    taken = torch.zeros(layout.total_size, dtype=torch.int64)
    for (x, y), place in zip(sizes, layout.locations, strict=True):
        x, y = (y, x) if place.flipped else (x, y)
        taken[place.x : place.x + x, place.y : place.y + y] += 1
    assert taken.max() == 1 and taken.sum() == sum(x * y for x, y in sizes)
    assert taken.float().mean() > 0.7


def test_parts_copies_and_places_of_texture_coordinates():
    image = torch.rand(1, 5, 9, 3, requires_grad=True)
    textures = diff.TexturesUV(image, FACES[None], UV[None])
    assert textures.centers_for_image(0).tolist() == [[0, 4], [8, 4], [8, 0], [0, 0]]
    part = square(textures).submeshes([[torch.tensor([1])]]).textures
    assert part.faces_uvs_list()[0].tolist() == [[0, 2, 3]] and len(part.verts_uvs_list()[0]) == 4
    assert not textures.detach().maps_padded().requires_grad and textures.clone().maps_padded().requires_grad
    assert textures.extend(3).maps_padded().shape == (3, 5, 9, 3) and textures.to("cpu").device.type == "cpu"
    square(textures).sample_textures(fragments([0], [[0.0, 1.0, 0.0]])).sum().backward()
    assert image.grad[0, 4, 8].tolist() == [1.0] * 3 and image.grad.sum() == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: diff.TexturesVertex(torch.rand(5, 10)), "verts_features"),
        (lambda: diff.TexturesVertex((1, 2)), "verts_features"),
        (lambda: diff.TexturesAtlas(torch.rand(1, 2, 3, 4, 3)), "R, R"),
        (lambda: diff.TexturesUV(torch.rand(1, 2, 8, 8, 3), [FACES], [UV]), "maps_ids"),
        (lambda: diff.TexturesUV(torch.rand(1, 8, 8, 3), [FACES[:, :2]], [UV]), "faces_uvs"),
        (lambda: diff.TexturesUV(torch.rand(1, 8, 8, 3), [FACES], [UV, UV]), "verts_uvs for 2"),
        (lambda: diff.TexturesUV(torch.rand(1, 2, 8, 8, 3), [FACES], [UV], maps_ids=[torch.zeros(3)]), "maps_ids"),
        (lambda: square(diff.TexturesVertex([torch.rand(3, 3)])), "do not match"),
        (lambda: diff.Meshes([SQUARE, SQUARE[:3]], [FACES, FACES[:1]],
                             diff.TexturesVertex([torch.rand(3, 3), torch.rand(4, 3)])), "mesh 0"),
        (lambda: square(torch.rand(4, 3)), "Tensor"),
        (lambda: diff.TexturesVertex([torch.rand(4, 3)]).join_batch([diff.TexturesAtlas([torch.rand(2, 1, 1, 3)])]),
         "same type"),
    ],
)  # fmt: skip
def test_bad_textures_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
