import json
import struct
from dataclasses import replace

import numpy as np
import pygltflib
import pytest
from small_scene import capsule_body, folded_skirt

from engine.core.errors import InputError
from engine.export.gltf import write_glb
from engine.export.validate import validate_glb, validator_missing

NUMBERS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


def read(document: pygltflib.GLTF2, accessor: int) -> np.ndarray:
    a = document.accessors[accessor]
    view = document.bufferViews[a.bufferView]
    data = document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    return np.frombuffer(data, NUMBERS[a.componentType]).reshape(a.count, WIDTH[a.type])


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    meshes = [replace(capsule_body(), uv=None), folded_skirt()]
    path = write_glb(
        tmp_path_factory.mktemp("glb") / "look.glb",
        meshes,
        title="Skirt",
        info={"garment": "Skirt", "size_cm": {"hip": 98.0}},
    )
    return path, meshes, pygltflib.GLTF2().load(str(path))


def test_parts_are_separate_named_meshes_with_the_geometry_given(look):
    _, meshes, document = look
    shown = [document.nodes[i] for i in document.scenes[document.scene].nodes]
    assert [n.name for n in shown] == ["body", "garment"]
    for node, mesh in zip(shown, meshes, strict=True):
        primitive = document.meshes[node.mesh].primitives[0]
        assert document.meshes[node.mesh].name == mesh.name
        position = document.accessors[primitive.attributes.POSITION]
        assert read(document, primitive.attributes.POSITION) == pytest.approx(mesh.vertices)
        assert position.min == pytest.approx(mesh.vertices.min(0).tolist())
        assert position.max == pytest.approx(mesh.vertices.max(0).tolist())
        assert np.linalg.norm(read(document, primitive.attributes.NORMAL), axis=1) == pytest.approx(1, abs=1e-5)
        assert np.array_equal(read(document, primitive.indices).reshape(-1, 3), mesh.faces)
        assert document.accessors[primitive.indices].componentType == pygltflib.UNSIGNED_SHORT


def test_cloth_is_double_sided_with_sheen_and_a_tiled_weave(look):
    _, meshes, document = look
    material = document.materials[document.meshes[1].primitives[0].material]
    assert material.doubleSided and not document.materials[document.meshes[0].primitives[0].material].doubleSided
    assert material.pbrMetallicRoughness.baseColorFactor == pytest.approx([0.08, 0.12, 0.30, 1])
    assert max(material.extensions["KHR_materials_sheen"]["sheenColorFactor"]) > 0.1
    repeats = material.normalTexture.extensions["KHR_texture_transform"]["scale"][0]
    uv, metres = meshes[1].uv, meshes[1].uv_metres
    across = np.ptp(metres[:, 0]) / np.ptp(uv[:, 0]), np.ptp(metres[:, 1]) / np.ptp(uv[:, 1])
    assert min(across) / 0.008 < repeats < max(across) / 0.008  # a tile of four repeats of 2 mm


def test_maps_are_there_as_variants_vertex_colours_and_numbers(look):
    _, meshes, document = look
    assert [v["name"] for v in document.extensions["KHR_materials_variants"]["variants"]] == [
        "beauty",
        "strain",
        "pressure",
    ]
    primitive = document.meshes[1].primitives[0]
    mapping = {
        variant: document.materials[m["material"]]
        for m in primitive.extensions["KHR_materials_variants"]["mappings"]
        for variant in m["variants"]
    }
    assert mapping[0].name == "denim"
    for index in (1, 2):
        assert mapping[index].pbrMetallicRoughness.baseColorTexture.texCoord == 1
    lookup = read(document, primitive.attributes.TEXCOORD_1)
    for column, name in enumerate(("strain", "pressure")):
        low, high = meshes[1].map_ranges[name]
        values = read(document, getattr(primitive.attributes, f"_{name.upper()}"))[:, 0]
        assert values == pytest.approx(low + (high - low) * meshes[1].maps[name], rel=1e-5, abs=1e-7)
        assert lookup[:, column] * 256 / 255 - 0.5 / 255 == pytest.approx(meshes[1].maps[name], abs=1e-5)
    assert getattr(primitive.attributes, "COLOR_0", None) is None  # or the plain look would be tinted
    colored = {n.name: document.meshes[n.mesh].primitives[0] for n in document.nodes}
    for name in ("garment_strain", "garment_pressure"):
        assert colored[name].attributes.POSITION == primitive.attributes.POSITION
        assert np.ptp(read(document, colored[name].attributes.COLOR_0)[:, 0].astype(float)) > 10000


