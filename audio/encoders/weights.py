"""Weights of an audio encoder: written as safetensors, read from any published format.

Nothing that is read is ever executed, and loading is strict: every tensor of the encoder is matched by name and shape,
and what else the file holds must be recognisable as another part of a training (projector, target network, front end).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.encoders.audio_encoder import AudioEncoder
from randquant.audio.encoders.foreign import ForeignAudioEncoder
from randquant.audio.encoders.published_weights import is_recognised, open_published
from randquant.audio.encoders.registry import ENCODERS
from randquant.audio.spectrogram.front_end import FrontEnd
from randquant.audio.spectrogram.normalize import check_statistics
from randquant.audio.waveforms import WaveformFrontEnd
from randquant.precision import InForce
from randquant.weights.encoder_family import EncoderFamily
from randquant.weights.foreign.foreign_encoder import open_foreign
from randquant.weights.named_encoder import open_named
from randquant.weights.weight_file import Content, encoder_hash, read_weights

FAMILY = EncoderFamily("audio", "sound", "scripts.pretrain_audio", ENCODERS)


@dataclass
class LoadedEncoder:
    """An encoder ready to embed, and all that is known about it.

    Attributes:
        encoder: in eval mode, on the CPU, float32.
        front_end: what it was trained on; the default for published weights, which do not say.
        mean: of the log-mels it was trained on, None where unknown.
        std: their standard deviation, None where unknown.
        metadata: about its training, as given to `save_encoder`.
        report: one sentence: what matched, under which names, and what was left out.
        sha256: of the encoder's tensors (`encoder_hash`), whatever file they come in.
        precision: in which its features are computed.
    """

    encoder: AudioEncoder
    front_end: FrontEnd
    mean: float | None
    std: float | None
    metadata: dict[str, Any]
    report: str
    sha256: str
    precision: InForce = "32"


def load_encoder(path: str | Path) -> LoadedEncoder:
    """Open weights, recognised by their content and not by their name.

    Args:
        path: a run folder (its `encoder.safetensors` is read), a file written by `save_encoder`, a training
            checkpoint of ours, or published weights: a state dict in a PyTorch or safetensors file, bare or under a
            key such as `state_dict` or `model`, its names bare or with any prefix such as `module.` or
            `learner.online_encoder.net.`. Where a file holds an online and a target network, the online one is taken.

    Raises:
        DataError: missing, truncated, no checkpoint, for another encoder, or holding Python objects, which loading
            would execute.
    """
    content = read_weights(path)
    if content.config is not None:
        return _own(content)
    encoder, report = open_published(content.exported())
    digest = encoder_hash(encoder)
    if not content.is_checkpoint:
        return LoadedEncoder(encoder, FrontEnd(), None, None, {}, report, digest)
    (front_end, mean, std), metadata = FAMILY.read_checkpoint(content, _in_checkpoint)
    return LoadedEncoder(encoder, front_end, mean, std, metadata, report, digest)


def is_of_sound(content: Content) -> bool:
    """Whether the content of a file is weights of sound, as far as recognisable; the oldest of ours do not say."""
    return content.config is not None or content.is_checkpoint or is_recognised(content)


def save_encoder(
    path: str | Path, encoder: nn.Module, *, front_end: FrontEnd, mean: float, std: float, metadata: dict[str, Any]
) -> None:
    """Write an encoder as safetensors, atomically; equal content gives equal bytes.

    The header's `config` holds modality, encoder (name, arguments), front end, mean, std and the training's metadata.

    Args:
        path: file to write.
        encoder: one of `ENCODERS`, on any device.
        front_end: what it was trained on.
        mean: of the log-mels it was trained on.
        std: their standard deviation.
        metadata: JSON values about the training.

    Raises:
        TypeError: the encoder is none of `ENCODERS`, or the metadata are not JSON values.
        ValueError: mean or std is not finite, or std is not positive.
    """
    check_statistics(mean, std)
    own = {"front_end": front_end.to_dict(), "mean": float(mean), "std": float(std)}
    FAMILY.save(path, encoder, own, metadata)


def named_encoder(name: str, *, seed: int) -> LoadedEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, `untrained:ENCODER:D` such as `untrained:AudioNTT2020:2048`, or
            `python:MODULE:FUNCTION`, which runs the user's own code.
        seed: of an untrained encoder's initialisation, and of what a user's function draws.

    Raises:
        DataError: the file is not weights of a known encoder.
        UsageError: `untrained:` is not followed by a known encoder and a size it can have, or `python:` not by a
            function that returns an encoder of sound.
    """
    return open_named(
        name,
        load=load_encoder,
        make=lambda encoder, d: untrained_encoder(encoder, d, seed),
        foreign=lambda python: foreign_encoder(python, seed),
        encoders=ENCODERS,
        example="AudioNTT2020:2048",
    )


def untrained_encoder(name: str, d: int, seed: int) -> LoadedEncoder:
    """A freshly initialised encoder, the baseline any pretraining has to beat. The global random state is untouched.

    Args:
        name: a key of `randquant.audio.encoders.registry.ENCODERS`.
        d: its embedding size.
        seed: of the initialisation.

    Raises:
        UsageError: an unknown name.
        ValueError: a size the encoder cannot have.
    """
    opened = FAMILY.make_untrained(name, lambda made: made(d=d), seed)
    encoder, digest = opened.encoder, encoder_hash(opened.encoder)
    return LoadedEncoder(encoder, FrontEnd(), None, None, opened.metadata, opened.report, digest)


def foreign_encoder(name: str, seed: int) -> LoadedEncoder:
    """The encoder of waveforms that a user's function returns; its statistics leave samples as they are.

    Raises:
        UsageError: there is no such function, it fails, or what it returns breaks the contract.
    """
    foreign = open_foreign(name, "audio", seed)
    encoder = ForeignAudioEncoder(foreign)
    known = foreign.identified(encoder.example(), encoder.arguments)
    report = f"{known.report}; waveforms at {encoder.sample_rate:,} Hz"
    if encoder.sample_rate > SAMPLE_RATE:
        report += f", resampled from {SAMPLE_RATE:,} Hz and so without what lies above {SAMPLE_RATE // 2:,} Hz"
    front_end = WaveformFrontEnd(encoder_rate=encoder.sample_rate)
    return LoadedEncoder(encoder.eval(), front_end, 0.0, 1.0, known.metadata, report, known.sha256)


def _own(content: Content) -> LoadedEncoder:
    """A file of `save_encoder`."""
    opened = FAMILY.open_saved(content, _in_header)
    (front_end, mean, std), digest = opened.own, encoder_hash(opened.encoder)
    try:
        check_statistics(mean, std)
    except ValueError:
        raise content.damaged() from None
    report = f"{opened.report}, with front end and statistics"
    return LoadedEncoder(opened.encoder, front_end, mean, std, opened.metadata, report, digest)


def _in_header(config: dict[str, Any]) -> tuple[FrontEnd, float, float]:
    return FrontEnd.from_dict(config["front_end"]), float(config["mean"]), float(config["std"])


def _in_checkpoint(saved: Any) -> tuple[FrontEnd, float, float]:
    """Front end, mean and deviation of a training checkpoint of ours."""
    settings, views = saved["settings"], saved["views"][0]
    said = {name: settings[name] for name in ("n_mels", "n_fft", "hop") if name in settings}  # newer than others
    front_end = FrontEnd(mel=settings["mel"], backend=settings["backend"], **said)
    return front_end, float(views["normalise.mean"]), float(views["normalise.std"])
