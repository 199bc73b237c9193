"""Batches of lights, materials and cameras of the PyTorch3D port."""

import pytest
import torch

from render import diff


def test_fields_are_spread_and_moved_together():
    lights = diff.PointLights(ambient_color=torch.rand(4, 3), location=((0, 2, 0),))
    assert len(lights) == 4 and lights.location.shape == (4, 3)
    copy = lights.clone()
    copy[1].location = (1.0, 1.0, 1.0)
    assert copy.location[1].tolist() == [1, 1, 1] and lights.location[1].tolist() == [0, 2, 0]
    assert copy.location[0].tolist() == [0, 2, 0]  # the others are not of one memory
    picked = lights.gather_props(torch.tensor([3, 3, 0]))
    assert torch.equal(picked.ambient_color, lights.ambient_color[[3, 3, 0]])


def test_lamberts_law_on_packed_and_padded_points():
    light = diff.DirectionalLights(diffuse_color=((1, 0.5, 0),), direction=((0, 0, 2),))
    normals = torch.tensor([[0.0, 0.0, 1.0], [0.0, 3.0, 3.0], [1.0, 0.0, 0.0]])
    cosines = torch.tensor([1.0, 0.5**0.5, 0.0])[:, None] * torch.tensor([1.0, 0.5, 0.0])
    assert torch.allclose(light.diffuse(normals), cosines)
    assert torch.allclose(light.diffuse(normals[None]), cosines[None])
    point = diff.PointLights(diffuse_color=((1, 0.5, 0),), location=((0, 0, 5),))
    assert torch.allclose(point.diffuse(normals, torch.zeros_like(normals)), cosines)


def test_the_highlight_is_where_the_mirrored_light_meets_the_eye():
    light = diff.DirectionalLights(specular_color=((1, 0, 1),), direction=((-1, 1, 0),))
    up, origin = torch.tensor([[0.0, 1.0, 0.0]]), torch.zeros(1, 3)
    seen = [light.specular(normals=up, points=origin, camera_position=torch.tensor([eye]), shininess=10.0)
            for eye in ((1.0, 1.0, 0.0), (1.0, -1.0, 0.0))]  # fmt: skip
    assert torch.allclose(seen[0], torch.tensor([[1.0, 0.0, 1.0]])) and not seen[1].any()


def test_five_channels_are_lit_by_ambient_light():
    torch.manual_seed(0)
    sphere = diff.ico_sphere(2)
    colours = torch.rand(len(sphere.verts_packed()), 5)
    sphere = diff.Meshes(sphere.verts_list(), sphere.faces_list(), diff.TexturesVertex([colours]))
    white = ((1.0,) * 5,)
    shader = diff.HardFlatShader(
        cameras=diff.FoVPerspectiveCameras(R=diff.look_at_view_transform(3.0)[0], T=((0, 0, 3),)),
        lights=diff.AmbientLights(white), materials=diff.Materials(white, white, white),
        blend_params=diff.BlendParams(background_color=(0.0,) * 5),
    )  # fmt: skip
    image = diff.MeshRenderer(diff.MeshRasterizer(shader.cameras, diff.RasterizationSettings(32)), shader)(sphere)
    inside = image[0, 16, 16, :5]
    assert image.shape == (1, 32, 32, 6) and (inside > 0).all() and (inside <= 1).all()


def test_cameras_are_picked_and_joined():
    turns = diff.random_rotations(5)
    cameras = diff.FoVPerspectiveCameras(R=turns, znear=0.5)
    some = cameras[torch.tensor([True, False, True, False, False])]
    assert isinstance(some, diff.FoVPerspectiveCameras) and torch.equal(some.R, turns[[0, 2]])
    again = diff.join_cameras_as_batch([cameras[[0, 1]], cameras[2], cameras[-2], cameras[4]])
    assert torch.equal(again.R, turns) and len(again) == 5
    with pytest.raises(IndexError):
        cameras[5]
    with pytest.raises(ValueError, match="same type"):
        diff.join_cameras_as_batch([cameras, diff.PerspectiveCameras()])


def test_a_pose_given_once_stays_with_the_camera():
    camera = diff.FoVPerspectiveCameras()
    R, T = diff.look_at_view_transform(2.0, 30.0, 40.0)
    camera.get_full_projection_transform(R=R, T=T)
    assert torch.equal(camera.R, R) and torch.allclose(camera.get_camera_center().norm(), torch.tensor(2.0))


def test_opencv_cameras_put_points_on_the_same_pixels():
    torch.manual_seed(1)
    R, shift = diff.random_rotations(3), torch.tensor([[0.1, -0.2, 4.0]]).repeat(3, 1)
    matrix = torch.tensor([[500.0, 0.0, 330.0], [0.0, 480.0, 200.0], [0.0, 0.0, 1.0]]).repeat(3, 1, 1)
    sizes = torch.tensor([[400, 640]] * 3)
    points = torch.randn(3, 7, 3) * 0.3
    view = points @ R.transpose(1, 2) + shift[:, None]
    pixels = view @ matrix.transpose(1, 2)
    cameras = diff.cameras_from_opencv_projection(R, shift, matrix, sizes)
    ours = cameras.transform_points_screen(points)[..., :2]
    assert torch.allclose(ours, pixels[..., :2] / pixels[..., 2:], atol=1e-3)
    for given, found in zip((R, shift, matrix), diff.opencv_from_cameras_projection(cameras, sizes), strict=True):
        assert torch.allclose(given, found, atol=1e-3)


def test_turning_on_the_spot_leaves_the_place():
    eye = torch.tensor([[1.0, 2.0, 3.0]])
    R, T = diff.look_at_view_transform(eye=eye, at=((0.5, 0.0, 0.0),))
    turned = diff.rotate_on_spot(R, T, diff.axis_angle_to_matrix(torch.tensor([[0.0, 0.3, 0.0]])))
    place, ahead, _ = diff.camera_to_eye_at_up(diff.get_world_to_view_transform(*turned))
    before = torch.nn.functional.normalize(torch.tensor([[0.5, 0.0, 0.0]]) - eye)
    assert torch.allclose(place, eye, atol=1e-5)
    assert torch.allclose(((ahead - place) * before).sum(), torch.tensor(0.3).cos(), atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: diff.PointLights(ambient_color=torch.rand(10, 3), diffuse_color=torch.rand(15, 3)),
        lambda: diff.DirectionalLights(direction=torch.rand(10, 4)),
        lambda: diff.Materials(shininess=torch.rand(10, 2)),
        lambda: diff.look_at_rotation([-1.0]),
        lambda: diff.FoVPerspectiveCameras()[0:1],
        lambda: diff.FoVPerspectiveCameras(znear=(1.0, 2.0), zfar=(1.0, 2.0, 3.0)),
    ],
)
def test_what_makes_no_sense_is_a_value_error(wrong):
    with pytest.raises(ValueError):
        wrong()
