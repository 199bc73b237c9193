"""``toile view FOLDER``: a saved look in the studio's light, drawn as one turns it, and anew when it is draped again.

For fabrics, weaves and light as in the pictures, on machines without a graphics card too: the page asks for one picture
after another, a quick one while something moves and a fine one when it rests.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine import look
from engine.app.local_server import Content, LocalServer, show_until_stopped, static_pages
from engine.core.errors import InputError, ToileError
from engine.core.types import Camera, SceneMesh
from engine.watch import Stamp, stamps
from render import heatmap
from render.camera import orbit_camera
from render.preview import MODES, Preview

__all__ = ["Glance", "LookPictures", "LookServer", "serve_look"]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = {
    "/": ("look.html", "text/html"),
    "/viewer.css": ("viewer.css", "text/css"),
    "/look.js": ("look.js", "text/javascript"),
}
JPEG_QUALITY = 88
#: what a request may ask for: least, most, and what it gets if it says nothing
RANGES = {
    "azimuth": (-1e6, 1e6, 30.0), "elevation": (-60.0, 85.0, 4.0), "zoom": (0.5, 80.0, 1.0), "x": (-2.0, 2.0, 0.0),
    "y": (-2.0, 2.0, 0.0), "width": (16.0, 2048.0, 768.0), "height": (16.0, 2048.0, 1024.0), "moving": (0.0, 1.0, 0.0),
}  # fmt: skip


@dataclass(frozen=True)
class Glance:
    """How a look is looked at."""

    azimuth: float  #: from the front towards the wearer's left [degrees]
    elevation: float  #: above the horizontal [degrees]
    zoom: float  #: 1 shows the whole figure
    x: float  #: middle of the picture, right of the figure's, in heights of the whole picture
    y: float  #: and below it
    size: tuple[int, int]  #: width and height [px]
    mode: str
    moving: bool  #: one of many that go by: quick

    @classmethod
    def asked(cls, query: Mapping[str, Any]) -> Glance:
        """What a request's query asks for.

        Raises:
            InputError: ``view.query``.
        """
        values = {}
        for name, (low, high, usual) in RANGES.items():
            try:
                value = float(query.get(name, usual))
            except (TypeError, ValueError):
                value = math.nan
            if not low <= value <= high:
                raise InputError("view.query", f"{name} is not between {low:g} and {high:g}", "leave it out")
            values[name] = value
        size = (int(values.pop("width")), int(values.pop("height")))
        moving = values.pop("moving") > 0
        return cls(**values, size=size, mode=str(query.get("mode", "beauty")), moving=moving)

    def camera(self, meshes: list[SceneMesh]) -> Camera:
        """The camera that sees it so."""
        whole = orbit_camera(
            meshes, math.radians(self.azimuth), size=self.size, elevation=math.radians(self.elevation)
        )
        k, (width, height) = np.array(whole.K), self.size
        k[0, 0] *= self.zoom
        k[1, 1] *= self.zoom
        k[:2, 2] = width / 2 - self.x * height * self.zoom, height / 2 - self.y * height * self.zoom
        return Camera(k, whole.world_to_camera, whole.size)


class LookPictures:
    """Pictures of the look in a folder, drawn by one thread, as OpenGL demands; to be closed.

    Raises:
        InputError: there is no saved drape.
        JobError: ``render.no_opengl``.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.version, self.fault = 0, ""
        self._files = [self.folder / name for name in (look.BODY, look.GARMENT, look.DRAPE)]
        self._shown: list[Stamp] = stamps(self._files)
        self._seen = self._shown
        self._preview: Preview | None = None
        self._cloth: list[str] = []
        self._thread = ThreadPoolExecutor(1)
        try:
            self._thread.submit(self._load).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def close(self) -> None:
        """Gives everything back."""
        if self._preview is not None:
            self._thread.submit(self._preview.close).result()
        self._thread.shutdown()

    def state(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """What there is to see; a drape that was saved since is shown, once its files stay as they are."""
        now = stamps(self._files)
        if now != self._shown and now == self._seen and None not in now:
            self._shown = now
            try:
                self._thread.submit(self._load).result()
                self.fault = ""
            except ToileError as error:
                self.fault = f"{error.message}. {error.hint}."
        self._seen = now
        meshes = self._preview.meshes
        modes = [m for m in MODES if m not in heatmap.MAP_STYLES or any(m in mesh.maps for mesh in meshes)]
        title = self.folder.resolve().name
        return {"version": self.version, "title": title, "cloth": self._cloth, "modes": modes, "fault": self.fault}

    def picture(self, query: Mapping[str, Any]) -> Content:
        """The picture asked for, as JPEG."""
        from PIL import Image

        glance = Glance.asked(query)
        drawn = self._thread.submit(self._draw, glance).result()
        stream = io.BytesIO()
        Image.fromarray(drawn).save(stream, format="JPEG", quality=JPEG_QUALITY)
        return Content("image/jpeg", stream.getvalue())

    def _draw(self, glance: Glance) -> np.ndarray:
        meshes = list(self._preview.meshes)
        return self._preview.picture(glance.camera(meshes), mode=glance.mode, moving=glance.moving)

    def _load(self) -> None:
        shown = look.load_look(self.folder)
        preview = Preview(look.scene(shown), quality="live")
        if self._preview is not None:
            self._preview.close()
        garment = shown.garment
        worn = [part.name for part in garment.parts] or [f"{garment.name} in {garment.fabrics[0].label.lower()}"]
        self._preview, self._cloth = preview, [name.replace("_", " ") for name in worn]
        self.version += 1


class LookServer(LocalServer):
    """Serves the page and the pictures on the loopback address; a context manager.

    Args:
        folder: of a saved look.
        port: 0 for any free one.
    """

    def __init__(self, folder: str | Path, *, port: int = 0) -> None:
        self.pictures = LookPictures(folder)
        answers = {"/state.json": self.pictures.state, "/picture.jpg": self.pictures.picture}
        try:
            super().__init__(static_pages(PAGE), answers, policy=POLICY, port=port)
        except BaseException:
            self.pictures.close()
            raise

    def close(self) -> None:
        """Stops serving, frees the port and the pictures."""
        super().close()
        self.pictures.close()


def serve_look(
    folder: str | Path, *, port: int = 0, open_browser: bool = False, on_ready: Callable[[str], None] | None = None
) -> None:
    """Shows a saved look until the user interrupts (Ctrl-C).

    Args:
        on_ready: is told the page's address once the server listens.
    """
    server = LookServer(folder, port=port)
    show_until_stopped(server, open_browser=open_browser, on_ready=on_ready or (lambda url: None))
