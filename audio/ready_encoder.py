"""Encoders of sound that take waveforms and recordings as users have them."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from randquant.audio.crops import SAMPLE_RATE, Samples
from randquant.audio.embedding.steps import step_vectors
from randquant.audio.embedding.window_batches import WindowBatches, batch_seconds
from randquant.audio.embedding.windows import windows
from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.layer import Layer
from randquant.audio.encoders.registry import ENCODERS
from randquant.audio.encoders.weights import LoadedEncoder, is_of_sound, named_encoder
from randquant.audio.spectrogram.normalised_log_mel import NormalisedLogMel
from randquant.audio.spectrogram.normalize import check_statistics
from randquant.errors import UsageError
from randquant.extras import needs
from randquant.inference import evaluating, inference
from randquant.loading.ready_encoder import Frames, ReadyEncoder
from randquant.weights.weight_file import Content

if TYPE_CHECKING:
    from randquant.audio.inputs import Axes
    from randquant.audio.levels import Levels
    from randquant.audio.samples import Channel

# Where an encoder has none: everyday sounds, the 400 recordings of ESC-10 have -6.98 and 5.49 (audio/README.md).
USUAL_STATISTICS = (-7.0, 5.5)


class AudioReadyEncoder(ReadyEncoder[Samples]):
    """Waveforms at any rate and recordings in any format -> vectors; `randquant.load` makes it.

        encoder = randquant.load("RUN")
        encoder("recording.mp3")                                   # (D,)
        encoder(waveform, sample_rate=48_000)                      # (T,) -> (D,)
        encoder(stereo, sample_rate=48_000, axes="CT")             # (2, T) -> (D,)
        encoder(batch, sample_rate=16_000, axes="BT")              # (B, T) -> (B, D)
        encoder([first, second, "third.wav"], sample_rate=16_000)  # of any lengths -> (3, D)
        encoder.frames("recording.mp3").vectors                    # (1, T', D)

    An input becomes what a store would hold of it: its channels mixed as in the training (else their mean), resampled
    to 16 kHz by soxr, int16. What is longer than 10 s is cut into equal windows of at most 10 s, whose vectors are
    averaged. So a vector is the row that `python -m scripts.embed` writes. `front_end` has the numbers of the log-mel;
    `encoder.encoder(encoder.prepare(waveforms))` is the differentiable way from (B, T) at 16 kHz to (B, D).

    Args:
        loaded: the network and what is known about it.
        statistics: mean and deviation of log-mels, instead of its own.
        channel: of recordings: mean, left, right or loudest, instead of that of its training.
        peak_normalise: scale each recording to its peak, instead of as in its training.

    Attributes:
        sample_rate: of the log-mel, 16,000 Hz.
        front_end: its definition.
        statistics: mean and deviation that normalise it.
        prepare: waveforms to normalised log-mels.
    """

    modality: ClassVar[str] = "audio"
    networks: ClassVar[Mapping[str, type[nn.Module]]] = ENCODERS
    sample_rate = SAMPLE_RATE
    encoder: AudioEncoder

    def __init__(
        self,
        loaded: LoadedEncoder,
        *,
        statistics: tuple[float, float],
        channel: "Channel | None" = None,
        peak_normalise: bool | None = None,
    ) -> None:
        super().__init__(loaded.encoder, sha256=loaded.sha256, report=loaded.report, metadata=loaded.metadata)
        self.front_end, self.statistics = loaded.front_end, statistics
        self.channel: Channel = channel or loaded.metadata.get("channel", "mean")
        trained = bool(loaded.metadata.get("peak_normalise"))
        self.peak_normalise = trained if peak_normalise is None else peak_normalise
        self.prepare = NormalisedLogMel(loaded.front_end, *statistics)

    @classmethod
    def open(
        cls,
        name: str,
        *,
        seed: int = 42,
        statistics: tuple[float, float] | None = None,
        channel: "Channel | None" = None,
        peak_normalise: bool | None = None,
    ) -> Self:
        """Open an encoder; see the class for the options.

        Weights of others and untrained encoders carry no statistics; without `statistics` those of everyday sounds
        are used, with a warning.

        Raises:
            DataError: it cannot be opened, or is of another modality.
            UsageError: it names no encoder, there is no such channel, or the statistics are not finite or the
                deviation not positive.
        """
        loaded = named_encoder(name, seed=seed)
        known = None if loaded.mean is None or loaded.std is None else (loaded.mean, loaded.std)
        if statistics is None and known is None:
            mean, std = USUAL_STATISTICS
            warnings.warn(
                f"{name} does not say by which mean and deviation its log-mels are normalised; {mean:g} and {std:g} "
                "are used, those of everyday sounds: give statistics=(mean, deviation) where you know better.",
                stacklevel=3,
            )
        chosen = statistics or known or USUAL_STATISTICS
        try:
            mean, std = chosen
            check_statistics(mean, std)
        except (ValueError, TypeError):
            raise UsageError(
                f"statistics={chosen!r} should be (mean, deviation), finite and the second above 0."
            ) from None
        if channel is not None:
            _check_channel(channel)
        return cls(loaded, statistics=chosen, channel=channel, peak_normalise=peak_normalise)

    @classmethod
    def recognises(cls, content: Content) -> bool:
        """Whether they are weights of sound, where no other modality knows them."""
        return is_of_sound(content)

    @property
    def layers(self) -> tuple[str, ...]:
        """output, what the training ended in; conv, the features of the convolutions; conv+output, both."""
        return self.encoder.layers

    def forward(
        self,
        x: Any,
        *,
        sample_rate: int | Sequence[int] | None = None,
        layer: Layer = "output",
        axes: "Axes | None" = None,
    ) -> Tensor:
        """Vectors of sound.

        Args:
            x: a path, a waveform (T,) as a tensor or an array, or a list of any of these, of any lengths. With `axes`
                also a batch or several channels. Integers are taken at the full scale of their type, floats at 1.0;
                what is beyond full scale is cut off, with a warning.
            sample_rate: of waveforms in Hz, and of .npy files, which do not say theirs; in a list one for all or one
                for each.
            layer: one of `layers`.
            axes: of arrays of more than one axis: "BT" a batch of one channel each, "CT" or "TC" one recording of
                several channels, "BCT" or "BTC" a batch of those.

        Returns:
            (D,) for one input, (B, D) for a list or a batch.

        Raises:
            DataError: a file cannot be read; a waveform is empty, too short for a sample at 16 kHz, holds NaN or
                infinity, or is of a type or scale that no recording has.
            UsageError: no sample rate, axes that may be read in more than one way, or no such layer.
        """
        self._require_layer(layer)
        samples, single = self._samples(x, sample_rate, axes)
        return self._vectors(samples, layer, single=single)

    def frames(  # type: ignore[override]
        self,
        x: Any,
        *,
        sample_rate: int | Sequence[int] | None = None,
        layer: Layer = "output",
        axes: "Axes | None" = None,
    ) -> Frames:
        """Vectors over time, of the whole recording at its own length: AudioNTT2020 has one every 80 ms.

        They are the features that a call pools, and do not depend on how long the recording is, nor on the others.

        Args:
            x, sample_rate, layer, axes: as in a call; one input is a batch of one.

        Raises:
            DataError, UsageError: as in a call.
        """
        self._require_layer(layer)
        self._require_numbers()
        samples, _ = self._samples(x, sample_rate, axes)
        counts = [self.encoder.frame_count(self.front_end.frames(len(each))) for each in samples]
        longest = max(counts, default=0)
        vectors = torch.zeros(len(samples), longest, self._dimension(layer), device=self.device)
        with inference(), evaluating(self.encoder):
            for places in self._batches(samples):
                waveforms = [samples[place] for place in places]
                found = step_vectors(
                    self.encoder, layer, self._network_input, waveforms, self.front_end, self.precision
                )
                vectors[places, : found.shape[1]] = found.float()
        times = self.encoder.frame_times(longest, self.front_end.hop / self.sample_rate)
        return Frames(vectors, times, torch.tensor(counts, dtype=torch.int64))

    def _dimension(self, layer: Layer) -> int:  # type: ignore[override]
        return self.encoder.embedding_size(layer)

    def _network_input(self, waveforms: Sequence[Samples]) -> Tensor:
        """Normalised log-mels of waveforms of as many frames, in the network's own type."""
        return self.prepare.of_lengths(waveforms).to(self.dtype)

    def _embed(self, items: Sequence[Samples], layer: Layer) -> Tensor:  # type: ignore[override]
        found: list[NDArray[np.float32]] = []
        batches = WindowBatches(
            lambda waveforms: self.network(self._network_input(waveforms), layer=layer),
            self.front_end,
            found,
            self.device,
        )
        for place, samples in enumerate(items):
            batches.add(place, samples, windows(len(samples)), average=True)
        batches.flush()
        vectors = torch.from_numpy(np.stack(found))
        return vectors[torch.tensor([row.recording for row in batches.rows]).argsort()]

    def _batches(self, samples: Sequence[Samples]) -> list[list[int]]:
        """Places of waveforms of as many frames, so many as are computed at once."""
        same: dict[int, list[int]] = {}
        for place, each in enumerate(samples):
            same.setdefault(self.front_end.frames(len(each)), []).append(place)
        batches = []
        for frames, places in same.items():
            size = max(1, int(batch_seconds(self.device) * SAMPLE_RATE / (frames * self.front_end.hop)))
            batches += [places[first : first + size] for first in range(0, len(places), size)]
        return batches

    def _samples(
        self, x: Any, sample_rate: int | Sequence[int] | None, axes: "Axes | None"
    ) -> tuple[list[Samples], bool]:
        """What a store would hold of each input, and whether it is one alone."""
        with needs("audio"):
            from randquant.audio.inputs import read_inputs

        read, single = read_inputs(x, sample_rate, axes, channel=self.channel, peak_normalise=self.peak_normalise)
        _warn_of([levels for _, levels in read])
        return [samples for samples, _ in read], single


def _check_channel(channel: str) -> None:
    with needs("audio"):
        from randquant.audio.samples import Channel

    if channel not in get_args(Channel):
        raise UsageError(f"channel={channel!r} should be one of {', '.join(get_args(Channel))}.")


def _warn_of(levels: Sequence["Levels"]) -> None:
    """Say what the levels of inputs point to."""
    from randquant.audio.levels import COUNTED, count_levels

    counts: Counter[str] = count_levels(each.columns() for each in levels)
    words = {"silent": "silent", "clipped": "cut off at full scale", "cancelling": "of channels that cancel each other"}
    said = [f"{counts[name]:,} {words[name]}" for name in COUNTED if counts[name]]
    if said:
        warnings.warn(f"of {len(levels):,} inputs {', '.join(said)}; check how they were made.", stacklevel=6)
