"""Scenes as people write them for PyTorch3D, with nothing changed but where the names come from."""

import numpy as np
import torch
from torch import nn

# as: from pytorch3d.structures import Meshes; from pytorch3d.renderer import (...); from pytorch3d.loss import (...)
from render.diff import (
    BlendParams,
    FoVPerspectiveCameras,
    HardPhongShader,
    Materials,
    Meshes,
    MeshRasterizer,
    MeshRenderer,
    PointLights,
    RasterizationSettings,
    SoftPhongShader,
    SoftSilhouetteShader,
    TexturesUV,
    TexturesVertex,
    ico_sphere,
    look_at_rotation,
    look_at_view_transform,
    mesh_edge_loss,
    mesh_laplacian_smoothing,
    mesh_normal_consistency,
)

DEVICE = torch.device("cpu")
START = [2.4, 2.4, 3.0]  #: first guess of the camera's position


def teapot_like() -> Meshes:
    """A lopsided closed body: a sphere with a spout."""
    sphere = ico_sphere(2, DEVICE)
    verts = sphere.verts_packed().clone()
    spout = torch.exp(-((verts - torch.tensor([0.8, 0.4, 0.4])) ** 2).sum(1) / 0.1)
    return Meshes(verts=[verts * (1 + 0.8 * spout[:, None]) * torch.tensor([1.0, 0.8, 1.0])], faces=sphere.faces_list())


class CameraModel(nn.Module):
    """Finds where a silhouette was seen from."""

    def __init__(self, meshes, renderer, image_ref) -> None:
        super().__init__()
        self.meshes, self.renderer, self.device = meshes, renderer, meshes.device
        self.register_buffer("image_ref", image_ref)
        start = torch.from_numpy(np.array(START, dtype=np.float32)).to(meshes.device)
        self.camera_position = nn.Parameter(start)

    def forward(self):
        R = look_at_rotation(self.camera_position[None, :], device=self.device)
        T = -torch.bmm(R.transpose(1, 2), self.camera_position[None, :, None])[:, :, 0]
        image = self.renderer(meshes_world=self.meshes.clone(), R=R, T=T)
        return torch.sum((image[..., 3] - self.image_ref) ** 2), image


def test_camera_position_from_a_silhouette():
    cameras = FoVPerspectiveCameras(device=DEVICE)
    blend_params = BlendParams(sigma=1e-4, gamma=1e-4)
    raster_settings = RasterizationSettings(
        image_size=48, blur_radius=np.log(1.0 / 1e-4 - 1.0) * blend_params.sigma, faces_per_pixel=20
    )
    renderer = MeshRenderer(
        rasterizer=MeshRasterizer(cameras=cameras, raster_settings=raster_settings),
        shader=SoftSilhouetteShader(blend_params=blend_params),
    )
    meshes = teapot_like()
    R, T = look_at_view_transform(4.0, 25.0, 20.0, device=DEVICE)
    reference = (renderer(meshes_world=meshes, R=R, T=T)[..., 3] > 0.5).float()
    model = CameraModel(meshes, renderer, reference).to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss, _ = model()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    truth = -(R @ T[:, :, None])[0, :, 0]
    assert losses[-1] < 0.5 * losses[0]
    assert (model.camera_position.detach() - truth).norm() < 0.35 * (torch.tensor(START) - truth).norm()


def test_textured_views_with_moved_light_and_other_material():
    sphere = ico_sphere(2, DEVICE)
    verts, faces = sphere.get_mesh_verts_faces(0)
    stripes = torch.zeros(32, 32, 3)
    stripes[:, ::4] = stripes[:, 1::4] = 1.0
    uvs = torch.stack((torch.atan2(verts[:, 0], verts[:, 2]) / 6.2832 + 0.5, (verts[:, 1] + 1) / 2), 1)
    textures = TexturesUV(maps=stripes[None], faces_uvs=[faces], verts_uvs=[uvs])
    mesh = Meshes(verts=[verts], faces=[faces], textures=textures)
    R, T = look_at_view_transform(2.7, 0, 180)
    cameras = FoVPerspectiveCameras(device=DEVICE, R=R, T=T)
    raster_settings = RasterizationSettings(image_size=48, blur_radius=0.0, faces_per_pixel=1)
    lights = PointLights(device=DEVICE, location=[[0.0, 0.0, -3.0]])
    renderer = MeshRenderer(
        rasterizer=MeshRasterizer(cameras=cameras, raster_settings=raster_settings),
        shader=SoftPhongShader(device=DEVICE, cameras=cameras, lights=lights),
    )
    lit = renderer(mesh)
    assert lit.shape == (1, 48, 48, 4) and lit[0, 24, 24, 3] > 0.5
    lights.location = torch.tensor([0.0, 0.0, +3.0], device=DEVICE)[None]
    assert renderer(mesh, lights=lights)[0, 20:28, 20:28, :3].mean() < 0.8 * lit[0, 20:28, 20:28, :3].mean()
    R, T = look_at_view_transform(dist=2.7, elev=10, azim=-150)
    cameras = FoVPerspectiveCameras(device=DEVICE, R=R, T=T)
    lights.location = torch.tensor([[2.0, 2.0, -2.0]], device=DEVICE)
    materials = Materials(device=DEVICE, specular_color=[[0.0, 1.0, 0.0]], shininess=10.0)
    green = renderer(mesh, lights=lights, materials=materials, cameras=cameras)
    assert (green[..., 1] - green[..., 0]).max() > 0.03  # the highlight
    # several views of one mesh at once
    elev, azim = torch.linspace(0, 180, 4), torch.linspace(-180, 180, 4)
    R, T = look_at_view_transform(dist=2.7, elev=elev, azim=azim)
    cameras = FoVPerspectiveCameras(device=DEVICE, R=R, T=T)
    views = renderer(mesh.extend(4), cameras=cameras, lights=lights)
    assert views.shape == (4, 48, 48, 4)
    alone = renderer(mesh, cameras=cameras[2], lights=lights)
    assert torch.allclose(views[2], alone[0], atol=1e-5)


