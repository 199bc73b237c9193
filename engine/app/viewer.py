"""``toile view``: shows one GLB file in the browser, from this machine alone.

The server listens on the loopback address only and knows five paths, all held in memory, so that no request can reach
another file. The page's content security policy forbids any request to another host.
"""

from __future__ import annotations

import json
import threading
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

from engine.app.glb_info import describe_glb, read_glb
from engine.core.errors import InputError, JobError

__all__ = ["ViewerServer", "serve", "viewer_missing"]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",  # <model-viewer> brings a WebAssembly decoder along
        "style-src 'self' 'unsafe-inline'",  # <model-viewer> carries its style sheet inside its shadow tree
        "img-src 'self' blob: data:",
        "connect-src 'self' blob: data:",
        "worker-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
PAGE = {
    "/": ("viewer.html", "text/html"),
    "/viewer.css": ("viewer.css", "text/css"),
    "/viewer.js": ("viewer.js", "text/javascript"),
}


def viewer_missing() -> str:
    """Why the viewer cannot run here; '' if it can."""
    if _static("vendor/model-viewer.min.js").is_file():
        return ""
    return "the viewer's <model-viewer> element is not installed"


class ViewerServer:
    """Serves one GLB file on the loopback address until :meth:`close`; a context manager.

    Args:
        path: the GLB file, read once.
        port: 0 for any free one.
    """

    def __init__(self, path: str | Path, *, port: int = 0) -> None:
        data, document = read_glb(path)
        missing = viewer_missing()
        if missing:
            raise JobError("viewer.not_installed", missing, "run: npm ci --prefix web && npm run --prefix web bundle")
        about = json.dumps(describe_glb(path, document)).encode()
        files = {"/model.glb": ("model/gltf-binary", data), "/about.json": ("application/json", about)}
        for route, (name, kind) in PAGE.items():
            files[route] = (f"{kind}; charset=utf-8", _static(name).read_bytes())
        files["/model-viewer.min.js"] = (
            "text/javascript; charset=utf-8",
            _static("vendor/model-viewer.min.js").read_bytes(),
        )
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(files))
        except (OSError, OverflowError) as error:
            raise InputError(
                "viewer.port", f"port {port} cannot be used: {error}", "leave --port out to take a free one"
            ) from None
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread: threading.Thread | None = None

    def start(self) -> ViewerServer:
        """Serves in a thread of its own."""
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stops serving and frees the port."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> ViewerServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(
    path: str | Path, *, port: int = 0, open_browser: bool = False, on_ready: Callable[[str], None] | None = None
) -> None:
    """Shows a GLB file until the user interrupts (Ctrl-C).

    Args:
        on_ready: is told the page's address once the server listens.
    """
    with ViewerServer(path, port=port) as server:
        if on_ready:
            on_ready(server.url)
        if open_browser:
            webbrowser.open(server.url)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _static(name: str):
    return resources.files("engine.app") / "static" / name


def _handler(files: dict[str, tuple[str, bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "Toile"
        sys_version = ""

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the page is for one person on this machine."""

        def _answer(self, *, body: bool) -> None:
            # a foreign name in Host means that another site's page resolved its name to this machine
            host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
            kind, content = files.get(self.path.split("?", 1)[0], ("text/plain; charset=utf-8", b"not found\n"))
            status = 200 if content != b"not found\n" else 404
            if host not in ("127.0.0.1", "localhost"):
                status, kind, content = 403, "text/plain; charset=utf-8", b"forbidden\n"
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(content)),
                "Content-Security-Policy": POLICY,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-store",
                "Cross-Origin-Resource-Policy": "same-origin",
            }.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

    return Handler
