"""Scenes with PyTorch3D's class names: parity with the real one where its data is there, and what each part means."""

import json

import numpy as np
import pytest
import torch
from test_raster_golden import GOLDEN, compare

from engine.core.errors import InputError
from render import diff
from render.raster import rasterize_meshes

EXTRAS = sorted(GOLDEN.glob("extra_*.npz"))
SCENES = sorted(GOLDEN.glob("*_scene.npz"))

TRIANGLE = torch.tensor([[-0.6, -0.5, 0.0], [0.6, -0.5, 0.0], [0.0, 0.7, 0.0]])
FACE = torch.tensor([[0, 1, 2]])


def camera(**more) -> diff.FoVPerspectiveCameras:
    rotation, shift = diff.look_at_view_transform(2.0, 10.0, 20.0)
    return diff.FoVPerspectiveCameras(znear=0.1, R=rotation, T=shift, **more)


@pytest.mark.skipif(not EXTRAS, reason="no golden data from PyTorch3D here (set TOILE_SHARED)")
@pytest.mark.parametrize("path", EXTRAS, ids=lambda p: p.stem)
def test_small_scenes_of_pytorch3d(path):
    data = np.load(path)
    settings = json.loads(str(data["settings"]))
    settings["image_size"] = size if isinstance(size := settings["image_size"], int) else tuple(size)
    verts = torch.tensor(data["verts"]).float().requires_grad_()
    faces = torch.tensor(data["faces"].astype(np.int64))
    if bool(data["ndc_input"]):
        found = rasterize_meshes(verts, faces, **settings)
    else:
        cameras = diff.FoVPerspectiveCameras(
            R=torch.tensor(data["R"])[None], T=torch.tensor(data["T"])[None], fov=torch.tensor(data["fov_deg"]),
            znear=torch.tensor(data["znear"]), zfar=torch.tensor(data["zfar"]),
        )  # fmt: skip
        rasterizer = diff.MeshRasterizer(cameras, diff.RasterizationSettings(**settings))
        fragments = rasterizer(diff.Meshes([verts], [faces]))
        found = fragments.pix_to_face, fragments.zbuf, fragments.bary_coords, fragments.dists
    compare(found, data, settings.get("faces_per_pixel", 1))
    found[1][found[0] >= 0].sum().backward()
    want = data["grad_sum_zbuf_verts"]
    assert np.linalg.norm(verts.grad.numpy() - want) <= 1e-3 * max(np.linalg.norm(want), 1e-6)


@pytest.mark.skipif(not SCENES, reason="no golden data from PyTorch3D here (set TOILE_SHARED)")
@pytest.mark.parametrize("path", SCENES, ids=lambda p: p.stem)
def test_cameras_and_silhouette_of_pytorch3d(path):
    scene = np.load(path)
    rotation, shift = diff.look_at_view_transform(*(float(scene[n]) for n in ("dist", "elev", "azim")))
    assert np.allclose(rotation[0], scene["R"], atol=1e-6) and np.allclose(shift[0], scene["T"], atol=1e-6)
    cameras = diff.FoVPerspectiveCameras(
        R=rotation, T=shift, fov=float(scene["fov_deg"]), znear=float(scene["znear"]), zfar=float(scene["zfar"])
    )
    assert np.allclose(cameras.get_camera_center()[0], scene["camera_center"], atol=1e-5)
    assert np.allclose(cameras.get_projection_transform().get_matrix()[0], scene["proj_ndc"], atol=1e-6)
    verts = torch.tensor(scene["verts"]).float().requires_grad_()
    meshes = diff.Meshes([verts], [torch.tensor(scene["faces"].astype(np.int64))])
    data = np.load(path.with_name(path.name.replace("_scene", "_128_soft_k8")))
    settings = diff.RasterizationSettings(image_size=128, blur_radius=float(data["blur_radius"]), faces_per_pixel=8)
    rasterizer = diff.MeshRasterizer(cameras, settings)
    assert np.allclose(rasterizer.transform(meshes).verts_packed().detach(), scene["verts_ndc"], atol=1e-6)
    picture = diff.MeshRenderer(rasterizer, diff.SoftSilhouetteShader(diff.BlendParams(sigma=1e-4)))(meshes)
    assert picture.shape == (1, 128, 128, 4)
    alpha = picture[0, ..., 3]
    assert np.mean(np.abs(alpha.detach().numpy() - data["alpha"]) > 1e-5) <= 5e-4
    rows, columns = np.mgrid[:128, :128]
    weight = torch.tensor(np.sin(0.1 * columns + 0.07 * rows + 0.3).astype(np.float32))
    (alpha * weight).sum().backward()
    want = data["grad_verts_world"]
    assert np.linalg.norm(verts.grad.numpy() - want) <= 1e-2 * np.linalg.norm(want)


