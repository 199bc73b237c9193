"""Product pictures of dressed bodies with headless OpenGL: stills, strain and pressure maps, turntables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import InputError
from engine.core.types import Camera, ImageBuffers, SceneMesh
from render import heatmap
from render.camera import resized, standard_cameras, turntable_cameras
from render.develop import develop, write_png, write_webp
from render.gpu_scene import GpuScene
from render.opengl import create_context
from render.studio import Studio, camera_azimuth

__all__ = [
    "PREVIEW_QUALITY",
    "Preview",
    "PreviewQuality",
    "render_view",
    "standard_cameras",
    "turntable",
    "vertex_openness",
    "write_png",
    "write_webp",
]

MODES = ("beauty", *heatmap.MAP_STYLES)


@dataclass(frozen=True)
class PreviewQuality:
    """What pictures may cost. Sizes are (width, height) [px]."""

    still: tuple[int, int]
    turntable: tuple[int, int]
    frames: int
    supersample: float  #: pixels drawn per pixel kept along each axis, besides four-fold multisampling
    bake_directions: int
    shadow_size: int
    shadow_taps: int


PREVIEW_QUALITY = {
    "draft": PreviewQuality((600, 800), (360, 480), 24, 2.0, 96, 1024, 8),
    "standard": PreviewQuality((900, 1200), (480, 640), 36, 2.0, 160, 2048, 12),
    "fine": PreviewQuality((1500, 2000), (720, 960), 48, 2.0, 320, 4096, 24),
}


class Preview:
    """A scene in a photo studio whose lights and backdrop turn with the camera, as if the subject turned.

    How much sky each vertex sees is baked once, after which a picture costs two shadow maps and one pass. Use it as a
    context manager, or call :meth:`close`; one thread only.

    Args:
        meshes: what to show; double-sided ones are cloth, the others skin.
        quality: a name of ``PREVIEW_QUALITY`` or figures of one's own.
        backdrop: ``studio`` for the cyclorama, ``none`` for a transparent background.

    Raises:
        JobError: ``render.no_opengl`` where no OpenGL exists; the caller can go on without pictures.
    """

    def __init__(
        self,
        meshes: Sequence[SceneMesh],
        *,
        quality: str | PreviewQuality = "standard",
        backdrop: str = "studio",
        studio: Studio | None = None,
    ) -> None:
        if backdrop not in ("studio", "none"):
            raise InputError("render.backdrop", f"no backdrop is called '{backdrop}'", "choose studio or none")
        if isinstance(quality, str) and quality not in PREVIEW_QUALITY:
            raise InputError(
                "render.quality", f"no quality is called '{quality}'", f"choose {', '.join(PREVIEW_QUALITY)}"
            )
        shown = [m for m in meshes if len(m.faces)]
        if not shown:
            raise InputError(
                "render.empty", "there is nothing to show: all meshes are empty", "drape the garment first"
            )
        self.meshes, self.backdrop = tuple(shown), backdrop
        self.quality = q = PREVIEW_QUALITY[quality] if isinstance(quality, str) else quality
        self._context = create_context()
        try:
            with self._context:
                self._scene = GpuScene(
                    self._context,
                    shown,
                    studio or Studio(),
                    directions=q.bake_directions,
                    shadow_size=q.shadow_size,
                    shadow_taps=q.shadow_taps,
                )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Preview:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives back the OpenGL context and all that it holds."""
        self._context.release()

    def view(
        self,
        camera: Camera,
        *,
        size: tuple[int, int] | None = None,
        supersample: float | None = None,
        mode: str = "beauty",
        buffers: bool = True,
    ) -> ImageBuffers:
        """Draws one view.

        Args:
            size: (width, height) [px]; the camera's own if None.
            supersample: instead of the quality's.
            mode: ``beauty``, or a map (``strain``, ``pressure``) that colours the meshes that carry it.
            buffers: also fill depth, normal, albedo and material_id (else they are empty).
        """
        if mode not in MODES:
            raise InputError("render.mode", f"no picture mode is called '{mode}'", f"choose one of {', '.join(MODES)}")
        camera = camera if size is None else resized(camera, size)
        scale = self.quality.supersample if supersample is None else supersample
        large = tuple(max(1, round(n * scale)) for n in camera.size)
        empty = np.zeros((0, 0), np.float32)
        with self._context:  # another preview may have been current since
            self._scene.set_turn(camera_azimuth(camera))
            rgba = self._scene.draw(resized(camera, large), mode, backdrop=self.backdrop == "studio")
            extra = self._scene.draw_buffers(camera, mode) if buffers else (empty,) * 4
        if large != camera.size:
            import cv2

            rgba = cv2.resize(rgba, camera.size, interpolation=cv2.INTER_AREA)
        alpha, rgb = np.clip(rgba[..., 3], 0, 1), rgba[..., :3]
        if self.backdrop == "none":
            rgb = rgb / np.maximum(alpha, 1e-4)[..., None]
        return ImageBuffers(np.ascontiguousarray(rgb), alpha, *extra)

    def picture(self, camera: Camera, *, mode: str = "beauty", legend: bool = True, **options) -> np.ndarray:
        """The finished picture as sRGB uint8 [H, W, 3 or 4]; maps with their colour bar. Options as :meth:`view`."""
        image = develop(self.view(camera, mode=mode, buffers=False, **options), transparent=self.backdrop == "none")
        if mode in heatmap.MAP_STYLES and legend:
            image = heatmap.draw_legend(image[..., :3], mode, heatmap.shown_range(self.meshes, mode))
        return image

    def turntable(
        self,
        frames: int | None = None,
        *,
        size: tuple[int, int] | None = None,
        mode: str = "beauty",
        progress: Callable[[float, str], None] | None = None,
    ) -> list[np.ndarray]:
        """Pictures evenly around the subject, sRGB uint8 [H, W, 3] each."""
        cameras = turntable_cameras(self.meshes, frames or self.quality.frames, size=size or self.quality.turntable)
        pictures = []
        for i, camera in enumerate(cameras):
            pictures.append(self.picture(camera, mode=mode))
            if progress:
                progress((i + 1) / len(cameras), "turntable")
        return pictures


