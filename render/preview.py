"""Product pictures of dressed bodies with headless OpenGL: stills, strain and pressure maps, turntables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.errors import InputError
from engine.core.types import Camera, ImageBuffers, SceneMesh
from render import heatmap
from render.camera import PORTRAIT_FOV, resized, standard_cameras, turntable_cameras
from render.develop import write_png
from render.gpu_scene import GpuScene
from render.opengl import create_context
from render.studio import Studio, camera_azimuth

__all__ = [
    "MODES",
    "PREVIEW_QUALITY",
    "Preview",
    "PreviewQuality",
    "Sampling",
    "render_view",
    "standard_cameras",
    "turntable",
    "vertex_openness",
    "write_png",
]

#: as in a shop, the mesh's edges, and maps
MODES = ("beauty", "wireframe", *heatmap.MAP_STYLES)


@dataclass(frozen=True)
class Sampling:
    """What one picture may cost."""

    supersample: int  #: pixels drawn per pixel kept along each axis
    multisample: int  #: times that edges are sampled within each of those: 1 or 4
    shadow_taps: int  #: samples of a shadow within each of those
    shadow_size: int  #: of the lights' shadow maps [px]
    coarse_shadows: bool = False  #: cast by the meshes as they were before rounding


@dataclass(frozen=True)
class PreviewQuality:
    """What pictures may cost. Sizes are (width, height) [px]."""

    still: tuple[int, int]
    turntable: tuple[int, int]
    frames: int
    stills: Sampling
    moving: Sampling  #: of each frame of a turntable or an animation
    bake_directions: int
    rounded: bool = True  #: coarse cloth is given rounder triangles


MOST_SAMPLED = 24_000_000  #: pixels up to which edges are sampled several times; beyond, memory would run to gigabytes
MOST_TAPS = 32  #: samples of one shadow: compilers make loops of more, which are slower
MOVING = Sampling(2, 1, 12, 1024, coarse_shadows=True)  #: 50 pictures may go by in a glance
LIVE = Sampling(1, 1, 8, 1024)
MOVING_FINE = Sampling(2, 1, 12, 2048, coarse_shadows=True)
PREVIEW_QUALITY = {
    #: for looking around at once, on a processor too: nothing is rounded, nor smoothed as long as it moves
    "live": PreviewQuality((1024, 1024), (1024, 1024), 60, Sampling(2, 1, 12, 2048), LIVE, 64, rounded=False),
    "draft": PreviewQuality((600, 800), (360, 480), 24, Sampling(2, 4, 8, 1024), MOVING, 96),
    "standard": PreviewQuality((900, 1200), (480, 640), 60, Sampling(2, 4, 12, 2048), MOVING, 160),
    "fine": PreviewQuality((1500, 2000), (720, 960), 72, Sampling(2, 4, 24, 4096), MOVING_FINE, 320),
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
                    rounded=q.rounded,
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
        supersample: int | None = None,
        mode: str = "beauty",
        buffers: bool = True,
        backdrop: str | None = None,
    ) -> ImageBuffers:
        """Draws one view as linear buffers: what renderers that build on this one start from.

        Normal and albedo (with the weave's light and dark, without light) are averaged over the same points of each
        pixel as the colour, of those that a surface covers; depth and material are those at the pixel's centre.
        With the backdrop ``none`` colour, too, is the mean over covered points alone, so that
        ``rgb / albedo`` is the light on the surface, up to its mirror image.

        Args:
            size: (width, height) [px]; the camera's own if None.
            supersample: instead of the quality's.
            mode: one of ``MODES``; maps colour the meshes that carry them.
            buffers: also fill depth, normal, albedo and material_id (else they are empty).
            backdrop: instead of the preview's.
        """
        camera = self._checked(camera, size, mode)
        how, backdrop = self.quality.stills, backdrop or self.backdrop
        scale = how.supersample if supersample is None else supersample
        empty = np.zeros((0, 0), np.float32)
        with self._context:  # another preview may have been current since
            large, frame = self._draw(camera, mode, replace(how, supersample=scale), backdrop)
            rgba = _averaged(self._scene.canvas.linear(frame), scale)
            extra = self._buffers(camera, large, mode, scale) if buffers else (empty,) * 4
        alpha, rgb = np.clip(rgba[..., 3], 0, 1), rgba[..., :3]
        if backdrop == "none":
            rgb = rgb / np.maximum(alpha, 1e-4)[..., None]
        return ImageBuffers(np.ascontiguousarray(rgb), alpha, *extra)

    def surfaces(self, camera: Camera) -> tuple[np.ndarray, ...]:
        """What is nearest at each pixel's centre: depth [m] (inf outside), normal, albedo, material id, and its light.

        The light [H, W, 4] is that of :meth:`render.gpu_scene.GpuScene.draw_light`.
        """
        with self._context:
            self._scene.set_turn(camera_azimuth(camera), self.quality.stills.shadow_size)
            return (*self._scene.draw_buffers(camera, "beauty"), self._scene.draw_light(camera))

    def empty_set(self, camera: Camera) -> np.ndarray:
        """The backdrop with the subject's shadow but not the subject, linear, shape [H, W, 3]."""
        how = self.quality.stills
        with self._context:
            self._scene.set_turn(camera_azimuth(camera), how.shadow_size)
            frame = self._scene.draw(
                camera, "beauty", backdrop=True, samples=how.multisample, shadow_taps=how.shadow_taps, subject=False
            )
            return np.ascontiguousarray(self._scene.canvas.linear(frame)[..., :3])

    def picture(
        self, camera: Camera, *, mode: str = "beauty", legend: bool = True, size: tuple[int, int] | None = None,
        moving: bool = False,
    ) -> np.ndarray:  # fmt: skip
        """The finished picture as sRGB uint8 [H, W, 3 or 4]; maps with their colour bar.

        Args:
            size: (width, height) [px]; the camera's own if None.
            moving: it is one of many that go by quickly: cheaper.
        """
        camera = self._checked(camera, size, mode)
        return next(self.pictures([camera], mode=mode, legend=legend, moving=moving))

    def pictures(
        self, cameras: Iterable[Camera], *, mode: str = "beauty", legend: bool = True, moving: bool = False
    ) -> Iterator[np.ndarray]:
        """What :meth:`picture` gives for one camera after another: the next is begun before one is read."""
        drawn = None
        for camera in cameras:
            self._checked(camera, None, mode)
            with self._context:
                following = self._develop(camera, mode, self.quality.moving if moving else self.quality.stills)
            if drawn is not None:
                yield self._read(drawn, mode, legend)
            drawn = following
        if drawn is not None:
            yield self._read(drawn, mode, legend)

    def _develop(self, camera: Camera, mode: str, how: Sampling) -> Any:
        """Draws a finished picture; returns its framebuffer."""
        transparent = self.backdrop == "none"
        once = how.supersample == how.multisample == 1
        # a backdrop is as good without supersampling, if its shadows get as many samples
        apart = how.multisample == 1 < how.supersample and not transparent
        _, frame = self._draw(camera, mode, how, "none" if apart else self.backdrop, finished=once)
        taps = min(how.shadow_taps * how.supersample**2, MOST_TAPS)
        behind = self._scene.draw_behind(camera, shadow_taps=taps) if apart else None
        return self._scene.canvas.developed(frame, scale=how.supersample, transparent=transparent, behind=behind)

    def _read(self, frame: Any, mode: str, legend: bool) -> np.ndarray:
        with self._context:
            image = self._scene.canvas.pixels(frame, transparent=self.backdrop == "none")
        if mode in heatmap.MAP_STYLES and legend:
            image = heatmap.draw_legend(image[..., :3], mode, heatmap.shown_range(self.meshes, mode))
        return image

    def _checked(self, camera: Camera, size: tuple[int, int] | None, mode: str) -> Camera:
        if mode not in MODES:
            raise InputError("render.mode", f"no picture mode is called '{mode}'", f"choose one of {', '.join(MODES)}")
        if mode in heatmap.MAP_STYLES and not any(mode in mesh.maps for mesh in self.meshes):
            raise InputError("render.map", f"no mesh of this look carries {mode}", "drape it again, or choose another")
        return camera if size is None else resized(camera, size)

    def _draw(
        self, camera: Camera, mode: str, how: Sampling, backdrop: str, finished: bool = False
    ) -> tuple[Camera, Any]:
        """The camera of the large picture, and the framebuffer that has it."""
        large = resized(camera, (camera.size[0] * how.supersample, camera.size[1] * how.supersample))
        samples = how.multisample if large.size[0] * large.size[1] <= MOST_SAMPLED else 1
        self._scene.set_turn(camera_azimuth(camera), how.shadow_size, coarse=how.coarse_shadows)
        frame = self._scene.draw(
            large, mode, backdrop=backdrop == "studio", samples=samples, shadow_taps=how.shadow_taps,
            averaged=how.supersample > 1, finished=finished,
        )  # fmt: skip
        return large, frame

    def _buffers(self, camera: Camera, large: Camera, mode: str, scale: int) -> tuple[np.ndarray, ...]:
        depth, normal, albedo, material = self._scene.draw_buffers(camera, mode)
        if scale > 1:
            _, normal, albedo, ids = self._scene.draw_buffers(large, mode)
            hit = (ids >= 0).astype(np.float32)[..., None]
            covered = np.maximum(_averaged(hit, scale), 1e-6)
            normal, albedo = (_averaged(values * hit, scale) / covered for values in (normal, albedo))
            normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
        return depth, normal, albedo, material

    def turntable(
        self,
        frames: int | None = None,
        *,
        size: tuple[int, int] | None = None,
        mode: str = "beauty",
        fov_y: float = PORTRAIT_FOV,
        progress: Callable[[float, str], None] | None = None,
    ) -> Iterator[np.ndarray]:
        """Pictures evenly around the subject, drawn as they are asked for: sRGB uint8 [H, W, 3 or 4] each.

        Args:
            fov_y: [rad].
        """
        frames = self.quality.frames if frames is None else frames
        cameras = turntable_cameras(self.meshes, frames, size=size or self.quality.turntable, fov_y=fov_y)
        for i, picture in enumerate(self.pictures(cameras, mode=mode, moving=True)):
            yield picture
            if progress:
                progress((i + 1) / len(cameras), "turntable")


def _averaged(values: np.ndarray, scale: int) -> np.ndarray:
    """Means over squares of ``scale`` pixels, shape [H / scale, W / scale, channel]."""
    height, width = values.shape[0] // scale, values.shape[1] // scale
    return values.reshape(height, scale, width, scale, -1).mean((1, 3)) if scale > 1 else values


def render_view(
    meshes: Sequence[SceneMesh],
    camera: Camera,
    *,
    size: tuple[int, int] | None = None,
    supersample: int | None = None,
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
    """Pictures evenly around a scene, sRGB uint8 [H, W, 3] each, ready for :func:`render.moving.write_moving`."""
    with Preview(meshes, quality=quality) as preview:
        return list(preview.turntable(frames, size=size, mode=mode, progress=progress))