def test_camera_in_pixels_equals_camera_in_ndc():
    rotation, shift = diff.look_at_view_transform(2.0, 10.0, 20.0)
    size = ((48, 80),)
    ndc = diff.PerspectiveCameras(focal_length=2.0, principal_point=((0.1, -0.2),), R=rotation, T=shift)
    pixels = diff.PerspectiveCameras(
        focal_length=2.0 * 24, principal_point=((40 - 0.1 * 24, 24 + 0.2 * 24),), R=rotation, T=shift, in_ndc=False,
        image_size=size,
    )  # fmt: skip
    a, b = ndc.transform_points_ndc(TRIANGLE), pixels.transform_points_ndc(TRIANGLE)
    assert torch.allclose(a[:, :2], b[:, :2], atol=1e-5)
    screen = ndc.transform_points_screen(TRIANGLE, image_size=size)
    assert torch.allclose(screen[:, 0], 40 - 24 * a[:, 0], atol=1e-4)
    assert torch.allclose(screen[:, 1], 24 - 24 * a[:, 1], atol=1e-4)


@pytest.mark.parametrize("kind", ["FoVPerspectiveCameras", "FoVOrthographicCameras", "OrthographicCameras"])
def test_unproject_undoes_projection(kind):
    rotation, shift = diff.look_at_view_transform(3.0, 25.0, -40.0)
    cameras = getattr(diff, kind)(R=rotation, T=shift)
    depth = cameras.get_world_to_view_transform().transform_points(TRIANGLE)[:, 2:]
    flat = cameras.transform_points_ndc(TRIANGLE)[:, :2]
    assert torch.allclose(cameras.unproject_points(torch.cat((flat, depth), 1)), TRIANGLE, atol=1e-5)
    assert torch.allclose(cameras.get_camera_center().norm(), torch.tensor(3.0), atol=1e-5)


def test_phong_shading_of_a_vertex_colour():
    meshes = diff.Meshes([TRIANGLE], [FACE], diff.TexturesVertex([torch.tensor([[0.8, 0.4, 0.2]] * 3)]))
    cameras = camera()
    lights = diff.DirectionalLights(direction=((0.0, 0.0, 1.0),), specular_color=((0.0, 0.0, 0.0),))
    rasterizer = diff.MeshRasterizer(cameras, diff.RasterizationSettings(image_size=32))
    hard = diff.MeshRenderer(rasterizer, diff.HardPhongShader(cameras=cameras, lights=lights))(meshes)[0]
    assert torch.allclose(hard[16, 16], torch.tensor([0.64, 0.32, 0.16, 1.0]), atol=1e-5)
    assert torch.equal(hard[0, 0], torch.tensor([1.0, 1.0, 1.0, 0.0]))
    soft = diff.MeshRenderer(rasterizer, diff.SoftPhongShader(cameras=cameras, lights=lights))(meshes)[0]
    assert torch.allclose(soft[16, 16, :3], hard[16, 16, :3], atol=1e-4)


def test_highlight_where_the_mirror_direction_meets_the_eye():
    rotation, shift = diff.look_at_view_transform(2.0, 0.0, 0.0)
    cameras = diff.FoVPerspectiveCameras(znear=0.1, R=rotation, T=shift)
    meshes = diff.Meshes([TRIANGLE], [FACE], diff.TexturesVertex([torch.zeros(3, 3)]))
    lights = diff.PointLights(location=((0.0, 0.0, 2.0),))
    shader = diff.HardPhongShader(cameras=cameras, lights=lights)
    settings = diff.RasterizationSettings(image_size=33)
    picture = diff.MeshRenderer(diff.MeshRasterizer(cameras, settings), shader)(meshes)[0, ..., 0]
    assert picture[16, 16] == pytest.approx(0.2, abs=1e-3)
    assert picture[19, 16] < picture[17, 16] < picture[16, 16]