def render_view(
    meshes: Sequence[SceneMesh],
    camera: Camera,
    *,
    size: tuple[int, int] | None = None,
    supersample: float | None = None,
    mode: str = "beauty",
    backdrop: str = "studio",
    quality: str | PreviewQuality = "standard",
) -> ImageBuffers:
    """One view of a scene as linear buffers; for several views of one scene keep a :class:`Preview`."""
    with Preview(meshes, quality=quality, backdrop=backdrop) as preview:
        return preview.view(camera, size=size, supersample=supersample, mode=mode)


def vertex_openness(meshes: Sequence[SceneMesh], *, directions: int = 96) -> list[np.ndarray]:
    """Cosine-weighted share of the hemisphere over each vertex that no mesh blocks, 0..1, shape [V] per mesh.

    For cloth that of the side which sees more.

    Raises:
        JobError: ``render.no_opengl`` where no OpenGL exists.
    """
    quality = replace(PREVIEW_QUALITY["draft"], bake_directions=directions)
    with Preview(meshes, quality=quality) as preview:
        return [item.openness()[: len(mesh.vertices)] for item, mesh in zip(preview._scene.meshes, meshes, strict=True)]


def turntable(
    meshes: Sequence[SceneMesh],
    frames: int | None = None,
    *,
    size: tuple[int, int] | None = None,
    quality: str | PreviewQuality = "standard",
    mode: str = "beauty",
    progress: Callable[[float, str], None] | None = None,
) -> list[np.ndarray]:
    """Pictures evenly around a scene, sRGB uint8 [H, W, 3] each, ready for :func:`write_webp`."""
    with Preview(meshes, quality=quality) as preview:
        return preview.turntable(frames, size=size, mode=mode, progress=progress)