def test_occlusion_darkens_what_lies_deep_and_is_left_out_without_opengl(look, tmp_path, monkeypatch):
    import io

    from PIL import Image

    import render.preview
    from engine.core.errors import JobError

    _, meshes, document = look
    material = document.materials[document.meshes[1].primitives[0].material]
    if material.occlusionTexture is None:
        pytest.skip("no OpenGL on this machine")
    view = document.bufferViews[document.images[document.textures[material.occlusionTexture.index].source].bufferView]
    data = document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    shade = np.asarray(Image.open(io.BytesIO(data)))
    skirt = meshes[1]
    low = (skirt.vertices[:, 1] < 0.7) & (skirt.vertices[:, 1] > 0.6)  # where the folds are deep
    column, row = (np.clip(skirt.uv[low] * 1024, 0, 1023)).astype(int).T
    ridge = np.hypot(skirt.vertices[low, 0], skirt.vertices[low, 2])
    assert np.corrcoef(ridge, shade[row, column])[0, 1] > 0.6  # folds stand out into the light

    def missing():
        raise JobError("render.no_opengl", "none", "")

    monkeypatch.setattr(render.preview, "create_context", missing)
    plain = pygltflib.GLTF2().load(str(write_glb(tmp_path / "plain.glb", meshes)))
    assert all(m.occlusionTexture is None for m in plain.materials)


def test_info_and_ranges_travel_in_the_scene(look):
    extras = look[2].scenes[0].extras
    assert extras["info"]["size_cm"]["hip"] == 98.0
    assert extras["maps"]["pressure"]["unit"] == "kPa" and extras["maps"]["pressure"]["high"] == 2.0
    assert extras["maps"]["strain"]["low"] == -10.0


def test_sheer_cloth_blends(tmp_path):
    skirt = folded_skirt()
    sheer = replace(skirt, material=replace(skirt.material, base_color=(0.8, 0.8, 0.8, 0.5)))
    document = pygltflib.GLTF2().load(str(write_glb(tmp_path / "a.glb", [sheer], occlusion=False)))
    assert document.materials[0].alphaMode == "BLEND"


def test_a_mesh_without_extras_and_a_large_one(tmp_path):
    bare = replace(folded_skirt(), maps={}, map_ranges={}, uv=None, uv_metres=None, normals=None)
    document = pygltflib.GLTF2().load(str(write_glb(tmp_path / "bare.glb", [bare], occlusion=False)))
    assert "KHR_materials_variants" not in document.extensionsUsed
    grid = np.stack(np.meshgrid(np.arange(260), np.arange(260)), -1).reshape(-1, 2)
    first = (grid[(grid < 259).all(1)] @ [1, 260])[:, None]
    large = replace(
        bare,
        vertices=np.column_stack([grid, np.zeros(len(grid))]).astype(np.float32) / 260,
        faces=np.concatenate([first + [0, 1, 260], first + [1, 261, 260]]).astype(np.int32),
    )
    document = pygltflib.GLTF2().load(str(write_glb(tmp_path / "large.glb", [large], occlusion=False)))
    assert document.accessors[document.meshes[0].primitives[0].indices].componentType == pygltflib.UNSIGNED_INT


def test_same_input_same_bytes(tmp_path, look):
    path, meshes, _ = look
    again = write_glb(
        tmp_path / "again.glb", meshes, title="Skirt", info={"garment": "Skirt", "size_cm": {"hip": 98.0}}
    )
    assert again.read_bytes() == path.read_bytes()


def test_refuses_what_is_not_a_scene(tmp_path):
    skirt = folded_skirt()
    broken = np.array(skirt.vertices)
    broken[3] = np.nan
    for meshes, code in (
        ([], "export.empty"),
        ([skirt, skirt], "export.names"),
        ([replace(skirt, vertices=broken)], "export.not_finite"),
    ):
        with pytest.raises(InputError) as caught:
            write_glb(tmp_path / "x.glb", meshes)
        assert caught.value.code == code
    assert not (tmp_path / "x.glb").exists()


@pytest.mark.skipif(bool(validator_missing()), reason=validator_missing())
def test_khronos_validator_finds_nothing_wrong(look, tmp_path):
    verdict = validate_glb(look[0])
    assert verdict["errors"] == 0 and verdict["warnings"] == 0, verdict["messages"]
    assert all("UNUSED_OBJECT /nodes" in m for m in verdict["messages"]), verdict["messages"]
    data = bytearray(look[0].read_bytes())
    length = struct.unpack("<I", data[12:16])[0]
    document = json.loads(data[20 : 20 + length])
    assert document["asset"]["generator"].startswith("Toile")
    data[20 : 20 + length] = data[20 : 20 + length].replace(b'"VEC3"', b'"VEC2"')
    (tmp_path / "bad.glb").write_bytes(data)
    assert validate_glb(tmp_path / "bad.glb")["errors"] > 0
