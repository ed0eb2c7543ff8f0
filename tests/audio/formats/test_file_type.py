"""What poses as a recording is called what it is, and no file costs more than its budget."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from randquant.audio.decode import read_audio, stream_audio
from randquant.audio.formats import recording
from randquant.errors import DataError
from tests.audio.formats.waves import PCM16, pcm, wav


def numpy_archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.wav", wav(pcm(), PCM16))
    return file.getvalue()


def checkpoint() -> bytes:
    file = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, file)
    return file.getvalue()


def scripted() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("x/data.pkl", "x/constants.pkl", "x/code/__torch__.py", "x/version"):
            archive.writestr(name, "")
    return file.getvalue()


NO_SOUND = {
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
    "a NumPy archive": numpy_archive(),
    "a ZIP archive; unpack it": zipped(),
    "a PyTorch checkpoint": checkpoint(),
    "a TorchScript module": scripted(),
    "a web page": b"\n<!DOCTYPE html><html><body>404</body></html>",
    "a text": b"path,label\nx.wav,dog\n",
    "a text; leave": "Gr\u00fc\u00dfe\n".encode("utf-16") * 9,
    "a PNG picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a JPEG picture": b"\xff\xd8\xff\xe0" + bytes(100),
    "a PDF document": b"%PDF-1.4\n" + bytes(100),
    "a gzip archive; unpack it": b"\x1f\x8b\x08" + bytes(100),
    "a MIDI score": b"MThd\0\0\0\x06" + bytes(100),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "a playlist": b"#EXTM3U\nx.wav\n",
}


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "m4a"])
@pytest.mark.parametrize("what", NO_SOUND)
def test_what_poses_as_a_recording(tmp_path: Path, what: str, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(NO_SOUND[what])
    with pytest.raises(DataError, match=f"x.{suffix} is not audio but {what}"):
        read_audio(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wav")
    with pytest.raises(DataError, match="is a pipe"):
        read_audio(tmp_path / "x.wav")


def test_lfs_says_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(NO_SOUND["a Git LFS pointer"])
    with pytest.raises(DataError, match="git lfs pull"):
        read_audio(tmp_path / "x.wav")


@pytest.mark.parametrize("seed", range(8))
def test_noise_is_no_sound(tmp_path: Path, seed: int) -> None:
    """Nor are bytes that begin as an MP3 or an AAC file does."""
    noise = np.random.default_rng(seed).integers(0, 256, 20_000, dtype=np.uint8).tobytes()
    for head in (b"", b"\xff\xfb\x90\x64", b"\xff\xf1\x50\x80", b"ID3\x03\0\0\0\0\0\x10", b"OggS", b"fLaC", b"RIFF"):
        (tmp_path / "x.mp3").write_bytes(head + noise)
        with pytest.raises(DataError):
            read_audio(tmp_path / "x.mp3")


def test_a_name_says_nothing(tmp_path: Path) -> None:
    for name in ("x.mp3", "x.wave", "x.snd", "x.m4a", "x"):
        (tmp_path / name).write_bytes(wav(pcm(), PCM16))
        assert len(read_audio(tmp_path / name)) == 32_000


def test_the_longest_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its header before anything is decoded, and by what was decoded where no header says it."""
    for suffix in ("wav", "mp3"):
        soundfile.write(tmp_path / f"x.{suffix}", np.zeros(40_000), 16_000)
    monkeypatch.setattr(recording, "MOST_HOURS", 2 / 3600)
    with pytest.raises(DataError, match="is longer than"):
        stream_audio(tmp_path / "x.wav")
    with pytest.raises(DataError, match="is longer than"):
        list(stream_audio(tmp_path / "x.mp3")[1])
