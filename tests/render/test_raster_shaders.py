"""Each shader against its definition, worked out by hand, and gradients against finite differences."""

import pytest
import torch
from torch.nn.functional import normalize

from engine.core.errors import InputError
from render import diff

VERTS = torch.tensor([[-0.7, -0.6, 0.1], [0.7, -0.5, -0.2], [0.1, 0.7, 0.2], [0.9, 0.6, 0.3]])
FACES = torch.tensor([[0, 1, 2], [1, 3, 2]])
COLORS = torch.tensor([[0.9, 0.2, 0.1], [0.2, 0.8, 0.3], [0.1, 0.3, 0.9], [0.7, 0.7, 0.2]])
LIGHTS = {
    "point": lambda: diff.PointLights(location=((0.8, 1.0, 2.0),)),
    "directional": lambda: diff.DirectionalLights(direction=((0.4, 0.5, 1.0),)),
    "ambient": diff.AmbientLights,
}


def cameras() -> diff.FoVPerspectiveCameras:
    rotation, shift = diff.look_at_view_transform(2.2, 15.0, 25.0)
    return diff.FoVPerspectiveCameras(R=rotation, T=shift, znear=0.1)


def meshes(verts=VERTS, colors=COLORS) -> diff.Meshes:
    return diff.Meshes([verts], [FACES], diff.TexturesVertex([colors]))


def fragments_of(scene: diff.Meshes, keep: int = 1, blur: float = 0.0, size: int = 32) -> diff.Fragments:
    settings = diff.RasterizationSettings(image_size=size, faces_per_pixel=keep, blur_radius=blur)
    return diff.MeshRasterizer(cameras(), settings)(scene)


def phong(point, normal, color, lights) -> torch.Tensor:
    """Phong's model at one point, with the default materials."""
    normal = normalize(normal, dim=0)
    if isinstance(lights, diff.AmbientLights):
        return color * lights.ambient_color[0]
    toward = lights.direction[0] if isinstance(lights, diff.DirectionalLights) else lights.location[0] - point
    toward = normalize(toward, dim=0)
    view = normalize(cameras().get_camera_center()[0] - point, dim=0)
    cosine = (normal @ toward).clamp(min=0)
    mirrored = 2 * (normal @ toward) * normal - toward
    shine = (view @ mirrored).clamp(min=0) ** 64 * (cosine > 0)
    return color * (lights.ambient_color[0] + cosine * lights.diffuse_color[0]) + shine * lights.specular_color[0]


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("kind", ["Phong", "Gouraud", "Flat"])
def test_hard_shaders_by_hand(kind, light):
    scene, lights = meshes(), LIGHTS[light]()
    fragments = fragments_of(scene)
    picture = getattr(diff, f"Hard{kind}Shader")(cameras=cameras(), lights=lights)(fragments, scene)[0]
    normals = scene.verts_normals_packed()
    at_vertices = torch.stack([phong(p, n, c, lights) for p, n, c in zip(VERTS, normals, COLORS, strict=True)])
    places = torch.nonzero(fragments.pix_to_face[0, ..., 0] >= 0)
    assert len(places) > 100
    for y, x in places[::17].tolist():
        face = FACES[fragments.pix_to_face[0, y, x, 0]]
        share = fragments.bary_coords[0, y, x, 0]
        if kind == "Gouraud":
            want = share @ at_vertices[face]
        else:
            point, normal = share @ VERTS[face], share @ normals[face]
            if kind == "Flat":
                a, b, c = VERTS[face]
                point, normal = (a + b + c) / 3, torch.linalg.cross(b - a, c - a)
            want = phong(point, normal, share @ COLORS[face], lights)
        assert torch.allclose(picture[y, x, :3], want, atol=2e-5)
    assert torch.equal(picture[0, 0], torch.tensor([1.0, 1.0, 1.0, 0.0]))


@pytest.mark.parametrize("kind", ["Phong", "Gouraud"])
def test_soft_shaders_agree_with_hard_ones_inside(kind):
    scene = meshes()
    hard = getattr(diff, f"Hard{kind}Shader")(cameras=cameras())(fragments_of(scene), scene)[0]
    blend = diff.BlendParams(sigma=1e-6, gamma=1e-6)
    fragments = fragments_of(scene, keep=4, blur=1e-5)
    soft = getattr(diff, f"Soft{kind}Shader")(cameras=cameras(), blend_params=blend)(fragments, scene)[0]
    assert (soft - hard).abs().amax(-1).quantile(0.9) < 1e-3


