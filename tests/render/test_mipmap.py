"""Mip-mapped textures: the level fits the texels' size in the image, and gradients are those of finite differences."""

import pytest
import torch

from engine.core.errors import InputError
from render import diff
from render.diff.mipmap import pyramid, uv_derivatives

SQUARE = torch.tensor([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])
FACES = torch.tensor([[0, 1, 2], [0, 2, 3]])
UV = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def checks(size: int) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return ((rows + columns) % 2).float()[..., None].expand(-1, -1, 3).clone()


def scene(image: torch.Tensor, mode: str = "trilinear", verts=SQUARE, **texture) -> diff.Meshes:
    return diff.Meshes([verts], [FACES], diff.TexturesUV([image], [FACES], [UV], sampling_mode=mode, **texture))


def rasterizer(kind: str = "FoVPerspectiveCameras", size=48, **view) -> diff.MeshRasterizer:
    rotation, shift = diff.look_at_view_transform(**{"dist": 3.0, "elev": 20.0, "azim": 30.0, **view})
    cameras = getattr(diff, kind)(R=rotation, T=shift)
    return diff.MeshRasterizer(cameras, diff.RasterizationSettings(image_size=size))


@pytest.mark.parametrize("kind", ["FoVPerspectiveCameras", "OrthographicCameras"])
@pytest.mark.parametrize("size", [48, (40, 64)])
def test_derivatives_are_the_differences_between_pixels(kind, size):
    meshes, raster = scene(checks(8)), rasterizer(kind, size)
    fragments = raster(meshes)
    corners = UV[FACES]
    uv = diff.interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, corners)
    found = uv_derivatives(fragments, FACES, uv, corners)[0, :, :, 0]
    face, uv = fragments.pix_to_face[0, ..., 0], uv[0, :, :, 0]
    for axis, direction in ((1, 0), (0, 1)):
        inside = [face.roll(step, axis) == face for step in (1, -1)]
        inside = inside[0] & inside[1] & (face >= 0)
        inside[[0, -1]] = inside[:, [0, -1]] = False
        central = (uv.roll(1, axis) - uv.roll(-1, axis)) / 2  # towards left or up, as the axes of NDC run
        assert inside.sum() > 200
        assert (found[:, :, direction] - central)[inside].abs().max() < 2e-3 * central[inside].abs().max()


def test_far_checks_turn_grey_and_near_ones_stay():
    image = checks(64)
    for distance, greyest in ((2.0, 0.0), (80.0, 0.02)):
        raster = rasterizer(size=192 if distance < 5 else 8, dist=distance, elev=0.0, azim=0.0)
        raster.cameras.fov = torch.tensor([60.0 if distance < 5 else 2.0])
        texels = scene(image).sample_textures(raster(scene(image)))
        used = raster(scene(image)).pix_to_face >= 0
        spread = texels[used].std()
        assert (spread > 0.15) if not greyest else (spread < greyest)
        assert texels[used].mean() == pytest.approx(0.5, abs=0.03)


def test_where_texels_are_large_it_is_bilinear_sampling():
    image = torch.rand(4, 6, 3, generator=torch.manual_seed(1))
    raster = rasterizer(dist=2.0)
    for align in (True, False):
        smooth, plain = (
            scene(image, mode, align_corners=align).sample_textures(raster(scene(image)))
            for mode in ("trilinear", "bilinear")
        )
        assert torch.allclose(smooth, plain, atol=1e-5)


def test_levels_halve_and_keep_the_mean():
    levels = pyramid(torch.rand(1, 3, 13, 8))
    assert [tuple(level.shape[2:]) for level in levels] == [(13, 8), (7, 4), (4, 2), (2, 1), (1, 1)]
    flat = pyramid(torch.rand(1, 1, 16, 16, generator=torch.manual_seed(0)))
    assert flat[-1].item() == pytest.approx(flat[0].mean().item(), abs=1e-6)


def test_a_level_is_not_shifted_against_the_next():
    ramp = torch.linspace(0, 1, 64)[None, :, None].expand(64, 64, 3).clone()
    raster = rasterizer(size=16, dist=4.0, elev=0.0, azim=0.0)
    texels = scene(ramp, align_corners=False).sample_textures(raster(scene(ramp)))
    used = raster(scene(ramp)).pix_to_face >= 0
    points = diff.geometry_buffers(raster(scene(ramp)), scene(ramp)).position
    truth = (points[..., 0] + 1) / 2
    inside = used[..., 0] & (truth > 0.1) & (truth < 0.9)
    assert (texels[..., 0, 0] - truth)[inside].abs().max() < 0.012


def test_gradients_of_texture_and_place_are_those_of_finite_differences():
    generator = torch.manual_seed(4)
    image = torch.rand(32, 32, 3, generator=generator)
    raster = rasterizer(size=20)
    weight = torch.rand(1, 20, 20, 1, 3, generator=generator)
    face = raster(scene(image)).pix_to_face
    face_still = face[0, ..., 0]
    deep = torch.nn.functional.max_pool2d((face_still < 0).float()[None, None], 5, 1, 2)[0, 0] == 0

    def total(texture: torch.Tensor, verts: torch.Tensor) -> torch.Tensor:
        meshes = scene(texture, verts=verts)
        fragments = raster(meshes)
        assert torch.equal(fragments.pix_to_face[0, ..., 0][deep], face_still[deep])
        return (meshes.sample_textures(fragments) * weight * deep[None, :, :, None, None]).sum()

    image.requires_grad_()
    verts = SQUARE.clone().requires_grad_()
    total(image, verts).backward()
    step = torch.rand(32, 32, 3, generator=generator) * 0.1
    with torch.no_grad():
        slope = (total(image + step, SQUARE) - total(image - step, SQUARE)) / 2
        assert (image.grad * step).sum().item() == pytest.approx(slope.item(), rel=2e-3)
        # place: the whole square moves, which changes coordinates and level everywhere
        for way in (torch.tensor([[2e-4, -1e-4, 3e-4]]).expand(4, 3), 2e-4 * SQUARE):
            slope = (total(image, SQUARE + way) - total(image, SQUARE - way)) / 2
            assert (verts.grad * way).sum().item() == pytest.approx(slope.item(), rel=0.06, abs=2e-4)


def test_without_places_in_the_image_there_is_a_clear_error():
    meshes = scene(checks(8))
    fragments = rasterizer()(meshes)
    bare = diff.Fragments(fragments.pix_to_face, fragments.zbuf, fragments.bary_coords, fragments.dists)
    with pytest.raises(InputError, match="where the vertices are"):
        meshes.sample_textures(bare)
    with pytest.raises(InputError, match="cubic"):
        scene(checks(8), "cubic")
