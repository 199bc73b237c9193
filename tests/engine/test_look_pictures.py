"""Pictures of a saved look for the browser."""

import http.client
import io
import json
import os
import shutil
import urllib.parse
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from small_scene import capsule_body, folded_skirt

from engine import look
from engine.app.look_pictures import Glance, LookServer
from engine.core.errors import InputError, JobError

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FILES = (look.BODY, look.GARMENT, look.DRAPE)


def test_a_folder_without_a_look_is_refused(tmp_path):  # first: the server's looks are put in place of saved ones
    with pytest.raises(InputError, match="body.npz"):
        LookServer(tmp_path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder whose look is what is put into the dictionary beside it."""
    folder = tmp_path_factory.mktemp("looks") / "green_skirt"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(b"1")
    return folder, {"meshes": [capsule_body(), folded_skirt()]}


@pytest.fixture(scope="module")
def server(saved):
    folder, held = saved
    with pytest.MonkeyPatch.context() as patch:
        worn = SimpleNamespace(parts=(), name="skirt_straight", fabrics=(SimpleNamespace(label="Wool suiting"),))
        patch.setattr(look, "load_look", lambda _: SimpleNamespace(garment=worn))
        patch.setattr(look, "scene", lambda _: held["meshes"])
        try:
            running = LookServer(folder)
        except JobError as error:
            pytest.skip(str(error))
        with running:
            yield running


def ask(server, path, **query):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.getheader("Content-Type"), body


def picture(server, **query) -> np.ndarray:
    status, kind, body = ask(server, "/picture.jpg", width=120, height=160, **query)
    assert status == 200 and kind == "image/jpeg", body
    return np.asarray(Image.open(io.BytesIO(body))).astype(int)


def skirt(image: np.ndarray) -> np.ndarray:
    return image[..., 2] - image[..., 0] > 25


def test_pictures_turn_zoom_and_shift(server):
    whole = picture(server, azimuth=0)
    assert whole.shape == (160, 120, 3) and skirt(whole).sum() > 100
    assert np.abs(picture(server, azimuth=60) - whole).mean() > 1
    near = picture(server, azimuth=0, zoom=2)
    assert skirt(near).sum() > 2.5 * skirt(whole).sum()
    rows = np.nonzero(skirt(whole))[0].mean(), np.nonzero(skirt(picture(server, azimuth=0, y=0.1)))[0].mean()
    assert rows[0] - rows[1] == pytest.approx(16, abs=1.5)  # what is in the middle is further below: all moves up


def test_pictures_at_rest_are_those_that_move_but_finer(server):
    rest, quick = picture(server, azimuth=20), picture(server, azimuth=20, moving=1)
    assert 0.05 < np.abs(rest - quick).mean() < 6


def test_maps_are_shown_if_there_are_any(server):
    state = json.loads(ask(server, "/state.json")[2])
    assert state["modes"] == ["beauty", "wireframe", "strain", "pressure"] and state["title"] == "green_skirt"
    assert state["cloth"] == ["skirt straight in wool suiting"]
    assert np.abs(picture(server, mode="strain") - picture(server)).mean() > 1


@pytest.mark.parametrize("query", [{"zoom": "nan"}, {"width": 1e9}, {"elevation": "up"}, {"zoom": 0}])
def test_what_cannot_be_drawn_is_refused(query):
    with pytest.raises(InputError, match=next(iter(query))):
        Glance.asked(query)


def test_refusals_reach_the_page(server):
    for query in ({"mode": "x"}, {"mode": "tension"}, {"azimuth": "e"}):
        status, _, body = ask(server, "/picture.jpg", **query)
        assert status == 400 and json.loads(body)["message"]
    assert ask(server, "/drape.npz")[0] == 404


def test_a_drape_saved_again_is_shown(server, saved):
    folder, held = saved
    before = picture(server, azimuth=0)
    version = json.loads(ask(server, "/state.json")[2])["version"]
    held["meshes"] = held["meshes"][:1]
    os.utime(folder / look.DRAPE, ns=(0, 5_000_000))
    seen = [json.loads(ask(server, "/state.json")[2])["version"] for _ in range(3)]
    assert seen == [version, version + 1, version + 1]  # not before its files stay as they are
    assert skirt(before).any() and not skirt(picture(server, azimuth=0)).any()
    held["meshes"] = []
    os.utime(folder / look.DRAPE, ns=(0, 6_000_000))
    faults = [json.loads(ask(server, "/state.json")[2])["fault"] for _ in range(2)]
    assert not faults[0] and "nothing to show" in faults[1]
    assert picture(server).shape == (160, 120, 3)  # the last good one stays
    held["meshes"] = [capsule_body(), folded_skirt()]
    os.utime(folder / look.DRAPE, ns=(0, 7_000_000))
    assert not [json.loads(ask(server, "/state.json")[2])["fault"] for _ in range(2)][1]


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_browser_turns_the_look_and_rests(server):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 640, "height": 360})
        page.set_default_timeout(120_000)
        asked, faults = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(server.url)
        page.wait_for_selector("body[data-state=ready]")
        assert page.text_content("#title") == "green_skirt" and page.locator("#mode option").count() == 4

        def shown() -> np.ndarray:
            page.wait_for_timeout(300)
            page.wait_for_selector("body[data-state=ready]")
            return np.asarray(Image.open(io.BytesIO(page.locator("#picture").screenshot())).convert("RGB")).astype(int)

        first = shown()
        box = page.locator("#picture").bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        with page.expect_response(lambda answer: "azimuth=30&" not in answer.url and "moving=0" in answer.url):
            page.mouse.move(box["x"] + 200, box["y"] + 110, steps=4)
            page.mouse.up()
        assert any("moving=1" in url for url in asked) and np.abs(shown() - first).mean() > 0.5
        with page.expect_response(lambda answer: "mode=strain" in answer.url):
            page.select_option("#mode", "strain")
        with page.expect_response(lambda answer: "zoom=1.19" in answer.url and "moving=0" in answer.url):
            page.click("#zoom-in")
        browser.close()
    assert not faults and all(url.startswith((server.url, f"blob:{server.url}", "data:")) for url in asked)
