import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from engine.core.errors import InputError, JobError
from render.camera import standard_cameras
from render.develop import develop
from render.preview import Preview, PreviewQuality, Sampling, render_view, turntable

SMALL = PreviewQuality((150, 200), (90, 120), 4, Sampling(1, 4, 6, 256), Sampling(2, 1, 4, 256), 32)


@pytest.fixture(scope="module")
def preview(opengl, body, cloth):
    with Preview([body, cloth], quality=SMALL) as held:
        yield held


@pytest.fixture(scope="module")
def front(preview):
    return standard_cameras(preview.meshes, size=SMALL.still)["front"]


def test_buffers_agree_with_the_scene(preview, front):
    buffers = preview.view(front)
    assert buffers.rgb.shape == (200, 150, 3) and np.isfinite(buffers.rgb).all()
    assert set(np.unique(buffers.material_id)) == {-1, 0, 1}
    hit = buffers.material_id >= 0
    assert np.isinf(buffers.depth[~hit]).all()
    eye = -front.world_to_camera[:3, :3].T @ front.world_to_camera[:3, 3]
    assert np.abs(buffers.depth[hit] - eye[2]).max() < 0.5
    assert np.linalg.norm(buffers.normal[hit], axis=1) == pytest.approx(1, abs=1e-3)
    assert (buffers.normal[hit][:, 2] > -0.3).all()  # what is seen from the front faces the front
    cloth = buffers.material_id == 1
    shade = buffers.albedo[cloth] / (0.08, 0.12, 0.30)
    assert shade == pytest.approx(np.ones_like(shade), abs=0.04)  # uneven yarns
    rows = np.nonzero(cloth.any(axis=1))[0]
    assert 60 < rows.min() < 100 and 110 < rows.max() < 150  # a skirt hangs about the middle: row 0 is the top
    assert buffers.alpha[hit].mean() > 0.97 and buffers.alpha[:10].max() == 0


def test_averaged_buffers_keep_their_meaning(preview, front):
    once, often = preview.view(front), preview.view(front, supersample=3)
    assert np.array_equal(once.depth, often.depth) and np.array_equal(once.material_id, often.material_id)
    inside = binary_erosion(once.material_id == 0)
    assert often.albedo[inside] == pytest.approx(np.tile((0.5, 0.36, 0.3), (inside.sum(), 1)), abs=2e-3)
    assert np.linalg.norm(often.normal[inside], axis=1) == pytest.approx(1, abs=1e-3)
    assert (once.normal[inside] * often.normal[inside]).sum(1).min() > 0.9


def test_light_on_a_surface_is_colour_over_albedo(opengl, body):
    front = standard_cameras([body], size=SMALL.still)["front"]
    grey = type(body)(**{**body.__dict__, "material": type(body.material)("grey", (0.3, 0.3, 0.3, 1.0), 0.9)})
    light = []
    for mesh in (body, grey):
        with Preview([mesh], quality=SMALL, backdrop="none") as scene:
            shown = scene.view(front, supersample=2)
        hit = shown.material_id >= 0
        light.append(shown.rgb[hit] / shown.albedo[hit])
    ratio = np.median(light[0] / light[1], axis=0)
    assert ratio == pytest.approx(np.ones(3), abs=0.35)  # but for mirror images and light that bounces between folds


def test_the_card_develops_as_the_processor_does(preview, front):
    on_card = preview.picture(front)
    by_hand = develop(preview.view(front, buffers=False))
    assert np.abs(on_card.astype(int) - by_hand).max() <= 2
    assert np.abs(on_card.astype(int) - by_hand).mean() < 0.05


def test_live_pictures_are_developed_as_they_are_drawn(opengl, body, cloth):
    camera = standard_cameras([body, cloth], size=SMALL.still)["front"]
    live = PreviewQuality((150, 200), (90, 120), 4, Sampling(1, 1, 2, 256), Sampling(1, 1, 2, 256), 32, rounded=False)
    with Preview([body, cloth], quality=live) as scene:
        at_once, by_hand = scene.picture(camera), develop(scene.view(camera, buffers=False))
    assert np.abs(at_once.astype(int) - by_hand).max() <= 2  # half floats lie between


def test_surfaces_looked_up_after_drawing_are_those_drawn(opengl, body, cloth):
    camera = standard_cameras([body, cloth], size=(300, 400))["three_quarter"]
    for mode in ("beauty", "strain"):
        shown = []
        for multisample in (1, 4):  # drawn through a visibility buffer, and at once
            how = Sampling(1, multisample, 6, 256)
            with Preview([body, cloth], quality=PreviewQuality((300, 400), (90, 120), 4, how, how, 32)) as scene:
                scene.view(camera)  # what was drawn before does not matter
                shown.append(scene.view(camera, mode=mode))
        inside = binary_erosion(shown[0].material_id >= 0) & (shown[0].normal[..., 2] > 0.3)
        inside &= shown[0].material_id == shown[1].material_id
        off = np.abs(shown[0].rgb - shown[1].rgb).max(-1)[inside]
        assert inside.sum() > 2000 and np.median(off) < 2e-3 and np.percentile(off, 95) < 0.06, mode


