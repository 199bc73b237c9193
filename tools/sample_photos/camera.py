"""Phone-like cameras, and JPEGs with the EXIF that a phone writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["PhoneCamera", "save_jpeg"]

DIAGONAL_35MM = 43.2666  #: diagonal of a 36 x 24 mm frame [mm]
SENSOR_DIAGONAL = 7.07  #: of the pretended phone sensor [mm]


@dataclass(frozen=True)
class PhoneCamera:
    """A phone held upright at ``height``, looking at (0, target_height, 0) from +Z, with small errors of the hand."""

    size: tuple[int, int]  #: (width, height) [px]
    focal_35mm: float = 26.0  #: 35 mm equivalent by the diagonal [mm]
    distance: float = 2.6  #: [m]
    height: float = 1.3  #: [m]
    lateral: float = 0.0  #: camera's shift along +X [m]
    pitch: float = 0.0  #: downwards [rad]
    pan: float = 0.0  #: error of aim to the right [rad]
    roll: float = 0.0  #: [rad]

    @property
    def focal_px(self) -> float:
        """Focal length [px]."""
        return self.focal_35mm * float(np.hypot(*self.size)) / DIAGONAL_35MM

    @property
    def K(self) -> np.ndarray:
        """Intrinsics [px], pixel centres at half-integers, shape [3, 3]."""
        w, h = self.size
        return np.array([[self.focal_px, 0, w / 2], [0, self.focal_px, h / 2], [0, 0, 1.0]])

    @property
    def world_to_camera(self) -> np.ndarray:
        """OpenCV axes (x right, y down, z into the scene) [m], shape [4, 4]."""
        from scipy.spatial.transform import Rotation

        level = np.diag([1.0, -1.0, -1.0])  # looking along -Z with +Y up
        aim = Rotation.from_euler("zxy", [self.roll, self.pitch, self.pan]).as_matrix()
        rotation = aim @ level
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = -rotation @ np.array([self.lateral, self.height, self.distance])
        return matrix

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels of world points, shape [n, 2]."""
        camera = points @ self.world_to_camera[:3, :3].T + self.world_to_camera[:3, 3]
        pixels = camera @ self.K.T
        return pixels[:, :2] / pixels[:, 2:]


def save_jpeg(path: Path, image: np.ndarray, camera: PhoneCamera, *, quality: int = 90) -> None:
    """Writes an sRGB uint8 picture, shape [H, W, 3], with the EXIF fields that the photo fit reads."""
    from PIL import Image
    from PIL.TiffImagePlugin import IFDRational

    exif = Image.Exif()
    exif[0x010F] = "Toile"  # Make
    exif[0x0110] = "Synthetic"  # Model
    exif[0x0131] = "tools.sample_photos (path-traced, no real person)"  # Software
    exif[0x0112] = 1  # Orientation: upright
    details = exif.get_ifd(0x8769)
    focal_mm = camera.focal_35mm * SENSOR_DIAGONAL / DIAGONAL_35MM
    details[0x920A] = IFDRational(round(focal_mm * 1000), 1000)  # FocalLength
    details[0xA405] = round(camera.focal_35mm)  # FocalLengthIn35mmFilm
    details[0xA002], details[0xA003] = camera.size  # PixelXDimension, PixelYDimension
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, "JPEG", quality=quality, subsampling=1, optimize=True, exif=exif)
