"""Reading photos: what phones write is read, everything else is refused with a reason."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from avatars.photos import FULL_FRAME_DIAGONAL, guess_focal, read_photo
from engine.core.errors import InputError, UnsupportedError


def picture(width=600, height=800):
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], -1).astype(np.uint8))


def write(path, image, **options):
    image.save(path, **options)
    return path


def test_large_photos_are_scaled_without_moving_their_borders(tmp_path):
    photo = read_photo(write(tmp_path / "a.jpg", picture(2400, 3200), quality=95))
    assert photo.size == (1200, 1600)
    assert photo.original_size == (2400, 3200)
    # the ramp's value at a pixel's centre says where the picture's border is
    row = photo.rgb[800, :, 0].astype(float)
    slope, offset = np.polyfit((np.arange(1200) + 0.5) / 1200, row, 1)
    assert abs(offset / slope) < 0.003


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P", "LA", "I;16"])
def test_other_colour_modes_are_read(tmp_path, mode):
    name = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    if mode == "I;16":
        image = Image.fromarray(np.asarray(picture().convert("L")).astype(np.uint16) * 257)
    else:
        image = picture().convert(mode)
    rgb = read_photo(write(name, image)).rgb
    assert rgb.shape == (800, 600, 3) and rgb.dtype == np.uint8
    assert rgb[..., 1].std() > 20 or mode in ("L", "LA", "I;16")
    assert rgb.std() > 10


def test_a_turned_photo_comes_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the phone was held upright, the sensor lies
    photo = read_photo(write(tmp_path / "a.jpg", picture(800, 600), exif=exif))
    assert photo.size == (600, 800)
    # what was the left border of the sensor's picture is now at the top
    assert photo.rgb[5, :, 0].mean() < 20 < photo.rgb[-5, :, 0].mean()


def test_focal_length_from_exif():
    guess = guess_focal({0xA405: 26}, (3000, 4000))
    assert guess.source == "exif_35mm"
    assert guess.per_diagonal == pytest.approx(26 / FULL_FRAME_DIAGONAL)
    assert guess_focal({}, (3000, 4000)).source == "prior"
    assert guess_focal({0x920A: 4.2}, (3000, 4000)).source == "exif"
    # a crop shows less than the lens saw
    assert guess_focal({0xA405: 26}, (1000, 4000)).log_std > guess.log_std
    for odd in (0, -5, float("nan"), "x", 1e9, None):
        assert guess_focal({0xA405: odd, 0x920A: odd}, (3000, 4000)).source == "prior"


def heic():
    return struct.pack(">I", 24) + b"ftypheic" + b"\0" * 200


def truncated():
    data = io.BytesIO()
    picture().save(data, "JPEG", quality=95)
    return data.getvalue()[:6000]


def huge_header():
    """A PNG that claims 60000 x 60000 pixels in a few bytes."""
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.jpg", b"", "file.empty"),
        ("text.jpg", b"this is no picture at all\n" * 40, "photo.type"),
        ("pattern.pdf", b"%PDF-1.7\n" + b"x" * 500, "photo.type"),
        ("film.mp4", struct.pack(">I", 24) + b"ftypisom" + b"\0" * 100, "photo.type"),
        ("damaged.jpg", truncated(), "photo.damaged"),
        ("bomb.png", huge_header(), "photo.too_many_pixels"),
        ("photo.heic", heic(), "photo.heic"),
    ],
)
def test_unreadable_files_are_refused(tmp_path, name, content, code):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_photo(path)
    assert caught.value.code == code
    assert name in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, UnsupportedError) == (code == "photo.heic")


def test_missing_folder_and_small_pictures(tmp_path):
    with pytest.raises(InputError, match="no such photo"):
        read_photo(tmp_path / "nothing.jpg")
    with pytest.raises(InputError) as caught:
        read_photo(tmp_path)
    assert caught.value.code == "file.not_a_file"
    with pytest.raises(InputError) as caught:
        read_photo(write(tmp_path / "thumb.jpg", picture(120, 160)))
    assert caught.value.code == "photo.too_small"


def test_a_damaged_exif_block_does_not_spoil_the_photo(tmp_path):
    path = write(tmp_path / "a.jpg", picture(), exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    assert read_photo(path).focal.source == "prior"
