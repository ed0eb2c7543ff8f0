"""Weights of an encoder of pictures: written as safetensors, read from any published format.

Nothing that is read is ever executed, and loading is strict: every tensor of the encoder is matched by name and shape,
and what else the file holds must be recognisable as another part of a training (projector, momentum encoder, queue).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from randquant.images.encoders.foreign import ForeignImageEncoder
from randquant.images.encoders.image_encoder import ImageEncoder
from randquant.images.encoders.published_weights import NAMINGS, OTHER_PART, is_recognised, open_published
from randquant.images.encoders.registry import ENCODERS
from randquant.images.normalise import IMAGENET, IN_UNIT_RANGE, ColourStatistics, check_statistics, statistics_of
from randquant.precision import InForce
from randquant.weights.encoder_family import EncoderFamily, Opened
from randquant.weights.foreign.foreign_encoder import open_foreign
from randquant.weights.named_encoder import open_named
from randquant.weights.weight_file import Content, network_hash, read_weights

FAMILY = EncoderFamily("images", "pictures", "scripts.pretrain_images", ENCODERS)


@dataclass
class LoadedImageEncoder:
    """An encoder ready to embed, and all that is known about it.

    Attributes:
        encoder: in eval mode, on the CPU, float32; its `size` is that of the pictures it was trained on.
        statistics: of the colours it was trained on; None where unknown.
        metadata: about its training, as given to `save_encoder`.
        report: one sentence: what matched, under which names, and what was left out.
        sha256: of tensors, class and arguments (`network_hash`), whatever file they come in.
        precision: in which its features are computed.
    """

    encoder: ImageEncoder
    statistics: ColourStatistics | None
    metadata: dict[str, Any]
    report: str
    sha256: str
    precision: InForce = "32"


def load_encoder(path: str | Path) -> LoadedImageEncoder:
    """Open weights, recognised by their content and not by their name.

    Args:
        path: a run folder (its `encoder.safetensors` is read), a file written by `save_encoder`, a training
            checkpoint of ours, or published weights (`randquant.images.encoders.published_weights`).

    Raises:
        DataError: missing, truncated, no checkpoint, for another encoder, or holding Python objects, which loading
            would execute.
    """
    content = read_weights(path)
    if content.config is not None:
        return _own(content)
    if content.is_checkpoint:
        return _loaded(FAMILY.open_checkpoint(content, _in_checkpoint, lambda _: NAMINGS, OTHER_PART))
    encoder, report = open_published(content)
    report += "; pictures are normalised by ImageNet's colours, as published files expect"
    return LoadedImageEncoder(encoder, IMAGENET, {}, report, network_hash(encoder))


def is_of_pictures(content: Content) -> bool:
    """Whether the content of a file is weights of pictures, as far as recognisable."""
    return content.is_of(FAMILY.modality, "image_size", is_recognised)


def save_encoder(
    path: str | Path, encoder: nn.Module, *, statistics: ColourStatistics, metadata: dict[str, Any]
) -> None:
    """Write an encoder as safetensors, atomically; equal content gives equal bytes.

    The header's `config` holds modality, encoder (name, and arguments with the size of pictures), mean and std of the
    colours, and the training's metadata.

    Args:
        path: file to write.
        encoder: one of `ENCODERS`, on any device.
        statistics: of the pictures it was trained on.
        metadata: JSON values about the training.

    Raises:
        TypeError: the encoder is none of `ENCODERS`, or the metadata are not JSON values.
        ValueError: the statistics are not three means and three positive deviations.
    """
    check_statistics(statistics)
    own = {name: list(values) for name, values in statistics._asdict().items()}
    FAMILY.save(path, encoder, own, metadata)


def named_encoder(name: str, *, seed: int, size: int | None = None) -> LoadedImageEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, `untrained:ENCODER:WIDTH` such as `untrained:small_cnn:1`, or
            `python:MODULE:FUNCTION`, which runs the user's own code.
        seed: of an untrained encoder's initialisation, and of what a user's function draws.
        size: of the pictures of an untrained encoder; the encoder's usual one where None.

    Raises:
        DataError: the file is not weights of a known encoder.
        UsageError: `untrained:` is not followed by a known encoder and a width it can have, or `python:` not by a
            function that returns an encoder of pictures.
    """
    return open_named(
        name,
        load=load_encoder,
        make=lambda encoder, width: untrained_encoder(encoder, width, seed, size),
        foreign=lambda python: foreign_encoder(python, seed),
        encoders=ENCODERS,
        example="small_cnn:1",
        number="WIDTH",
        whole=False,
    )


def untrained_encoder(name: str, width: float, seed: int, size: int | None = None) -> LoadedImageEncoder:
    """A freshly initialised encoder, the baseline any pretraining has to beat. The global random state is untouched.

    Args:
        name: a key of `randquant.images.encoders.registry.ENCODERS`.
        width: factor of its numbers of channels.
        seed: of the initialisation.
        size: of the pictures; the encoder's usual one where None.

    Raises:
        UsageError: an unknown name.
        ValueError: a width or size the encoder cannot have.
    """
    return _loaded(FAMILY.make_untrained(name, lambda made: made(width=width, size=size), seed))


def foreign_encoder(name: str, seed: int) -> LoadedImageEncoder:
    """The encoder of pictures in [0, 1] that a user's function returns; it normalises colours itself.

    Raises:
        UsageError: there is no such function, it fails, or what it returns breaks the contract.
    """
    foreign = open_foreign(name, "images", seed)
    encoder = ForeignImageEncoder(foreign)
    known = foreign.identified(encoder.example(), encoder.arguments)
    report = f"{known.report}; pictures of {encoder.size} x {encoder.size} in [0, 1]"
    return LoadedImageEncoder(encoder.eval(), IN_UNIT_RANGE, known.metadata, report, known.sha256)


def _loaded(opened: Opened[ImageEncoder, ColourStatistics] | Opened[ImageEncoder, None]) -> LoadedImageEncoder:
    encoder = opened.encoder
    return LoadedImageEncoder(encoder, opened.own, opened.metadata, opened.report, network_hash(encoder))


def _own(content: Content) -> LoadedImageEncoder:
    """A file of `save_encoder`."""
    opened = FAMILY.open_saved(content, lambda config: statistics_of(config["mean"], config["std"]))
    opened.report += ", with the statistics of its colours"
    return _loaded(opened)


def _in_checkpoint(saved: Any) -> tuple[ImageEncoder, ColourStatistics]:
    """Encoder without tensors, and colours, of a training checkpoint of ours."""
    settings, views = saved["settings"], saved["views"][0]
    statistics = statistics_of(*(views[f"normalise.{name}"].flatten().tolist() for name in ("mean", "std")))
    sizes = {"width": settings["width"], "size": settings["image_size"]}
    return ENCODERS[settings["encoder"]](**saved.get("data", {}).get("arguments", sizes)), statistics
