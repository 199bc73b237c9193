"""The rasterizer's kernels against the plain-torch twin, and what the fragments mean."""

import hashlib
import subprocess
import sys

import pytest
import torch

from engine.core.errors import InputError, UnsupportedError
from render.raster import rasterize_meshes

SQUARE = torch.tensor([[-0.5, -0.5, 2.0], [0.5, -0.5, 2.0], [0.5, 0.5, 2.0], [-0.5, 0.5, 2.0]])
TWO = torch.tensor([[0, 1, 2], [0, 2, 3]])


def soup(faces: int, seed: int = 0, *, behind: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Random triangles of all sizes, front and back; with ``behind``, some reach behind the camera."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.rand((faces, 1, 3), generator=generator) * 2.4 - 1.2
    size = torch.rand((faces, 1, 1), generator=generator) * 1.6
    corners = centre + size * (torch.rand((faces, 3, 3), generator=generator) - 0.5)
    corners[..., 2] = corners[..., 2] * 0.4 + (0.35 if behind else 2.0)
    return corners.reshape(-1, 3), torch.arange(3 * faces).reshape(-1, 3)


def losses(found, seed: int = 1) -> torch.Tensor:
    """A loss that reaches every output, with random weights."""
    generator = torch.Generator().manual_seed(seed)
    pix_to_face, *values = found
    used = pix_to_face >= 0
    total = torch.zeros(())
    for value in values:
        mask = used if value.ndim == used.ndim else used[..., None].expand_as(value)
        total = total + (torch.rand(value.shape, generator=generator) * value)[mask].sum()
    return total


SETTINGS = {
    "hard": dict(faces_per_pixel=1, perspective_correct=True),
    "flat, four faces": dict(faces_per_pixel=4),
    "blurred and clipped": dict(
        faces_per_pixel=5, blur_radius=4e-3, perspective_correct=True, clip_barycentric_coords=True
    ),
    "blurred, not clipped": dict(faces_per_pixel=3, blur_radius=4e-3, perspective_correct=True),
    "culled, all faces": dict(faces_per_pixel=100, blur_radius=1e-3, cull_backfaces=True, clip_barycentric_coords=True),
    "cut at the camera": dict(
        faces_per_pixel=4, blur_radius=1e-3, perspective_correct=True, clip_barycentric_coords=True, z_clip_value=0.2
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("size", [(17, 29), (24, 11)])
def test_kernels_agree_with_the_twin(name, size):
    verts, faces = soup(60, behind="cut" in name)
    results = []
    for backend in ("taichi", "torch"):
        leaf = verts.clone().requires_grad_()
        found = rasterize_meshes(leaf, faces, image_size=size, backend=backend, **SETTINGS[name])
        losses(found).backward()
        results.append((found, leaf.grad))
    (kernel, grad), (twin, twin_grad) = results
    assert (kernel[0] >= 0).sum() > 20
    assert torch.equal(kernel[0], twin[0])
    for a, b in zip(kernel[1:], twin[1:], strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert (grad - twin_grad).norm() <= 1e-4 * twin_grad.norm()


def test_shapes_of_a_batch_and_ids_per_image():
    verts = torch.stack((SQUARE, SQUARE + torch.tensor([0.3, 0.0, 0.5])))
    pix_to_face, zbuf, bary, dists = rasterize_meshes(verts, TWO, image_size=(12, 20), faces_per_pixel=2)
    assert pix_to_face.shape == zbuf.shape == dists.shape == (2, 12, 20, 2) and bary.shape == (2, 12, 20, 2, 3)
    assert set(pix_to_face[0].unique().tolist()) == {-1, 0, 1}
    assert set(pix_to_face[1].unique().tolist()) == {-1, 2, 3}
    assert torch.allclose(zbuf[1][pix_to_face[1] >= 0], torch.tensor(2.5))
    single = rasterize_meshes(verts[1], TWO, image_size=(12, 20), faces_per_pixel=2)
    assert torch.equal(single[1][0], zbuf[1]) and torch.equal(single[3][0], dists[1])


def test_left_is_plus_x_and_up_is_plus_y():
    verts = torch.tensor([[0.2, 0.2, 1.0], [0.9, 0.2, 1.0], [0.2, 0.9, 1.0]])
    covered = rasterize_meshes(verts, TWO[:1], image_size=32)[0][0, ..., 0] >= 0
    rows, columns = covered.nonzero(as_tuple=True)
    assert len(rows) and rows.max() < 16 and columns.max() < 16


def test_pixel_centre_on_an_edge_is_outside():
    # an odd image has pixel centres at x = 0, where the vertical edge lies
    verts = torch.tensor([[0.0, -1.0, 1.0], [0.0, 1.0, 1.0], [-1.0, 0.0, 1.0]])
    pix_to_face, _, _, dists = rasterize_meshes(verts, TWO[:1], image_size=5, faces_per_pixel=1)
    assert (pix_to_face[0, :, 2] == -1).all() and (pix_to_face[0, 2, 3] == 0).all()
    assert float(dists[0, 2, 3]) == pytest.approx(-(0.4**2) / 1, abs=0.09)
    blurred = rasterize_meshes(verts, TWO[:1], image_size=5, faces_per_pixel=1, blur_radius=0.01)
    assert (blurred[0][0, 1:4, 2] == 0).all() and (blurred[3][0, 1:4, 2] == 0).all()


def test_equal_depths_go_by_face_number():
    verts = torch.cat((SQUARE, SQUARE))
    faces = torch.cat((TWO + 4, TWO))
    pix_to_face = rasterize_meshes(verts, faces, image_size=9, faces_per_pixel=4)[0]
    assert pix_to_face[0, 4, 3].tolist() in ([0, 2, -1, -1], [1, 3, -1, -1])


def test_flat_hidden_and_missing_faces():
    flat = torch.tensor([[0.0, 0.0, 1.0], [0.5, 0.5, 1.0], [1.0, 1.0, 1.0]])
    assert (rasterize_meshes(flat, TWO[:1], image_size=8)[0] == -1).all()
    behind = SQUARE * torch.tensor([1.0, 1.0, -1.0])
    assert (rasterize_meshes(behind, TWO, image_size=8)[0] == -1).all()
    found = rasterize_meshes(SQUARE, TWO[:0], image_size=8)
    assert all((part == -1).all() for part in found)


def test_a_large_face_fills_a_picture_of_many_tiles():
    verts = torch.tensor([[-9.0, -9.0, 1.0], [9.0, -9.0, 2.0], [0.0, 18.0, 3.0]])
    assert (rasterize_meshes(verts, TWO[:1], image_size=(40, 70), faces_per_pixel=1)[0] == 0).all()


@pytest.mark.parametrize(
    "change",
    [
        dict(faces=torch.tensor([[0, 1, 9]])),
        dict(verts_ndc=torch.full((4, 3), torch.nan)),
        dict(verts_ndc=torch.zeros(4, 2)),
        dict(faces_per_pixel=0),
        dict(blur_radius=-1.0),
        dict(image_size=(0, 4)),
        dict(image_size=100_000, faces_per_pixel=50),
        dict(colour="red"),
    ],
)
def test_wrong_input_is_named(change):
    with pytest.raises(InputError):
        rasterize_meshes(**(dict(verts_ndc=SQUARE, faces=TWO, image_size=8) | change))


def test_too_many_faces_on_too_many_tiles_are_refused():
    verts = torch.tensor([[-9.0, -9.0, 1.0], [9.0, -9.0, 2.0], [0.0, 18.0, 3.0]])
    with pytest.raises(InputError, match="tiles"):
        rasterize_meshes(verts, TWO[:1].repeat(5000, 1), image_size=2048, faces_per_pixel=1)


def test_unknown_backend():
    with pytest.raises(UnsupportedError, match="no rasterizer"):
        rasterize_meshes(SQUARE, TWO, backend="crayon")


def test_pytorch3d_backend():
    from render.raster.pytorch3d_backend import pytorch3d_is_there

    if not pytorch3d_is_there():
        with pytest.raises(UnsupportedError, match="not installed"):
            rasterize_meshes(SQUARE, TWO, backend="pytorch3d")
        pytest.skip("PyTorch3D is not installed")
    verts, faces = soup(40)
    ours = rasterize_meshes(verts, faces, image_size=(20, 30), faces_per_pixel=4)
    theirs = rasterize_meshes(verts, faces, image_size=(20, 30), faces_per_pixel=4, backend="pytorch3d")
    assert (ours[0] != theirs[0]).float().mean() < 1e-3


DIGEST = """
import sys, hashlib, torch
from engine.core.taichi_runtime import init
init(device="cpu", threads=int(sys.argv[1]))
sys.path.insert(0, "tests/render")
from test_raster import digest
print(digest())
"""


def digest() -> str:
    """Hash of the fragments and gradients of a soup."""
    verts, faces = soup(300, seed=3)
    leaf = verts.requires_grad_()
    found = rasterize_meshes(leaf, faces, image_size=96, **SETTINGS["blurred and clipped"])
    losses(found).backward()
    data = b"".join(part.detach().numpy().tobytes() for part in (*found, leaf.grad))
    return hashlib.sha256(data).hexdigest()


def test_same_bits_for_any_number_of_threads():
    run = [sys.executable, "-c", DIGEST]
    one, two = (subprocess.run([*run, n], capture_output=True, text=True, check=True).stdout for n in "14")
    assert one == two and len(one) > 60


@pytest.mark.gpu
def test_cuda_agrees_with_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU")
    run = [sys.executable, "-c", DIGEST.replace('"cpu"', '"cuda"')]
    result = subprocess.run([*run, "1"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