def test_the_camera_given_by_r_and_t_also_sees_the_highlight():
    sphere = ico_sphere(3, DEVICE)
    sphere.textures = TexturesVertex(torch.zeros_like(sphere.verts_padded()))
    R, T = look_at_view_transform(2.7, 30, 60)
    settings = RasterizationSettings(image_size=32)
    lights = PointLights(location=[[1.0, 2.0, 2.0]])
    pictures = []
    for cameras, given in ((FoVPerspectiveCameras(), {"R": R, "T": T}), (FoVPerspectiveCameras(R=R, T=T), {})):
        shader = HardPhongShader(cameras=cameras, lights=lights)
        renderer = MeshRenderer(MeshRasterizer(cameras, settings), shader)
        pictures.append(renderer(sphere, **given))
    assert pictures[0][..., 0].max() > 0.1 and torch.allclose(pictures[0], pictures[1], atol=1e-6)


def test_a_sphere_becomes_the_thing_in_the_pictures():
    target = teapot_like()
    target.textures = TexturesVertex(target.verts_padded() * 0.25 + 0.5)
    views = 3
    elev, azim = torch.linspace(0, 60, views), torch.linspace(-180, 90, views)
    R, T = look_at_view_transform(dist=2.7, elev=elev, azim=azim)
    cameras = FoVPerspectiveCameras(device=DEVICE, R=R, T=T)
    lights = PointLights(device=DEVICE, location=[[0.0, 0.0, -3.0]])
    sigma = 1e-4
    raster_settings = RasterizationSettings(
        image_size=40, blur_radius=np.log(1.0 / 1e-4 - 1.0) * sigma, faces_per_pixel=20, perspective_correct=False
    )
    renderer = MeshRenderer(
        rasterizer=MeshRasterizer(cameras=cameras, raster_settings=raster_settings),
        shader=SoftPhongShader(device=DEVICE, cameras=cameras, lights=lights),
    )
    with torch.no_grad():
        wanted = renderer(target.extend(views), cameras=cameras, lights=lights)
    source = ico_sphere(2, DEVICE)
    deform = torch.zeros(source.verts_packed().shape, requires_grad=True)
    colors = torch.full((1, len(deform), 3), 0.5, requires_grad=True)
    optimizer = torch.optim.SGD([deform, colors], lr=1.0, momentum=0.9)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        mesh = source.offset_verts(deform)
        mesh.textures = TexturesVertex(verts_features=colors)
        regular = mesh_edge_loss(mesh) + 0.01 * mesh_normal_consistency(mesh)
        regular = regular + mesh_laplacian_smoothing(mesh, method="uniform")
        image = renderer(mesh.extend(views), cameras=cameras, lights=lights)
        outline = ((image[..., 3] - wanted[..., 3]) ** 2).mean()
        colour = ((image[..., :3] - wanted[..., :3]) ** 2).mean()
        (outline + colour + 0.1 * regular).backward()
        optimizer.step()
        losses.append((outline + colour).item())
    assert losses[-1] < 0.35 * losses[0]
    spout = target.verts_packed().norm(dim=1).argmax()
    fitted = source.offset_verts(deform.detach()).verts_packed()
    assert fitted[spout].norm() > 1.12  # a spout has grown where there is one


def test_regularisers_by_hand():
    square = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    folded = square + torch.tensor([[0, 0, 0], [0, 0, 0], [0, 0, 0], [0.5, -0.5, 2**-0.5]])  # about the diagonal
    both = Meshes([square, folded], [faces, faces])
    edge = mesh_edge_loss(Meshes([square], [faces]), target_length=1.0)
    assert torch.isclose(edge, torch.tensor((2**0.5 - 1) ** 2 / 5))
    assert torch.isclose(mesh_normal_consistency(both), torch.tensor(0.5), atol=1e-6)  # (0 + 1) / 2
    middle = torch.stack([square[near].mean(0) for near in ([1, 2, 3], [0, 2], [0, 1, 3], [0, 2])])
    want = (middle - square).norm(dim=1).mean()
    assert torch.isclose(mesh_laplacian_smoothing(Meshes([square], [faces])), want)
    sphere = ico_sphere(3)
    assert len(sphere.verts_packed()) == 642 and len(sphere.faces_packed()) == 1280
    corners = sphere.verts_packed()[sphere.faces_packed()]
    assert (sphere.faces_normals_packed() * corners.mean(1)).sum(1).min() > 0.9
