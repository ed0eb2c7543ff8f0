"""Two seconds of a tone in the containers that FFmpeg writes."""

from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 44_100
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)


def encode(
    path: Path,
    codec: str,
    *,
    rate: int = RATE,
    picture: bool = False,
    late: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """Write the tone as one stream of sound, `late` seconds after the beginning, beside pictures if asked for."""
    samples = np.interp(np.arange(2 * rate) / rate, np.arange(len(TONE)) / RATE, TONE)
    with av.open(str(path), "w", options=options) as container:
        sound: Any = container.add_stream(codec, rate=rate, layout="mono")
        sound.codec_context.bit_rate = 64_000
        video: Any = container.add_stream("mpeg4", rate=10, width=32, height=32) if picture else None
        frame = av.AudioFrame.from_ndarray(np.round(samples * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts = rate, 0
        fifo = av.AudioResampler(sound.codec_context.format.name, "mono", rate, sound.codec_context.frame_size or 1024)
        for part in [*fifo.resample(frame), *fifo.resample(None)]:
            container.mux(sound.encode(_later(part, late * rate)))
        container.mux(sound.encode(None))
        if video is not None:
            for _ in range(20):
                container.mux(video.encode(av.VideoFrame(32, 32, "yuv420p")))
            container.mux(video.encode(None))
    return path


def _later(frame: Any, samples: int) -> Any:
    frame.pts += samples
    return frame
