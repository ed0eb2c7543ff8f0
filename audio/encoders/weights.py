"""Weights of an audio encoder: written as safetensors, read from any published format.

Nothing that is read is ever executed, and loading is strict: every tensor of the encoder is matched by name and shape,
and what else the file holds must be recognisable as another part of a training (projector, target network, front end).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audio.encoders.audio_encoder import AudioEncoder
from audio.encoders.published_weights import open_published
from audio.encoders.registry import ENCODERS
from audio.front_end import FrontEnd
from audio.normalize import check_statistics
from randquant.errors import DataError, UsageError
from randquant.weights.named_encoder import open_named
from randquant.weights.state_dict import describe, fill_encoder
from randquant.weights.weight_file import Content, encoder_hash, read_weights, untrained, write_weights

MODALITY = "audio"


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
    """

    encoder: AudioEncoder
    front_end: FrontEnd
    mean: float | None
    std: float | None
    metadata: dict[str, Any]
    report: str
    sha256: str


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
    encoder, report = open_published(content)
    front_end, mean, std, metadata = _from_training(content)
    return LoadedEncoder(encoder, front_end, mean, std, metadata, report, encoder_hash(encoder))


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
    if not isinstance(encoder, AudioEncoder) or type(encoder).__name__ not in ENCODERS:
        raise TypeError(f"expected one of {', '.join(ENCODERS)}, got {type(encoder).__name__}.")
    check_statistics(mean, std)
    config = {
        "modality": MODALITY,
        "encoder": {"name": type(encoder).__name__, "arguments": encoder.arguments},
        "front_end": front_end.to_dict(),
        "mean": float(mean),
        "std": float(std),
        "training": metadata,
    }
    write_weights(path, encoder, config)


def named_encoder(name: str, *, seed: int) -> LoadedEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, or `untrained:ENCODER:D` such as `untrained:AudioNTT2020:2048`.
        seed: of an untrained encoder's initialisation.

    Raises:
        DataError: the file is not weights of a known encoder.
        UsageError: `untrained:` is not followed by a known encoder and a size it can have.
    """
    return open_named(
        name,
        load=load_encoder,
        make=lambda encoder, d: untrained_encoder(encoder, d, seed),
        encoders=ENCODERS,
        example="AudioNTT2020:2048",
    )


def untrained_encoder(name: str, d: int, seed: int) -> LoadedEncoder:
    """A freshly initialised encoder, the baseline any pretraining has to beat. The global random state is untouched.

    Args:
        name: a key of `audio.encoders.registry.ENCODERS`.
        d: its embedding size.
        seed: of the initialisation.

    Raises:
        UsageError: an unknown name.
        ValueError: a size the encoder cannot have.
    """
    if name not in ENCODERS:
        raise UsageError(f"there is no encoder {name!r}; choose one of {', '.join(ENCODERS)}.")
    encoder = untrained(lambda: ENCODERS[name](d=d), seed)
    report = f"{describe(encoder)}, untrained, seed {seed}"
    metadata = {"untrained": True, "seed": seed}
    return LoadedEncoder(encoder, FrontEnd(), None, None, metadata, report, encoder_hash(encoder))


def _own(content: Content) -> LoadedEncoder:
    """Load a file of `save_encoder`; the oldest ones do not name their modality."""
    config = content.own_config()
    if config.get("modality", MODALITY) != MODALITY:
        raise DataError(f"{content.file} is an encoder of {config['modality']}, not of sound; give one of sound.")
    try:
        front_end = FrontEnd.from_dict(config["front_end"])
        mean, std = float(config["mean"]), float(config["std"])
        metadata = dict(config["training"])
        with torch.device("meta"):
            encoder = ENCODERS[config["encoder"]["name"]](**config["encoder"]["arguments"])
    except (ValueError, KeyError, TypeError) as error:
        raise content.wrong_header(error) from None
    fill_encoder(content.file, encoder, content.value)
    digest = content.check_hash(encoder)
    try:
        check_statistics(mean, std)
    except ValueError:
        raise content.damaged() from None
    report = f"{describe(encoder)}: all {len(content.value)} tensors matched, with front end and statistics"
    return LoadedEncoder(encoder, front_end, mean, std, metadata, report, digest)


def _from_training(content: Content) -> tuple[FrontEnd, float | None, float | None, dict[str, Any]]:
    """Front end, mean, std and metadata: those of a training checkpoint of ours, or nothing known."""
    if not content.is_checkpoint:
        return FrontEnd(), None, None, {}
    try:
        settings, views = content.value["settings"], content.value["views"][0]
        said = {name: settings[name] for name in ("n_mels", "n_fft", "hop") if name in settings}  # newer than others
        front_end = FrontEnd(mel=settings["mel"], backend=settings["backend"], **said)
        mean, std = float(views["normalise.mean"]), float(views["normalise.std"])
        metadata = {"step": content.value["step"], **{name: settings[name] for name in ("method", "augment", "seed")}}
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"{content.file} is a training checkpoint without an audio front end or its statistics ({error!r}); "
            "give one of scripts.pretrain_audio."
        ) from None
    return front_end, mean, std, metadata
