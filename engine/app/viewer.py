"""``toile view``: shows one GLB file in the browser, from this machine alone.

The server listens on the loopback address only and knows five paths, all held in memory, so that no request can reach
another file. The page's content security policy forbids any request to another host.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from engine.app.glb_info import describe_glb, read_glb
from engine.app.local_server import LocalServer, show_until_stopped, static_pages
from engine.core.errors import JobError

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
ELEMENT = "vendor/model-viewer.min.js"
PAGE = {
    "/": ("viewer.html", "text/html"),
    "/viewer.css": ("viewer.css", "text/css"),
    "/viewer.js": ("viewer.js", "text/javascript"),
    "/model-viewer.min.js": (ELEMENT, "text/javascript"),
}


def viewer_missing() -> str:
    """Why the viewer cannot run here; '' if it can."""
    if (resources.files("engine.app") / "static" / ELEMENT).is_file():
        return ""
    return "the viewer's <model-viewer> element is not installed"


class ViewerServer(LocalServer):
    """Serves one GLB file on the loopback address; a context manager.

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
        made = {"/model.glb": ("model/gltf-binary", data), "/about.json": ("application/json", about)}
        super().__init__(made | static_pages(PAGE), policy=POLICY, port=port)


def serve(
    path: str | Path, *, port: int = 0, open_browser: bool = False, on_ready: Callable[[str], None] | None = None
) -> None:
    """Shows a GLB file until the user interrupts (Ctrl-C).

    Args:
        on_ready: is told the page's address once the server listens.
    """
    server = ViewerServer(path, port=port)
    show_until_stopped(server, open_browser=open_browser, on_ready=on_ready or (lambda url: None))