def test_depth_shaders():
    scene = meshes()
    fragments = fragments_of(scene, keep=3, blur=1e-4)
    hard = diff.HardDepthShader(cameras=cameras())(fragments, scene)
    used = fragments.pix_to_face[..., :1] >= 0
    assert hard.shape == (1, 32, 32, 1) and torch.equal(hard[used], fragments.zbuf[..., :1][used])
    assert (hard[~used] == 100.0).all()
    soft = diff.SoftDepthShader(cameras=cameras(), blend_params=diff.BlendParams(sigma=1e-4))(fragments, scene)
    deep = (fragments.dists[..., :1] < -0.004) & used
    assert deep.sum() > 50 and torch.allclose(soft[deep], hard[deep], atol=1e-2)
    assert (soft[~used] == 100.0).all()
    # by the definition, at one pixel on an edge
    y, x = torch.nonzero((fragments.dists[0, ..., 0].abs() < 1e-4) & used[0, ..., 0])[0].tolist()
    left, sum_ = 1.0, 0.0
    for k in range(3):
        if fragments.pix_to_face[0, y, x, k] >= 0:
            share = min(torch.sigmoid(-fragments.dists[0, y, x, k] / 1e-4).item(), left)
            sum_ += share * fragments.zbuf[0, y, x, k].item()
            left -= share
    assert soft[0, y, x, 0].item() == pytest.approx(sum_ + left * 100.0, rel=1e-4)


def test_geometry_and_attributes():
    scene = meshes()
    fragments = fragments_of(scene)
    buffers = diff.geometry_buffers(fragments, scene)
    inside = buffers.mask > 0
    view = cameras().get_world_to_view_transform().transform_points(buffers.position[inside])
    assert torch.allclose(view[:, 2], buffers.depth[inside], atol=1e-5)
    assert torch.allclose(buffers.normal[inside].norm(dim=-1), torch.ones(int(inside.sum())), atol=1e-5)
    assert (buffers.face[~inside] == -1).all() and not buffers.position[~inside].any()
    picture = diff.VertexAttributeShader(VERTS, background=-1.0)(fragments, scene)
    assert torch.allclose(picture[inside], buffers.position[inside]) and (picture[~inside] == -1).all()
    with pytest.raises(InputError, match="4 vertices"):
        diff.VertexAttributeShader(VERTS[:3])(fragments, scene)


def test_a_batch_of_meshes_with_a_light_each_is_shaded_as_one_by_one():
    other = diff.Meshes([VERTS[:3] * 0.8], [FACES[:1]], diff.TexturesVertex([COLORS[:3]]))
    lights = diff.PointLights(location=((0.8, 1.0, 2.0), (-1.0, 0.3, 1.5)))
    batch = diff.join_meshes_as_batch([meshes(), other])
    for kind in ("HardPhongShader", "HardGouraudShader", "HardFlatShader"):
        together = getattr(diff, kind)(cameras=cameras(), lights=lights)(fragments_of(batch), batch)
        for k, single in enumerate((meshes(), other)):
            alone = diff.PointLights(location=lights.location[k : k + 1])
            want = getattr(diff, kind)(cameras=cameras(), lights=alone)(fragments_of(single), single)
            assert torch.allclose(together[k], want[0], atol=1e-5), kind


@pytest.mark.parametrize("kind", ["SoftPhongShader", "SoftGouraudShader", "HardFlatShader", "SoftDepthShader"])
def test_gradients_are_those_of_finite_differences(kind):
    """For shifts of the vertices, of the light and of the colours, over pixels whose faces stay the same."""
    weight = torch.rand(1, 32, 32, 1, generator=torch.manual_seed(2))
    keep, blur = (4, 0.02) if kind.startswith("Soft") else (1, 0.0)
    blend = diff.BlendParams(sigma=5e-3, gamma=5e-2, background_color=(0.2, 0.4, 0.6))
    fragments = fragments_of(meshes(), keep, blur)
    start, far = fragments.pix_to_face, fragments.dists[..., 0].abs() > (2e-3 if keep == 1 else 0)

    def total(verts, colors, place) -> torch.Tensor:
        scene = meshes(verts, colors)
        lights = diff.PointLights(location=place)
        fragments = fragments_of(scene, keep, blur)
        steady = (start >= 0).sum(-1) == (fragments.pix_to_face >= 0).sum(-1)
        assert steady.float().mean() > 0.98
        shader = getattr(diff, kind)(cameras=cameras(), lights=lights, blend_params=blend)
        return (shader(fragments, scene, zfar=4.0, znear=1.0) * weight * (far & (start[..., 0] >= 0))[..., None]).sum()

    values = [VERTS.clone(), COLORS.clone(), torch.tensor([[0.8, 1.0, 2.0]])]
    for value in values:
        value.requires_grad_()
    loss = total(*values)
    grads = torch.autograd.grad(loss, values, allow_unused=True)
    generator = torch.manual_seed(5)
    for k, grad in enumerate(grads):
        if grad is None:
            assert kind == "SoftDepthShader" and k > 0
            continue
        way = torch.randn(values[k].shape, generator=generator) * (3e-4 if k == 0 else 3e-3)
        with torch.no_grad():
            ends = [total(*(v + s * way if i == k else v for i, v in enumerate(values))) for s in (1, -1)]
        slope = (ends[0] - ends[1]) / 2
        assert (grad * way).sum().item() == pytest.approx(slope.item(), rel=0.05, abs=3e-4), (kind, k)


def test_gouraud_wants_colours_of_vertices():
    uv = torch.rand(4, 2)
    scene = diff.Meshes([VERTS], [FACES], diff.TexturesUV([torch.rand(4, 4, 3)], [FACES], [uv]))
    with pytest.raises(InputError, match="TexturesVertex"):
        diff.HardGouraudShader(cameras=cameras())(fragments_of(scene), scene)
