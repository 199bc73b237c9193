"""OBJ files: what stands in them is what is read; materials and images reach the meshes; written files read back."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from engine.core.errors import InputError
from render.diff import (
    IO,
    Meshes,
    TexturesUV,
    TexturesVertex,
    load_obj,
    load_objs_as_meshes,
    load_ply,
    save_obj,
    save_ply,
)

OBJ = """# two quads, one of each material
mtllib house.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 2 0 0
v 2 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
vn 0 0 1
usemtl roof tiles
f 1/1/1 2/2/1 3/3/1 4/4/1
usemtl wall
f -5/1/-1 5/2/1 6/3/1 -4/4/1
"""
MTL = """newmtl roof
Kd 1 0 0
map_Kd tiles of clay.png
newmtl wall
Ka 0.1 0.2 0.3
Kd 0.25 0.5 0.75
Ks 1 1 1
Ns 32
"""


@pytest.fixture
def house(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (6, 4, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "tiles of clay.png")
    (tmp_path / "house.obj").write_text(OBJ)
    (tmp_path / "house.mtl").write_text(MTL)
    return tmp_path / "house.obj", torch.from_numpy(pixels).float() / 255


def test_what_stands_in_the_file(house):
    path, image = house
    verts, faces, aux = load_obj(path)
    assert verts.shape == (6, 3) and aux.verts_uvs.shape == (4, 2) and aux.normals.tolist() == [[0, 0, 1]]
    assert faces.verts_idx.tolist() == [[0, 1, 2], [0, 2, 3], [1, 4, 5], [1, 5, 2]]  # fans; negative ones count back
    assert faces.textures_idx.tolist() == [[0, 1, 2], [0, 2, 3]] * 2 and (faces.normals_idx == 0).all()
    assert faces.materials_idx.tolist() == [0, 0, 1, 1]
    assert torch.equal(aux.texture_images["roof"], image)
    assert aux.material_colors["wall"]["diffuse_color"].tolist() == [0.25, 0.5, 0.75]
    assert aux.material_colors["wall"]["shininess"].tolist() == [32]
    assert load_obj(path, load_textures=False)[2].texture_images is None


def test_meshes_take_images_and_plain_colours(house):
    path, image = house
    meshes = load_objs_as_meshes([path, path], create_texture_atlas=False)
    maps, ids = meshes.textures.maps_list()[1], meshes.textures.maps_ids_list()[1]
    assert torch.equal(maps[ids[0]], image) and torch.allclose(maps[ids[3]], torch.tensor([0.25, 0.5, 0.75]))
    corners = meshes.textures.faces_verts_textures_packed()
    assert torch.allclose(corners[0, 0], image[-1, 0]) and torch.allclose(
        corners[2, 1], torch.tensor([0.25, 0.5, 0.75])
    )
    atlas = load_objs_as_meshes([path], create_texture_atlas=True, texture_atlas_size=5).textures.atlas_list()[0]
    assert atlas.shape == (4, 5, 5, 3) and torch.allclose(atlas[2:], torch.tensor([0.25, 0.5, 0.75]))
    uv = torch.tensor([14 / 15, 13 / 15])  # weights 1/15, 1/15 and 13/15 of corners (0, 0), (1, 0) and (1, 1)
    place = torch.stack((2 * uv[0] - 1, 1 - 2 * uv[1]))[None, None, None]
    want = torch.nn.functional.grid_sample(image.permute(2, 0, 1)[None], place, align_corners=True).flatten()
    assert torch.allclose(atlas[0, 0, 0], want, atol=1e-5)


def test_a_mesh_of_one_image_is_plain_and_reads_back_as_it_was_written(tmp_path):
    verts, faces = torch.rand(4, 3), torch.tensor([[0, 1, 2], [0, 2, 3]])
    image = torch.randint(0, 256, (3, 5, 3)).float() / 255
    meshes = Meshes([verts], [faces], TexturesUV([image], [faces.flip(1)], [torch.rand(4, 2)]))
    IO().save_mesh(meshes, tmp_path / "sheet.obj", decimal_places=7)
    found = IO().load_mesh(tmp_path / "sheet.obj")
    assert torch.allclose(found.verts_packed(), verts, atol=1e-6) and torch.equal(found.faces_packed(), faces)
    assert found.textures.maps_ids_list() is None and torch.allclose(found.textures.maps_list()[0], image, atol=1e-6)
    uvs = (textures.verts_uvs_list()[0] for textures in (found.textures, meshes.textures))
    assert torch.allclose(*uvs, atol=1e-6)
    assert torch.equal(found.textures.faces_uvs_list()[0], faces.flip(1))


def test_written_text_has_normals_and_digits():
    out = io.StringIO()
    one = torch.tensor([[0, 1, 2]])
    save_obj(out, torch.eye(3), one, decimal_places=1, normals=torch.eye(3)[2:], faces_normals_idx=one * 0)
    assert out.getvalue().splitlines() == ["v 1.0 0.0 0.0", "v 0.0 1.0 0.0", "v 0.0 0.0 1.0", "vn 0.0 0.0 1.0",
                                           "f 1//1 2//1 3//1"]  # fmt: skip
    with pytest.raises(InputError, match="verts are"):
        save_obj(out, torch.rand(3, 4), one)
    with pytest.warns(UserWarning, match="invalid"):
        save_obj(out, torch.eye(3), one + 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [("v 1 2", "line 1"), ("v 1 2 x", "3 values"), ("f 1/1/1/1 2 3", "line 1"), ("f 1//1 2 3", "some corners"),
     ("mtllib", "no file"), ("f a b c", "line 1")],
)  # fmt: skip
def test_damaged_lines_are_named(line, message):
    with pytest.raises(InputError, match=message):
        load_obj(io.StringIO(line), load_textures=False)


def test_missing_files_are_told(house):
    path, _ = house
    path.with_name("tiles of clay.png").unlink()
    with pytest.warns(UserWarning, match="clay.png"):
        assert load_objs_as_meshes([path]).textures is None
    path.with_name("house.mtl").write_text("newmtl roof\nmap_Kd ../../secret.png\n")
    with pytest.warns(UserWarning, match="does not exist"):  # nothing is read from outside the file's folder
        assert load_obj(path)[2].texture_images == {}
    path.with_name("house.mtl").unlink()
    with pytest.warns(UserWarning, match="Mtl file"):
        load_obj(path)
    with pytest.raises(InputError, match="no such"):
        load_obj(path.with_name("hut.obj"))


def test_ply_keeps_colours_of_vertices(tmp_path):
    verts, faces = torch.rand(5, 3), torch.tensor([[0, 1, 2], [2, 3, 4]])
    colors = torch.randint(0, 256, (5, 3)).float() / 255
    IO().save_mesh(Meshes([verts], [faces], TexturesVertex([colors])), tmp_path / "a.ply")
    found = IO().load_mesh(tmp_path / "a.ply")
    assert torch.allclose(found.textures.verts_features_packed(), colors, atol=1e-6)
    save_ply(tmp_path / "b.ply", verts, faces)
    again = load_ply(tmp_path / "b.ply")
    assert torch.allclose(again[0], verts) and torch.equal(again[1], faces)
    assert IO().load_mesh(tmp_path / "b.ply").textures is None
    (tmp_path / "c.ply").write_text("no ply at all")
    with pytest.raises(InputError, match="c.ply"):
        load_ply(tmp_path / "c.ply")
