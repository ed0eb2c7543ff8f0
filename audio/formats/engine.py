"""Choose the decoder by a file's content: soundfile where libsndfile counts exactly, PyAV for everything else."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import soundfile

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.formats.array import MAGIC, open_array
from randquant.audio.formats.chained_recording import ChainedRecording
from randquant.audio.formats.containers.pcm_containers import is_pcm_container, open_pcm_container
from randquant.audio.formats.containers.stated_size import check_stated_size
from randquant.audio.formats.containers.tags import after_tags
from randquant.audio.formats.ffmpeg import FFmpegRecording
from randquant.audio.formats.file_type import is_text, open_head, refuse_non_audio
from randquant.audio.formats.flac import flac_parts
from randquant.audio.formats.libsndfile import LibsndfileRecording, reason
from randquant.audio.formats.mp3 import frame_header, is_adts, is_free_format, runs
from randquant.audio.formats.ogg import links
from randquant.audio.formats.recording import Header, Recording, damaged
from randquant.audio.formats.span import Span
from randquant.audio.formats.wav.wav import open_wav
from randquant.audio.formats.wav.wav_header import FORMS, W64_FORM
from randquant.errors import DataError

_AFTER_ID3 = (b"wvpk", b"TTA1", b"MAC ", b"MPCK", b"MP+")  # what else people tag in this way


def open_recording(path: str | Path, *, array_rate: int = SAMPLE_RATE) -> Recording:
    """Open an audio file; close it, or use it as a context manager.

    Args:
        path: of the file.
        array_rate: frames a second of NumPy files, which do not say.

    Raises:
        DataError: missing, empty, truncated, no sound, in a container that nothing here decodes, or beyond the
            limits of `recording.py`.
    """
    path = Path(path)
    file, head = open_head(path)
    recording: Recording | None = None
    try:
        recording = _decoded(path, file, head, array_rate)
        recording.header.check(path)
    except BaseException:
        if recording is not None:
            recording.close()
        file.close()
        raise
    recording.held.append(file)
    return recording


def header_of(path: str | Path) -> Header:
    """Sample rate and length before decoding.

    Raises:
        DataError: as `open_recording`.
    """
    with open_recording(path) as recording:
        return recording.header


def _decoded(path: Path, file: IO[bytes], head: bytes, array_rate: int) -> Recording:
    """As `_opened`, with one sentence for whatever decoders say."""
    try:
        return _opened(path, file, head, array_rate)
    except soundfile.LibsndfileError as error:
        refuse_non_audio(path, head)
        why = reason(error) or "damaged"
        raise DataError(
            f"{path} is not audio that libsndfile can decode ({why}); leave it out or restore it."
        ) from None
    except (OSError, ValueError, struct.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path} cannot be read ({why}); restore it.") from None


def _opened(path: Path, file: IO[bytes], head: bytes, array_rate: int) -> Recording:
    """What decodes the file; it may leave the file itself open."""
    if (head[:4] in FORMS and head[8:12] == b"WAVE") or head.startswith(W64_FORM):
        return open_wav(path, file) or _ffmpeg(path, file, head)
    if head.startswith(MAGIC):
        return open_array(path, array_rate)
    if is_pcm_container(head):
        return _or_ffmpeg(lambda: open_pcm_container(path, file, head), path, file, head)
    start, content = after_tags(file, head)
    if content.startswith(b"OggS"):
        return _chain(path, file, links(path, file))
    if content.startswith(b"fLaC"):
        parts = flac_parts(path, file, start)
        if start or len(parts) > 1:
            return _chain(path, file, parts)
        return _or_ffmpeg(lambda: _chain(path, file, parts), path, file, head)
    if is_free_format(content):
        raise DataError(
            f"{path} is MP3 of free bit rate, which FFmpeg does not decode; convert it: lame --decode IN OUT"
        )
    if start and content.startswith(_AFTER_ID3):
        return FFmpegRecording(path, Span(file, start, path.stat().st_size))
    if is_text(head):
        refuse_non_audio(path, head)
        raise DataError(f"{path} is not audio but a text; leave it out.")
    if frame_header(content) or (start and not is_adts(content)):
        return _mpeg(path, file)
    refuse_non_audio(path, head)
    recording = _ffmpeg(path, file, head)
    if recording.container != "mp3":
        return recording
    recording.close()
    return _mpeg(path, file)  # after bytes of something else


def _or_ffmpeg(opened: Callable[[], Recording], path: Path, file: IO[bytes], head: bytes) -> Recording:
    """Fall back to FFmpeg: libsndfile lacks 32-bit FLAC and the rarer encodings of AIFF and AU."""
    try:
        return opened()
    except soundfile.LibsndfileError:
        return _ffmpeg(path, file, head)


def _ffmpeg(path: Path, file: IO[bytes], head: bytes) -> FFmpegRecording:
    check_stated_size(path, head, file)
    file.seek(0)
    return FFmpegRecording(path, file)


def _chain(path: Path, file: IO[bytes], parts: Sequence[tuple[int, int, bool]]) -> Recording:
    """Read parts of a file as one; each part is (start, stop, whether libsndfile counts its frames)."""
    if parts == [(0, path.stat().st_size, True)]:
        return LibsndfileRecording(path)
    decoders = [LibsndfileRecording if exact else FFmpegRecording for _, _, exact in parts]
    opened = [decoder(path, Span(file, *part[:2])) for decoder, part in zip(decoders, parts, strict=True)]
    return _joined(path, opened)


def _mpeg(path: Path, file: IO[bytes]) -> Recording:
    """Open MPEG audio, or another format that follows an ID3 tag or begins like an MPEG frame."""
    opened = [
        FFmpegRecording(path, Span(file, run.start, run.stop), samples=run.samples, demuxer="mp3")
        for run in runs(path, file)
    ]
    if not opened:
        raise damaged(path, "it holds no MPEG frames")
    return _joined(path, opened)


def _joined(path: Path, links: Sequence[Recording]) -> Recording:
    return links[0] if len(links) == 1 else ChainedRecording(path, links)
