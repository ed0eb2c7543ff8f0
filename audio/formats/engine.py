"""Choose the decoder by a file's content: soundfile where libsndfile counts exactly, PyAV for everything else."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import soundfile

from audio.crops import SAMPLE_RATE
from audio.formats.budget import check_header
from audio.formats.chain import Chain
from audio.formats.ffmpeg import FFmpegRecording
from audio.formats.file_type import HEAD, is_text, open_head, refuse_non_audio
from audio.formats.flac import flac_parts
from audio.formats.libsndfile import LibsndfileRecording, reason
from audio.formats.mp3 import frame_header, is_adts, is_free_format, runs
from audio.formats.numpy_array import MAGIC, NumpyRecording
from audio.formats.ogg import links
from audio.formats.pcm_containers import is_pcm_container, open_pcm_container
from audio.formats.recording import Header, Recording, damaged
from audio.formats.span import Span
from audio.formats.stated_size import check_stated_size
from audio.formats.tags import after_tags
from audio.formats.wav import open_wav
from audio.formats.wav_header import FORMS
from randquant.errors import DataError

_AFTER_ID3 = (b"wvpk", b"TTA1", b"MAC ", b"MPCK", b"MP+")  # what else people tag in this way


def open_recording(path: str | Path, *, array_rate: int = SAMPLE_RATE) -> Recording:
    """Open an audio file; close it, or use it as a context manager.

    Args:
        path: of the file.
        array_rate: frames a second of NumPy files, which do not say.

    Raises:
        DataError: missing, empty, truncated, no sound, in a container that nothing here decodes, or beyond the
            budget of `budget.py`.
    """
    path = Path(path)
    file, head = open_head(path)
    try:
        if _is_wav(head):
            recording = open_wav(path, file) or _ffmpeg(path)
        else:
            file.close()
            recording = NumpyRecording(path, array_rate) if head.startswith(MAGIC) else _open(path, head)
    except soundfile.LibsndfileError as error:
        refuse_non_audio(path, head)
        raise DataError(_undecodable(path, reason(error))) from None
    except (OSError, ValueError, struct.error) as error:
        raise DataError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); restore it.") from None
    try:
        check_header(path, recording.header)
    except DataError:
        recording.close()
        raise
    return recording


def header_of(path: str | Path) -> Header:
    """Sample rate and length before decoding.

    Raises:
        DataError: as `open_recording`.
    """
    with open_recording(path) as recording:
        return recording.header


def _is_wav(head: bytes) -> bool:
    return (head[:4] in FORMS and head[8:12] == b"WAVE") or head.startswith(b"riff\x2e\x91\xcf\x11")


def _open(path: Path, head: bytes) -> Recording:
    if head.startswith(b"OggS"):
        return _ogg(path)
    if is_pcm_container(head):
        return _or_ffmpeg(lambda: open_pcm_container(path, head), path)
    start, content = after_tags(path, head)
    if content.startswith(b"fLaC"):
        return _flac(path, start)
    if content.startswith(b"OggS"):
        return _ogg(path)
    if is_free_format(content):
        raise DataError(
            f"{path} is MP3 of free bit rate, which FFmpeg does not decode; convert it: lame --decode IN OUT"
        )
    if start and content.startswith(_AFTER_ID3):
        file = open(path, "rb")  # noqa: SIM115 closed by the recording
        return FFmpegRecording(path, Span(file, start, path.stat().st_size))
    if is_text(head):
        refuse_non_audio(path, head)
        raise DataError(f"{path} is not audio but a text; leave it out.")
    if frame_header(content) or (start and not is_adts(content)):
        return _mpeg(path)
    return _other(path, head)


def _or_ffmpeg(opened: Callable[[], Recording], path: Path) -> Recording:
    """Fall back to FFmpeg: libsndfile lacks 32-bit FLAC and the rarer encodings of AIFF and AU."""
    try:
        return opened()
    except soundfile.LibsndfileError:
        return _ffmpeg(path)


def _flac(path: Path, start: int) -> Recording:
    file = open(path, "rb")  # noqa: SIM115 closed by the recording
    try:
        parts = flac_parts(path, file, start)
        if parts == [(0, path.stat().st_size, True)]:
            file.close()
            return _or_ffmpeg(lambda: LibsndfileRecording(path), path)
        return _chain(path, file, parts)
    except BaseException:
        file.close()
        raise


def _ogg(path: Path) -> Recording:
    file = open(path, "rb")  # noqa: SIM115 closed by the recording
    try:
        parts = links(path, file)
        if len(parts) == 1 and parts[0][0] == 0 and parts[0][2]:
            file.close()
            return LibsndfileRecording(path)
        return _chain(path, file, parts)
    except BaseException:
        file.close()
        raise


def _chain(path: Path, file: IO[bytes], parts: Sequence[tuple[int, int, bool]]) -> Recording:
    """Read parts of a file as one; each part is (start, stop, whether libsndfile counts its frames)."""
    opened: list[Recording] = []
    for start, stop, exact in parts:
        span = Span(file, start, stop)
        opened.append(LibsndfileRecording(path, span) if exact else FFmpegRecording(path, span))
    return opened[0] if len(opened) == 1 else Chain(path, opened)


def _mpeg(path: Path) -> Recording:
    """Open MPEG audio, or another format that follows an ID3 tag or begins like an MPEG frame."""
    file = open(path, "rb")  # noqa: SIM115 closed by the recording
    try:
        found = runs(path, file)
        opened = [
            FFmpegRecording(path, Span(file, run.start, run.stop), samples=run.samples, demuxer="mp3") for run in found
        ]
    except BaseException:
        file.close()
        raise
    if not opened:
        file.close()
        raise damaged(path, "it holds no MPEG frames")
    return opened[0] if len(opened) == 1 else Chain(path, opened)


def _other(path: Path, head: bytes) -> Recording:
    refuse_non_audio(path, head)
    recording = _ffmpeg(path)
    if recording.container != "mp3":
        return recording
    recording.close()
    return _mpeg(path)  # after bytes of something else


def _ffmpeg(path: Path) -> FFmpegRecording:
    file = open(path, "rb")  # noqa: SIM115 closed by the recording
    try:
        check_stated_size(path, file.read(HEAD), file)
        file.seek(0)
        return FFmpegRecording(path, file)
    except BaseException:
        file.close()
        raise


def _undecodable(path: Path, why: str) -> str:
    return f"{path} is not audio that libsndfile can decode ({why or 'damaged'}); leave it out or restore it."
