"""The demo shop: its answers, what it refuses, and the page driven by keyboard in a real browser."""

import http.client
import json
import shutil
from argparse import Namespace

import pytest

from engine import demo_commands, recsys_commands
from engine.app.shop import Shop, shop_server
from engine.core.errors import InputError
from engine.shop_files import open_shop_log

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def args(tmp_path_factory):
    from recsys import demo, recommend

    with pytest.MonkeyPatch.context() as patch:
        fit = recommend.fit_hybrid
        patch.setattr(recommend, "fit_hybrid", lambda *a, **k: fit(*a, **k, names=["popularity", "content"]))
        for name, value in {"USERS": 80, "ITEMS": 60, "PURCHASES": 700, "TRIED": 300}.items():
            patch.setattr(demo, name, value)
        out = tmp_path_factory.mktemp("demo")
        args = Namespace(out=str(out), log=None, key_file=None, json=True, seed=0)
        demo_commands.make_demo(args, recsys_commands.train)
        stamp = (out / "model.npz").stat().st_mtime_ns
        demo_commands.make_demo(args, recsys_commands.train)
    assert (out / "model.npz").stat().st_mtime_ns == stamp  # a shop that is there is not made again
    return args


@pytest.fixture(scope="module")
def shop(args):
    return Shop(args, kind="linucb", visitors=["simulated-user-00001"], simulated=True)


@pytest.fixture(scope="module")
def server(shop):
    with shop_server(shop) as running:
        yield running


def ask(server, method, path, value=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = None if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def tell(server, path, value):
    answer, content = ask(server, "POST", path, value, X_Toile="1")
    return answer.status, json.loads(content)


def test_everything_in_it_is_said_to_be_simulated(args, shop):
    assert shop.about({})["simulated"] and all(i.startswith("simulated-") for i in shop.catalogue.ids)
    log = open_shop_log(args)
    assert log.pseudonym("simulated-user-00001") in log.read()[0].users
    log.close()


def test_a_visit(args, shop):
    first = shop.home({"user": "vera"})
    assert first["known_items"] == 0 and len(first["items"]) == 12 and all(i["reason"] for i in first["items"])
    item = first["items"][0]["item"]
    page = shop.item({"user": "vera", "item": item})
    odds = [s["tight"] + s["right"] + s["loose"] for s in page["size"]["sizes"]]
    assert odds == pytest.approx([1] * len(odds), abs=0.003) and sum(s["best"] for s in page["size"]["sizes"]) == 1
    assert not page["known_body"] and "mean customer" in page["size"]["advice"]
    assert len(page["alike"]) == 6 and all(o["reasons"] for o in page["outfits"])
    size = page["size"]["best"]
    before = shop.learnt({})["decisions"]
    for event in ("view", "buy", "view"):
        shop.event({"user": "vera", "item": item, "event": event, "size": size, "decision": first["decision"]})
    learnt = shop.learnt({})
    assert learnt["decisions"] == before + 1 and learnt["mean_reward"] > 0.1
    assert shop.home({"user": "vera"})["known_items"] == 1
    assert shop.body({"user": "vera", "bust_girth": 118, "waist_girth": 108, "hip_girth": 124}) == {"kept": 3}
    wide = shop.item({"user": "vera", "item": item})
    assert wide["known_body"] and int(wide["size"]["best"]) > 42
    for _ in range(3):
        shop.event({"user": "vera", "item": item, "event": "fit", "value": "tight", "size": wide["size"]["best"]})
    after = shop.item({"user": "vera", "item": item})["size"]

    def tightness(size):
        return next(s["tight"] for s in size["sizes"] if s["size"] == wide["size"]["best"])

    assert tightness(after) > tightness(wide["size"])
    assert shop.forget({"user": "vera"})["removed"] >= 8
    gone = shop.home({"user": "vera"})
    assert gone["known_items"] == 0 and not shop.item({"user": "vera", "item": item})["known_body"]


@pytest.mark.parametrize(
    ("call", "value", "word"),
    [("home", {}, "nobody"), ("home", {"user": "x" * 81}, "characters"), ("item", {"user": "a", "item": "no"}, "no"),
     ("event", {"user": "a", "item": None, "event": "buy"}, "not in the shop"),
     ("body", {"user": "a"}, "no measurement"),
     ("body", {"user": "a", "waist_girth": 9}, "waist"), ("body", {"user": "a", "waist_girth": "wide"}, "number")],
)  # fmt: skip
def test_wrong_requests_are_named(shop, call, value, word):
    with pytest.raises(InputError) as caught:
        getattr(shop, call)(value)
    assert word in str(caught.value)


def test_only_this_page_is_served_and_only_to_this_machine(server):
    assert server.url.startswith("http://127.0.0.1:")
    answer, page = ask(server, "GET", "/")
    assert answer.status == 200 and b"http://" not in page and b"https://" not in page
    policy = answer.getheader("Content-Security-Policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for path in ("/../shop.py", "/static/shop.js", "/api/none", "//etc/passwd", "/viewer.html"):
        assert ask(server, "GET", path)[0].status == 404
    assert ask(server, "GET", "/", Host="evil.example:80")[0].status == 403
    event = {"user": "a", "item": "b", "event": "buy"}
    assert ask(server, "POST", "/api/event", event)[0].status == 403  # another site's form has no such header
    assert ask(server, "POST", "/api/event", b"x" * 30_000, X_Toile="1")[0].status == 403
    assert ask(server, "POST", "/api/event", b"[1]", X_Toile="1")[0].status == 400
    status, value = tell(server, "/api/event", event)
    assert status == 400 and "not in the shop" in value["message"] and value["hint"]


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_by_keyboard(server, args):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        wrong, foreign = [], []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("request", lambda r: foreign.append(r.url) if not r.url.startswith(server.url) else None)
        page.goto(server.url)
        page.wait_for_selector("body[data-state=ready]")
        assert page.locator("#items .card").count() == 12 and page.locator("#simulated").is_visible()
        assert page.locator("#items svg[role=img]").count() == 12
        page.fill("#user", "keyboard-kim")
        page.keyboard.press("Tab")
        page.locator("#items .picture").first.focus()  # whether or not the new visitor's cards are there yet
        page.wait_for_selector("body[data-user=keyboard-kim]")
        assert page.inner_text("#greeting") == "Welcome"
        page.wait_for_selector("#items .picture:focus, #items:focus")
        page.locator("#items .picture").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#sheet[open]")
        page.wait_for_selector("#buy:focus")
        page.locator("#sizes [aria-checked=true]").focus()
        was = page.locator("#buy").inner_text()
        page.keyboard.press("ArrowRight")
        now = page.locator("#buy").inner_text()
        assert was != now and page.locator("#sizes [aria-checked=true]").count() == 1
        page.locator("#buy").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#sheet-status:has-text('Bought')")
        page.keyboard.press("Escape")
        page.wait_for_selector("#greeting:text-is('For you')")
        page.locator("#items .card .buttons button").first.press("Enter")
        page.wait_for_selector("#status:has-text('You like')")
        browser.close()
    assert not wrong and not foreign
    log = open_shop_log(args)
    events, _ = log.read(user="keyboard-kim")
    log.close()
    assert len(events) == 3 and now == f"Buy size {events.size[1]}"
