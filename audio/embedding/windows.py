"""Windows of a recording for embedding."""

from dataclasses import dataclass

from randquant.audio.crops import SAMPLE_RATE

LONGEST = 10.0  # seconds of a window where none is asked for
SHORTEST = 0.05  # seconds: a shorter rest at the end of a recording is left out


@dataclass(frozen=True)
class Windows:
    """`count` windows of `length` samples, one every `hop` samples, and at a fixed size a shorter last one.

    Attributes:
        last: samples of that last window, which follows one hop after the one before; 0 for none.
    """

    length: int
    count: int
    hop: int
    last: int = 0

    def bounds(self) -> list[tuple[int, int]]:
        """(start, stop) of each window in samples."""
        full = [(index * self.hop, index * self.hop + self.length) for index in range(self.count)]
        start = self.count * self.hop
        return [*full, (start, start + self.last)] if self.last else full


def windows(samples: int, window: float | None = None, hop: float | None = None) -> Windows:
    """Cut `samples` into equal windows of at most 10 s, or into windows of `window` seconds, one every `hop` seconds.

    Equal windows leave no short rest with an embedding of its own; they miss fewer samples than there are windows.
    Windows of a fixed size end with a shorter one where at least 50 ms would be in none otherwise.

    Args:
        samples: of the recording.
        window: seconds.
        hop: seconds, at most `window`; `window` where None, so that windows follow one another.

    >>> windows(16_000 * 25)
    Windows(length=133333, count=3, hop=133333, last=0)
    >>> windows(40_000, window=1.0)
    Windows(length=16000, count=2, hop=16000, last=8000)
    >>> windows(40_000, window=1.0, hop=0.5).bounds()
    [(0, 16000), (8000, 24000), (16000, 32000), (24000, 40000)]
    """
    if window is None:
        count = max(1, -(-samples // round(LONGEST * SAMPLE_RATE)))
        return Windows(samples // count, count, samples // count)
    length = round(window * SAMPLE_RATE)
    step = length if hop is None else max(1, round(hop * SAMPLE_RATE))
    if samples < length:
        return Windows(length, 0, step, samples)
    count = (samples - length) // step + 1
    missed = samples - ((count - 1) * step + length)
    return Windows(length, count, step, samples - count * step if missed >= SHORTEST * SAMPLE_RATE else 0)
