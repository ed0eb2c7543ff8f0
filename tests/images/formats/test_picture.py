"""Picture files of every kind become upright 8-bit RGB, or are refused in one sentence; nothing is half a picture."""

import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Image as PillowImage

from randquant.errors import DataError
from randquant.images.formats.picture import Picture, encode_png, turned

GENERATOR = np.random.default_rng(0)
PIXELS = GENERATOR.integers(0, 256, (9, 7, 3), dtype=np.uint8)
SMOOTH = np.asarray(Image.fromarray(PIXELS).resize((160, 120)))


def encoded(image: PillowImage | np.ndarray, format: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture's file."""
    file = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, format, **options)
    return file.getvalue()


def read(data: bytes) -> tuple[np.ndarray, dict[str, int]]:
    """Pixels and notes of a picture's bytes."""
    picture = Picture(data, "a file")
    return picture.pixels(examine=True), picture.notes


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "TGA"])
def test_lossless_formats_keep_every_pixel(format: str) -> None:
    pixels, notes = read(encoded(PIXELS, format))
    assert np.array_equal(pixels, PIXELS)
    assert not notes


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_jpeg_equals_what_pillow_reads(options: dict[str, Any]) -> None:
    data = encoded(SMOOTH, "JPEG", **options)
    expected = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(read(data)[0], expected)
    assert np.array_equal(Picture(data, "a file").pixels(), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
    plain = read(encoded(PIXELS, format, **options))[0]
    pixels, _ = read(encoded(PIXELS, format, exif=exif, **options))
    assert np.array_equal(pixels, turned(plain, orientation))
    shown = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (-1, 0), 7: (-1, -1), 8: (0, -1)}
    assert np.array_equal(pixels[0, 0], plain[shown[orientation]])  # Exif: where row 0 and column 0 are to be seen


def test_transparency_is_laid_over_white() -> None:
    alpha = np.full((9, 7, 1), 255, dtype=np.uint8)
    opaque, notes = read(encoded(np.concatenate([PIXELS, alpha], axis=2)))
    assert np.array_equal(opaque, PIXELS)
    assert not notes
    alpha[2:] = 0
    pixels, notes = read(encoded(np.concatenate([PIXELS, alpha], axis=2)))
    assert np.array_equal(pixels[:2], PIXELS[:2])
    assert (pixels[2:] == 255).all()
    assert notes == {"transparent_pictures": 1}


def test_palettes_and_their_transparency() -> None:
    image = Image.fromarray(PIXELS[..., 0]).convert("P")
    assert np.array_equal(read(encoded(image))[0], np.repeat(PIXELS[..., :1], 3, axis=2))
    pixels, notes = read(encoded(image, transparency=int(np.asarray(image)[3, 3])))
    assert (pixels[3, 3] == 255).all()
    assert notes == {"transparent_pictures": 1}


def test_sixteen_bits_keep_their_high_byte() -> None:
    deep = (PIXELS[..., 0].astype(np.uint16) << 8) + 77
    for format in ("PNG", "TIFF"):
        pixels, notes = read(encoded(deep, format))
        assert np.array_equal(pixels, np.repeat(PIXELS[..., :1], 3, axis=2))
        assert notes == {"deep_pictures": 1}
    rows = b"".join(b"\0" + ((row.astype(">u2") << 8) + 5).astype(">u2").tobytes() for row in PIXELS)
    header = struct.pack(">IIBBBBB", 7, 9, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = (
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in chunks
    )
    pixels, notes = read(b"\x89PNG\r\n\x1a\n" + b"".join(body))
    assert np.array_equal(pixels, PIXELS)
    assert notes == {"deep_pictures": 1}


def test_cmyk_gray_and_one_bit() -> None:
    cmyk = Image.fromarray(SMOOTH).convert("CMYK")
    pixels, notes = read(encoded(cmyk, "JPEG", quality=95))
    assert np.abs(pixels.astype(int) - SMOOTH).mean() < 10
    assert notes == {"cmyk_pictures": 1}
    gray = SMOOTH[..., 0]
    assert (np.ptp(read(encoded(gray, "JPEG"))[0], axis=2) == 0).all()
    assert set(np.unique(read(encoded(Image.fromarray(gray).convert("1")))[0])) == {0, 255}


@pytest.mark.parametrize("format", ["GIF", "PNG", "TIFF", "WEBP"])
def test_of_several_frames_the_first_is_taken(format: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    pixels, notes = read(encoded(frames[0], format, save_all=True, append_images=frames[1:], **options))
    assert (pixels == (255, 0, 0)).all()
    assert notes == {"further_frames": 1}


def test_floats_have_no_known_range() -> None:
    with pytest.raises(DataError, match="floating-point numbers, whose range nothing states"):
        read(encoded(Image.fromarray(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)), "TIFF"))


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(DataError, match="so that no file fills the memory"):
        Picture(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 99) + b"IDAT" + bytes(40), "bomb.png")


def test_heic_says_what_to_install() -> None:
    with pytest.raises(DataError, match="pillow-heif"):
        Picture(b"\0\0\0\x18ftypheic" + bytes(60), "phone.heic")


def test_jpeg_whose_end_was_filled_in_is_refused() -> None:
    data = encoded(SMOOTH, "JPEG")
    with pytest.raises(DataError, match="a part of the picture is wrong"):
        read(data[: len(data) // 2] + b"\xff\xd9")


def test_damage_that_libtiff_conceals_is_found(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(encoded(SMOOTH, "TIFF", compression="tiff_lzw"))
    middle = len(data) // 2
    data[middle : middle + 60] = bytes(60)
    with pytest.raises(DataError, match=r"is damaged|or damaged"):
        read(bytes(data))
    assert capfd.readouterr().err == ""


def test_png_checksums_are_held(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(encode_png(SMOOTH))
    data[len(data) // 2] ^= 1
    with pytest.raises(DataError, match="a checksum of its PNG data is wrong"):
        read(bytes(data))
    with pytest.raises(DataError, match="truncated"):
        read(encode_png(SMOOTH)[:-20])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_damaged_files_give_one_sentence_or_a_whole_picture(format: str) -> None:
    data = encoded(SMOOTH, format)
    draws = np.random.default_rng(1)
    for _ in range(40):
        hurt = bytearray(data[: int(draws.integers(0, len(data)))] if draws.random() < 0.5 else data)
        for place in draws.integers(0, max(len(hurt), 1), 3 if hurt else 0):
            hurt[place] = draws.integers(0, 256)
        with suppress(DataError):  # any other error fails
            pixels, _ = read(bytes(hurt))
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3