def test_texture_image_upright():
    # upper half red, lower half blue; v runs upwards
    image = torch.zeros(8, 8, 3)
    image[:4, :, 0] = image[4:, :, 2] = 1.0
    square = torch.tensor([[-0.5, -0.5, 0.0], [0.5, -0.5, 0.0], [0.5, 0.5, 0.0], [-0.5, 0.5, 0.0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    uv = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    meshes = diff.Meshes([square], [faces], diff.TexturesUV([image], [faces], [uv]))
    cameras = camera()
    shader = diff.HardPhongShader(cameras=cameras, lights=diff.AmbientLights())
    settings = diff.RasterizationSettings(image_size=40)
    picture = diff.MeshRenderer(diff.MeshRasterizer(cameras, settings), shader)(meshes)[0]
    assert picture[14, 21, 0] > 0.9 and picture[26, 21, 2] > 0.9


def test_batch_of_different_meshes():
    meshes = diff.Meshes([TRIANGLE, torch.cat((TRIANGLE, TRIANGLE + 0.1))], [FACE, torch.cat((FACE, FACE + 3))])
    assert meshes.faces_packed().tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    rasterizer = diff.MeshRasterizer(camera(), diff.RasterizationSettings(image_size=24, faces_per_pixel=2))
    fragments = rasterizer(meshes)
    assert set(fragments.pix_to_face[0].unique().tolist()) == {-1, 0}
    assert set(fragments.pix_to_face[1].unique().tolist()) == {-1, 1, 2}
    assert rasterizer(meshes[1]).pix_to_face.max() == 1
    assert torch.allclose(meshes.extend(2).verts_normals_packed().norm(dim=1), torch.tensor(1.0))


def test_coverage_renderer_fits_a_shift():
    cameras = camera()
    renderer = diff.CoverageRenderer(cameras, image_size=48)
    target = renderer(diff.Meshes([TRIANGLE + torch.tensor([0.15, -0.1, 0.0])], [FACE])).detach()
    shift = torch.zeros(3, requires_grad=True)
    optimiser = torch.optim.Adam([shift], lr=0.02)
    for _ in range(40):
        optimiser.zero_grad()
        (renderer(diff.Meshes([TRIANGLE + shift], [FACE])) - target).square().sum().backward()
        optimiser.step()
    assert torch.allclose(shift[:2].detach(), torch.tensor([0.15, -0.1]), atol=0.02)


def test_errors_say_what_is_missing():
    with pytest.raises(InputError, match="Cameras must be specified"):
        diff.MeshRasterizer()(diff.Meshes([TRIANGLE], [FACE]))
    with pytest.raises(InputError, match="no textures"):
        diff.MeshRenderer(diff.MeshRasterizer(camera()), diff.HardPhongShader(cameras=camera()))(
            diff.Meshes([TRIANGLE], [FACE])
        )
    with pytest.raises(InputError, match="size"):
        diff.PerspectiveCameras(in_ndc=False)


def test_the_same_script_runs_on_pytorch3d():
    pytest.importorskip("pytorch3d.renderer", reason="PyTorch3D is not installed")
    import pytorch3d.renderer as theirs
    import pytorch3d.structures

    pictures = []
    for r, meshes in ((diff, diff.Meshes), (theirs, pytorch3d.structures.Meshes)):
        rotation, shift = r.look_at_view_transform(2.0, 10.0, 20.0)
        cameras = r.FoVPerspectiveCameras(R=rotation, T=shift)
        scene = meshes([TRIANGLE], [FACE], r.TexturesVertex([torch.rand(3, 3, generator=torch.manual_seed(0))]))
        settings = r.RasterizationSettings(image_size=64)
        shader = r.HardPhongShader(cameras=cameras, lights=r.PointLights(location=((0.0, 1.0, 2.0),)))
        pictures.append(r.MeshRenderer(r.MeshRasterizer(cameras, settings), shader)(scene))
    assert (pictures[0] - pictures[1]).abs().max() < 1e-4
