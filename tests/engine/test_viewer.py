import http.client
import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from small_scene import capsule_body, folded_skirt

from engine.app.viewer import ViewerServer, viewer_missing
from engine.core.errors import InputError, UnsupportedError
from engine.export.gltf import write_glb

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_bundle = pytest.mark.skipif(bool(viewer_missing()), reason=viewer_missing())


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    path = tmp_path_factory.mktemp("viewer") / "look.glb"
    info = {
        "title": "Twill skirt",
        "subtitle": "A test of the viewer",
        "fabric": "Denim",
        "body": {"hip_girth_cm": 98.25},
    }
    return write_glb(path, [replace(capsule_body(), uv=None), folded_skirt()], info=info)


@pytest.fixture(scope="module")
def server(look):
    with ViewerServer(look) as running:
        yield running


def ask(server, path, *, method="GET", host=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, path, skip_host=host is not None)
    if host is not None:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@needs_bundle
def test_serves_the_page_and_the_file_and_nothing_else(server, look):
    assert server.url.startswith("http://127.0.0.1:")
    answer, body = ask(server, "/model.glb")
    assert answer.status == 200 and body == look.read_bytes()
    assert b"model-viewer" in ask(server, "/")[1]
    for path in (
        "/look.glb",
        "/../viewer.py",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/static/viewer.js",
        "//etc/passwd",
        "/..\\..\\a",
        "/vendor/",
    ):
        assert ask(server, path)[0].status == 404
    assert ask(server, "/", method="POST")[0].status == 501
    assert ask(server, "/", host="evil.example:80")[0].status == 403  # another site's name for this machine
    answer, body = ask(server, "/model.glb", method="HEAD")
    assert answer.status == 200 and body == b"" and int(answer.getheader("Content-Length")) == look.stat().st_size


@needs_bundle
def test_content_policy_forbids_other_hosts(server):
    policy = dict(p.split(" ", 1) for p in ask(server, "/")[0].getheader("Content-Security-Policy").split("; "))
    assert policy["default-src"] == "'none'"
    assert not any("http" in sources or "*" in sources for sources in policy.values())
    page = b"".join(ask(server, p)[1] for p in ("/", "/viewer.css", "/viewer.js"))
    assert b"http://" not in page and b"https://" not in page


@needs_bundle
def test_tells_the_page_about_the_file(server):
    about = json.loads(ask(server, "/about.json")[1])
    assert about["title"] == "Twill skirt" and about["variants"] == ["beauty", "strain", "pressure"]
    assert about["maps"]["strain"]["low"] == -10 and len(about["maps"]["strain"]["colors"]) > 8
    facts = {g["title"]: dict(map(tuple, g["rows"])) for g in about["facts"]}
    assert facts["Look"]["Fabric"] == "Denim" and facts["Body"]["Hip girth [cm]"] == "98.25"
    assert set(facts["Parts"]) == {"Body", "Garment"}


def _glb(document: bytes) -> bytes:
    text = document + b" " * (-len(document) % 4)
    head = (20 + len(text)).to_bytes(4, "little") + len(text).to_bytes(4, "little") + b"JSON"
    return b"glTF\x02\0\0\0" + head + text


@pytest.mark.parametrize(
    "content, code",
    [
        (None, "file.missing"),
        (b"", "file.empty"),
        (b"solid cube\n" * 9, "glb.magic"),
        (b"glTF\x01\0\0\0" + b"\0" * 40, "glb.version"),
        (_glb(b'{"meshes":[{}]}')[:-4], "glb.cut"),
        (_glb(b"{no json"), "glb.json"),
        (_glb(b"[]"), "glb.empty"),
        (_glb(b'{"meshes":[]}'), "glb.empty"),
        (_glb(b'{"meshes":[{}],"extensionsRequired":["KHR_draco_mesh_compression"]}'), "glb.compressed"),
    ],
)
def test_broken_files_get_a_clear_error(tmp_path, content, code):
    path = tmp_path / "broken.glb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        ViewerServer(path)
    assert caught.value.code == code and caught.value.exit_code == 2
    assert "broken.glb" in caught.value.message and caught.value.hint
    assert isinstance(caught.value, UnsupportedError) == (code == "glb.compressed")


@needs_bundle
@pytest.mark.parametrize(
    "document",
    [
        b'{"meshes":[{}],"scene":7,"scenes":[{"nodes":[99,"x"]}],"nodes":3}',
        b'{"meshes":[{"primitives":[{"indices":-1},5]}],"accessors":[{"count":"many"}],"scenes":[7]}',
        b'{"meshes":[4],"extensions":{"KHR_materials_variants":{"variants":[null]}},"scenes":[{"extras":{"maps":{"":1}}}]}',
    ],
)
def test_odd_but_whole_files_are_served(tmp_path, document):
    (tmp_path / "odd.glb").write_bytes(_glb(document))
    with ViewerServer(tmp_path / "odd.glb") as server:
        assert json.loads(ask(server, "/about.json")[1])["title"] == "odd"


@needs_bundle
def test_a_taken_port_is_named(server, look):
    with pytest.raises(InputError, match=str(server.port)):
        ViewerServer(look, port=server.port)


@needs_bundle
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_browser_shows_turns_and_colours_the_look(server, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"],
        )
        page = browser.new_page(viewport={"width": 800, "height": 480})
        page.set_default_timeout(180_000)  # software WebGL on a busy machine
        requests, faults = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(server.url)
        page.wait_for_selector("body[data-state=ready]")

        def settled(name: str) -> np.ndarray:
            """The canvas once two looks at it are the same."""
            before = None
            for _ in range(40):
                page.wait_for_timeout(250)
                shot = page.locator("#viewer").screenshot()
                now = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
                if before is not None and np.abs(now - before).mean() < 0.02:
                    break
                before = now
            (tmp_path / f"{name}.png").write_bytes(shot)
            return now

        plain = settled("plain")
        middle = plain[60:-60, 120:-120]
        assert middle.std() > 10  # not blank
        assert ((middle[..., 2] - middle[..., 0]) > 25).mean() > 0.02  # the blue skirt is there
        page.keyboard.press("s")
        strain = settled("strain")
        assert page.get_attribute("body", "data-variant") == "strain" and page.locator("#legend").is_visible()
        assert (np.abs(strain - plain).max(-1) > 30).mean() > 0.02
        assert ((strain[..., 0] - strain[..., 2]) > 40).mean() > 0.002  # stretched cloth is red
        page.click("#turn-left")
        page.click("#turn-left")
        turned = settled("turned")
        assert (np.abs(turned - strain).max(-1) > 20).mean() > 0.01
        page.click("#map-strain")
        page.click("#reset")
        back = settled("back")
        assert np.abs(back - plain)[40:].mean() < 1.0  # below the loading bar
        assert not page.locator("#legend").is_visible()
        page.select_option("#variant", "pressure")
        assert (np.abs(settled("pressure") - back).max(-1) > 30).mean() > 0.02
        browser.close()
    assert not faults
    outside = [url for url in requests if not url.startswith((server.url, f"blob:{server.url}", "data:"))]
    assert not outside
