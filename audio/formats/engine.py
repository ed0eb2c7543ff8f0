"""Which engine decodes a file, by its content: soundfile where libsndfile counts exactly, PyAV for everything else."""

import struct
from collections.abc import Callable
from pathlib import Path

import soundfile

from audio.formats.budget import check_header
from audio.formats.chain import Chain
from audio.formats.ffmpeg import FFmpegRecording
from audio.formats.flac import counts_its_frames
from audio.formats.kind import is_text, read_head, refuse_what_is_no_sound
from audio.formats.libsndfile import LibsndfileRecording, reason
from audio.formats.mp3 import frame_header, runs
from audio.formats.ogg import Link, links
from audio.formats.recording import Header, Recording
from audio.formats.span import Span
from audio.formats.wav import open_wav
from audio.formats.wav_header import FORMS
from randquant.errors import DataError


def open_recording(path: str | Path) -> Recording:
    """Open a file of sound; close it, or use it as a context.

    Raises:
        DataError: missing, empty, truncated, no sound, in a container that nothing here decodes, or beyond the
            budget of `budget.py`.
    """
    path = Path(path)
    head = read_head(path)
    try:
        recording = _opener(head)(path)
    except soundfile.LibsndfileError as error:
        refuse_what_is_no_sound(path, head)
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
    """What is known of a recording before it is decoded: the one place that says its rate and its length.

    Raises:
        DataError: as `open_recording`.
    """
    with open_recording(path) as recording:
        return recording.header


def _opener(head: bytes) -> Callable[[Path], Recording]:
    if head[:4] in FORMS and head[8:12] == b"WAVE":
        return _wav
    if head.startswith(b"OggS"):
        return _ogg
    if head.startswith(b"fLaC"):
        return _flac
    if head.startswith(b"ID3") or frame_header(head):
        return _mpeg
    return _counted if _is_counted(head) else _other


def _is_counted(head: bytes) -> bool:
    """W64, AIFF, AU, CAF of plain samples, NIST SPHERE."""
    return (
        head.startswith((b"riff\x2e\x91\xcf\x11", b".snd", b"dns.", b"NIST_1A"))
        or (head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"))
        or (head.startswith(b"caff") and head[28:32] in (b"lpcm", b"ulaw", b"alaw"))
    )


def _wav(path: Path) -> Recording:
    return open_wav(path) or _ffmpeg(path)


def _flac(path: Path) -> Recording:
    with open(path, "rb") as file:
        exact = counts_its_frames(file)
    return _counted(path) if exact else _ffmpeg(path)


def _counted(path: Path) -> Recording:
    try:
        recording = LibsndfileRecording(path)
    except soundfile.LibsndfileError:
        return _ffmpeg(path)  # FLAC of 32 bits, AIFF and AU of rarer codings
    try:
        recording.check_log()
    except DataError:
        recording.close()
        raise
    return recording


def _ogg(path: Path) -> Recording:
    file = open(path, "rb")  # noqa: SIM115 closed by the recording
    try:
        parts = links(path, file)
        opened = [_link(path, Span(file, part.start, part.stop), part) for part in parts]
        return opened[0] if len(opened) == 1 else Chain(path, opened)
    except BaseException:
        file.close()
        raise


def _link(path: Path, span: Span, link: Link) -> Recording:
    return LibsndfileRecording(path, span) if link.exact else FFmpegRecording(path, span)


def _mpeg(path: Path) -> Recording:
    """MPEG audio; or what else stands behind an ID3 tag, or begins like a frame."""
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
        return _ffmpeg(path)
    return opened[0] if len(opened) == 1 else Chain(path, opened)


def _other(path: Path) -> Recording:
    head = read_head(path)
    refuse_what_is_no_sound(path, head)
    if is_text(head):
        raise DataError(f"{path} is not audio but a text; leave it out.")
    return _ffmpeg(path)


def _ffmpeg(path: Path) -> Recording:
    return FFmpegRecording(path, open(path, "rb"))


def _undecodable(path: Path, why: str) -> str:
    return f"{path} is not audio that libsndfile can decode ({why or 'damaged'}); leave it out or restore it."