def test_wireframe_shows_the_edges_of_the_mesh_over_grey(preview, front):
    wire, plain = preview.picture(front, mode="wireframe"), preview.view(front, mode="wireframe")
    cloth = plain.material_id == 1
    assert np.ptp(plain.albedo[cloth], axis=1).max() < 0.01  # grey
    beauty = preview.view(front).rgb
    assert plain.rgb[cloth].std() > 1.2 * beauty[cloth].mean(1).std()  # light and dark lines
    assert wire.shape == (200, 150, 3)


def test_yarns_are_seen_from_near_and_cloth_keeps_its_colour(opengl, cloth):
    from render.camera import look_at

    point = cloth.vertices[np.argmax(cloth.vertices[:, 2] - np.abs(cloth.vertices[:, 1] - 0.8))].astype(float)
    for weave in ("plain", "twill", "satin", "knit"):
        material = type(cloth.material)(**{**cloth.material.__dict__, "weave": weave, "base_color": (0.3, 0.3, 0.3, 1)})
        worn = type(cloth)(**{**cloth.__dict__, "material": material})
        with Preview([worn], quality=SMALL) as scene:
            cameras = [look_at(point + [0, 0, 0.4], point, fov_y=fov, size=(120, 120)) for fov in (0.3, 0.02)]
            far, near = (scene.view(camera, supersample=2).albedo[..., 0] for camera in cameras)
        assert near.std() / near.mean() > 0.08 > far.std() / far.mean(), weave
        assert near.mean() == pytest.approx(far.mean(), rel=0.08), weave


def test_skin_never_shows_through_cloth_that_lies_on_it(opengl, body, cloth):
    tight = np.array(cloth.vertices)
    radius = np.interp(tight[:, 1], np.linspace(0, 1.7, 60), np.hypot(body.vertices[::49, 0], body.vertices[::49, 2]))
    turn = np.arctan2(tight[:, 0], tight[:, 2])
    tight[:, 0], tight[:, 2] = (radius - 0.0005) * np.sin(turn), (radius - 0.0005) * np.cos(turn)
    worn = type(cloth)(**{**cloth.__dict__, "vertices": tight, "normals": None})
    front = standard_cameras([body, worn], size=SMALL.still)["front"]
    shown = render_view([body, worn], front, quality=SMALL).material_id
    inside = shown[95:130, 70:80]
    assert (inside == 1).all()


