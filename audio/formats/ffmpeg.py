"""Decode by FFmpeg (PyAV, imported when needed) whatever libsndfile does not count exactly.

MP3, MP2, AAC, M4A, MP4, MKV, WebM, WMA, APE, WavPack, TTA, AC-3, AMR, VOC, FLAC of unknown length, Ogg of other codecs.
A recording is decoded from its beginning, always: what precedes the part that is asked for is thrown away, because no
seek lands exactly in all of these containers. The delay that an encoder adds is taken off where the file says how long
it is (LAME's tag, Opus' pre-skip, edit lists), and so is the filling of the last frame. One thread a decoder: files are
decoded side by side.

Nothing but the given file is read: it is handed over as an open file, no protocol is allowed, and no demuxer that
would follow references to others.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from randquant.audio.formats.containers.stated_duration import StatedDuration
from randquant.audio.formats.recording import BLOCK, Block, Header, Recording, Source, damaged
from randquant.errors import DataError

# Demuxers of containers of sound, by their names in FFmpeg. Playlists (hls, concat, dash) and devices are none of them.
CONTAINERS = (
    *("mp3", "aac", "loas", "ac3", "eac3", "dts", "truehd", "mlp", "amr", "flac", "ogg", "wav", "w64", "aiff", "au"),
    *("caf", "voc", "nistsphere", "iff", "ircam", "sds", "pvf", "epaf", "avr", "sox", "ape", "wv", "tta", "tak", "mpc"),
    *("mpc8", "shn", "ofr", "dsf", "iff", "qcp", "xwma", "oma", "rm", "aa", "asf", "avi", "flv", "mpegts", "mpeg"),
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "nut", "qoa", "osq", "bonk", "wavarc", "rka", "aea", "dss", "spdif"),
)
_OPTIONS = {"protocol_whitelist": "none", "format_whitelist": ",".join(CONTAINERS)}
_WITH_CHECKSUMS = ("flac", "wavpack", "tta", "ape", "tak", "mlp", "truehd")
_SCALE = {"u8": 1 << 7, "s16": 1 << 15, "s32": 1 << 31, "s64": 1 << 63}


class FFmpegRecording(Recording):
    """A file that FFmpeg decodes; of several audio streams, the default one.

    Args:
        samples: of each channel, where they were counted beforehand.
        demuxer: that reads it, by its name in FFmpeg; found out where None.

    Attributes:
        container: what it is, by its name in FFmpeg.

    Raises:
        DataError: FFmpeg cannot open it, it holds no sound, or its first frame cannot be decoded.
    """

    def __init__(self, path: Path, file: Source, *, samples: int | None = None, demuxer: str | None = None) -> None:
        super().__init__(path)
        container = _container(path, file, demuxer)
        self.held.append(container)
        try:
            stream = _stream(path, container)
            self.container: str = container.format.name
            self._stated_duration = StatedDuration(path, container, stream, samples)
            self._frames = _decoded(path, container, stream)
            # Rate and channels in a container are hints: those of the first frame hold.
            first = next(self._frames, None)
            if first is None:
                raise DataError(f"{path} holds no samples; leave it out or restore it.")
        except BaseException:
            self.close()
            raise
        self._first = first
        rate, tracks = first.sample_rate, len(container.streams.audio)
        self.header = Header(rate, first.layout.nb_channels, None, self._stated_duration.expected(rate), tracks)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Frames [start, stop), as `Recording.blocks`; decoding starts at the beginning of the file."""
        place, gathered, size = 0, list[Block](), 0
        for samples in self._samples():
            part = samples[max(0, start - place) : None if stop is None else max(0, stop - place)]
            place += len(samples)
            if len(part):
                gathered.append(part)
                size += part.size
            if size >= BLOCK:
                yield np.concatenate(gathered)
                gathered, size = [], 0
            if stop is not None and place >= stop:
                break
        if gathered:
            yield np.concatenate(gathered)

    def _samples(self) -> Iterator[Block]:
        """The frames as blocks, cut at the end that the container states."""
        place = 0
        for frame in itertools.chain([self._first], self._frames):
            self._stated_duration.follow(frame)
            if (frame.sample_rate, frame.layout.nb_channels) != (self.header.rate, self.header.channels):
                raise DataError(
                    f"{self.path} changes from {self.header.channels} channels at {self.header.rate:,} Hz to "
                    f"{frame.layout.nb_channels} at {frame.sample_rate:,} Hz after {place / self.header.rate:.2f} s; "
                    "split it there, or convert it."
                )
            samples = _float(frame)[: self._stated_duration.left(place, self.header.rate)]
            place += len(samples)
            yield samples
        self._stated_duration.check(place, self.header.rate)


def _decoded(path: Path, container: Any, stream: Any) -> Iterator[Any]:
    """The frames of a stream. Not a method, since a generator that refers to its recording would keep the file open."""
    import av

    failed = ""
    try:
        for packet in container.demux(stream):
            if failed and packet.size:
                raise damaged(path, failed)
            try:
                yield from packet.decode()
            except av.FFmpegError as error:
                # The last packet of a stream that was cut off may lack its end; any other may not.
                failed = _reason(error)
    except (av.FFmpegError, ValueError) as error:
        raise damaged(path, _reason(error)) from None


def _container(path: Path, file: Source, demuxer: str | None) -> Any:
    try:
        import av
    except (ImportError, OSError) as error:
        raise DataError(
            f"{path} is decoded by PyAV, which is not installed ({error}); install it: pip install av"
        ) from None
    try:
        return av.open(file, format=demuxer, options=_OPTIONS, metadata_errors="replace", io_open=_refuse_to_open)
    except (av.FFmpegError, ValueError) as error:
        raise DataError(
            f"{path} is not audio that FFmpeg can decode ({_reason(error)}); convert it, or leave it out."
        ) from None


def _refuse_to_open(url: str, flags: int, options: dict[str, str]) -> Source:
    raise PermissionError("a recording may not open other files")


def _stream(path: Path, container: Any) -> Any:
    stream = container.streams.best("audio")
    if stream is None:
        others = ", ".join(sorted({other.type for other in container.streams})) or "nothing"
        raise DataError(f"{path} holds no sound ({others} alone); leave it out.")
    if stream.codec_context is None:
        raise DataError(f"{path} is coded in a way that FFmpeg does not decode; convert it, or leave it out.")
    stream.codec_context.thread_count = 1
    if (container.format.name, stream.codec_context.name) == ("caf", "alac"):
        # What the last packet lacks would be taken off it once more.
        stream.codec_context.options = {"flags2": "+skip_manual"}
    if stream.codec_context.name in _WITH_CHECKSUMS:
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
    return stream


def _float(frame: Any) -> Block:
    """(frames, channels) float32, full scale 1.0."""
    samples = frame.to_ndarray()
    channels, kind = frame.layout.nb_channels, frame.format.name.removesuffix("p")
    samples = samples.T if frame.format.is_planar else samples.reshape(-1, channels)
    if kind in ("flt", "dbl"):
        return np.ascontiguousarray(samples, dtype=np.float32)
    shifted = samples.astype(np.float32) - np.float32(128) if kind == "u8" else samples.astype(np.float32)
    return np.divide(shifted, np.float32(_SCALE[kind]), dtype=np.float32, order="C")


def _reason(error: Exception) -> str:
    text = (getattr(error, "strerror", None) or str(error)).strip().rstrip(".")
    return "invalid data" if text.startswith("Error number") else text.lower()
