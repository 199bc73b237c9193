"""A web server on the loopback address: pages held in memory, answers as JSON, nothing from or to other hosts."""

from __future__ import annotations

import json
import threading
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from engine.core.errors import InputError, ToileError

__all__ = ["Content", "LocalServer", "show_until_stopped", "static_pages"]

MAX_BODY = 20_000
#: Pages of other sites cannot send this header without asking, and they are never allowed.
TOKEN = "X-Toile"
Answer = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Content:
    """An answer that is not JSON."""

    kind: str  #: as in Content-Type
    data: bytes


def static_pages(page: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, bytes]]:
    """What a LocalServer serves of the package's own files: path to (file, content type)."""
    static = resources.files("engine.app") / "static"
    return {route: (f"{kind}; charset=utf-8", (static / name).read_bytes()) for route, (name, kind) in page.items()}


class LocalServer:
    """Serves until :meth:`close`; a context manager.

    Args:
        pages: Path to (content type, content).
        get, post: Path to a function of the query or of the JSON object sent; what it returns is sent as JSON,
            Content as it is, and a ToileError as its message with status 400. Requests are answered one at a time,
            each in a thread of its own.
        policy: The Content-Security-Policy.
        port: 0 for any free one.
    """

    def __init__(
        self, pages: Mapping[str, tuple[str, bytes]], get: Mapping[str, Answer] | None = None,
        post: Mapping[str, Answer] | None = None, *, policy: str, port: int = 0,
    ) -> None:  # fmt: skip
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(pages, get or {}, post or {}, policy))
        except (OSError, OverflowError) as error:
            hint = "leave --port out to take a free one"
            raise InputError("server.port", f"port {port} cannot be used: {error}", hint) from None
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LocalServer:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops serving and frees the port."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def show_until_stopped(server: LocalServer, *, open_browser: bool, on_ready: Callable[[str], None]) -> None:
    """Serves until the user interrupts (Ctrl-C)."""
    with server:
        on_ready(server.url)
        if open_browser:
            webbrowser.open(server.url)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _handler(
    pages: Mapping[str, tuple[str, bytes]], get: Mapping[str, Answer], post: Mapping[str, Answer], policy: str
) -> type[BaseHTTPRequestHandler]:
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "Toile"
        sys_version = ""
        timeout = 10

        def do_GET(self) -> None:
            if not self._is_ours():
                return
            path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
            if path in pages:
                self._send(200, *pages[path])
            else:
                self._answer(get.get(path), query)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            if not post:
                return self.send_error(501)
            if not self._is_ours():
                return
            try:
                size = int(self.headers.get("Content-Length") or -1)
            except ValueError:
                size = -1
            if not 0 <= size <= MAX_BODY or self.headers.get(TOKEN) is None:
                self.close_connection = True
                return self._json(403, {"message": "refused"})
            try:
                sent = json.loads(self.rfile.read(size))
            except ValueError:
                sent = None
            if not isinstance(sent, dict):
                return self._json(400, {"message": "send a JSON object"})
            self._answer(post.get(urlsplit(self.path).path), sent)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the page is for one person on this machine."""

        def _is_ours(self) -> bool:
            # a foreign name in Host means that another site's page resolved its name to this machine
            host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
            if host in ("127.0.0.1", "localhost"):
                return True
            self.close_connection = True
            self._json(403, {"message": "forbidden"})
            return False

        def _answer(self, function: Answer | None, value: dict[str, Any]) -> None:
            if function is None:
                return self._json(404, {"message": "not found"})
            try:
                with one_at_a_time:
                    status, answer = 200, function(value)
            except ToileError as error:
                status, answer = 400, {"code": error.code, "message": error.message, "hint": error.hint}
            if isinstance(answer, Content):
                return self._send(status, answer.kind, answer.data)
            self._json(status, answer)

        def _json(self, status: int, value: Any) -> None:
            self._send(status, "application/json", json.dumps(value, allow_nan=False).encode())

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            for name, text in {
                "Content-Type": kind, "Content-Length": str(len(content)), "Content-Security-Policy": policy,
                "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
                "Cross-Origin-Resource-Policy": "same-origin",
            }.items():  # fmt: skip
                self.send_header(name, text)
            try:
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)
            except ConnectionError:  # the page was closed meanwhile
                self.close_connection = True

    return Handler