def test_light_and_shadow(preview, front, body):
    buffers = preview.view(front)
    picture = buffers.rgb.mean(-1)
    assert picture[5:15].mean() == pytest.approx(np.median(picture[5:15]), rel=0.1)  # an even backdrop
    skin = (buffers.material_id == 0) & (np.arange(200)[:, None] > 20)
    columns = np.nonzero(skin.any(axis=0))[0]
    left, right = columns[: len(columns) // 3], columns[-len(columns) // 3 :]
    upper = skin & (np.arange(200)[:, None] < 80)
    assert picture[:, left][upper[:, left]].mean() > picture[:, right][upper[:, right]].mean()  # the key light's side
    under_hem = skin & (np.arange(200)[:, None] > 138) & (np.arange(200)[:, None] < 146)
    bare = render_view([body], front, quality=SMALL).rgb.mean(-1)
    assert picture[under_hem].mean() < 0.85 * bare[under_hem].mean()  # the skirt shades the skin beneath it


def test_edges_of_shadows_have_no_dots(opengl, body, cloth):
    how = Sampling(2, 1, 12, 1024)
    with Preview([body, cloth], quality=PreviewQuality((150, 200), (240, 320), 4, how, how, 32)) as scene:
        camera = standard_cameras(scene.meshes, size=(240, 320))["three_quarter"]
        picture = scene.picture(camera, moving=True).astype(float).mean(-1)
        skin = binary_erosion(scene.view(camera, supersample=1).material_id == 0, iterations=2)[1:, 1:]
    twist = picture[1:, 1:] + picture[:-1, :-1] - picture[1:, :-1] - picture[:-1, 1:]
    assert np.percentile(np.abs(twist[skin]), 99) < 7  # of 255: a skirt's soft shadow falls on it


def test_maps_colour_only_the_mesh_that_has_them(preview, front):
    beauty, strain, pressure = (preview.view(front, mode=m) for m in ("beauty", "strain", "pressure"))
    cloth, skin = beauty.material_id == 1, beauty.material_id == 0
    assert np.abs(strain.rgb - beauty.rgb)[cloth].mean() > 0.05
    assert np.abs(strain.rgb - pressure.rgb)[cloth].mean() > 0.02
    assert np.abs(strain.rgb - pressure.rgb)[skin].mean() < 0.01
    assert (
        np.ptp(strain.albedo[skin], axis=1).max() < 0.01 < np.ptp(beauty.albedo[skin], axis=1).min()
    )  # grey, not skin
    right, left = strain.rgb[100, 95], strain.rgb[100, 55]  # +X, at the picture's right, is stretched
    assert right[0] > right[2] and left[2] > left[0]


def test_pictures_of_maps_carry_a_legend(preview, front):
    with_legend, without = (preview.picture(front, mode="strain", legend=on) for on in (True, False))
    assert with_legend.dtype == np.uint8
    changed = np.abs(with_legend.astype(int) - without).sum(-1) > 30
    assert changed[:, :60].sum() > 200 and not changed[:, 75:].any()


def test_sheer_cloth_lets_the_body_through(opengl, body, cloth):
    camera = standard_cameras([body, cloth], size=SMALL.still)["front"]
    material = type(cloth.material)(**{**cloth.material.__dict__, "base_color": (0.08, 0.12, 0.30, 0.3)})
    sheer = type(cloth)(**{**cloth.__dict__, "material": material})
    solid, thin = (render_view([body, c], camera, quality=SMALL) for c in (cloth, sheer))
    middle = (slice(95, 125), slice(70, 80))
    assert thin.rgb[middle][..., 0].mean() > 1.3 * solid.rgb[middle][..., 0].mean()


def test_sheer_cloth_over_sheer_cloth_is_blended_in_order(opengl, body, cloth):
    camera = standard_cameras([body, cloth], size=SMALL.still)["front"]

    def worn(name, color, wider):
        material = type(cloth.material)(name, (*color, 0.5), 0.9, double_sided=True)
        at = cloth.vertices * np.float32([wider, 1, wider])
        return type(cloth)(**{**cloth.__dict__, "name": name, "vertices": at, "normals": None, "material": material})

    red, blue = (0.5, 0.02, 0.02), (0.02, 0.02, 0.5)
    middle = (slice(95, 125), slice(70, 80))
    pictures = []
    for inner, outer in ((red, blue), (blue, red)):
        layers = [worn("outer", outer, 1.15), worn("inner", inner, 1.0)]
        here, there = (
            render_view([body, *order], camera, quality=SMALL).rgb[middle].mean((0, 1))
            for order in (layers, layers[::-1])
        )
        assert here == pytest.approx(there, rel=0.1)  # whatever the order in which they are given
        pictures.append(here)
    assert pictures[0][2] > 1.3 * pictures[1][2] and pictures[1][0] > 1.3 * pictures[0][0]  # the outer one prevails


def test_satin_mirrors_the_softboxes_and_matte_cloth_does_not(opengl, body, cloth):
    camera = standard_cameras([body, cloth], size=SMALL.still)["front"]
    shown = []
    for weave, roughness in (("satin", 0.3), ("plain", 0.95)):
        material = type(cloth.material)("x", (0.1, 0.1, 0.1, 1.0), roughness, double_sided=True, weave=weave)
        seen = render_view([body, type(cloth)(**{**cloth.__dict__, "material": material})], camera, quality=SMALL)
        shown.append(seen.rgb[seen.material_id == 1].mean(1))
    satin, matte = (np.percentile(light, 95) / np.median(light) for light in shown)
    assert satin > 1.25 > 1.15 > matte


def test_transparent_backdrop(opengl, body, cloth):
    camera = standard_cameras([body, cloth], size=SMALL.still)["front"]
    with Preview([body, cloth], quality=SMALL, backdrop="none") as scene:
        picture = scene.picture(camera)
    assert picture.shape == (200, 150, 4)
    assert picture[0, 0, 3] == 0 and picture[110, 75, 3] == 255


def test_turntable_turns_and_comes_round(opengl, body, cloth):
    steps = []
    frames = turntable([body, cloth], 4, quality=SMALL, mode="strain", progress=lambda share, what: steps.append(share))
    assert len(frames) == 4 and frames[0].shape == (120, 90, 3) and steps[-1] == 1
    assert np.abs(frames[0].astype(int) - frames[2]).mean() > 0.5


def test_same_scene_same_picture(preview, front, opengl, body, cloth):
    again = render_view([body, cloth], front, quality=SMALL)
    assert np.array_equal(again.rgb, preview.view(front).rgb)


def test_without_opengl_there_is_a_clear_error(monkeypatch, body):
    import moderngl

    def missing(**_):
        raise Exception("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr(moderngl, "create_context", missing)
    with pytest.raises(JobError) as caught:
        Preview([body], quality=SMALL)
    assert caught.value.code == "render.no_opengl"
    assert "apt install" in caught.value.hint and "libEGL" in caught.value.message


def test_wrong_requests(opengl, preview, front, body):
    with pytest.raises(InputError, match="mode"):
        preview.view(front, mode="sketch")
    with pytest.raises(InputError, match="carries tension"):
        preview.view(front, mode="tension")
    with pytest.raises(InputError, match="quality"):
        Preview([body], quality="superb")
    with pytest.raises(InputError, match="backdrop"):
        Preview([body], backdrop="beach")
    with pytest.raises(InputError, match="nothing to show"):
        Preview([])
