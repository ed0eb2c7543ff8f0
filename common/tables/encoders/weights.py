"""Weights of an encoder of tables: written as safetensors with the names of its columns, read strictly."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from common.tables.encoders.mlp import MLP
from common.tables.encoders.registry import ENCODERS
from randquant.errors import DataError, UsageError
from randquant.weights.named_encoder import open_named
from randquant.weights.state_dict import OTHER_PARTS, Naming, describe, fill_encoder, find_encoder
from randquant.weights.weight_file import Content, network_hash, read_weights, untrained, write_weights

MODALITY = "tables"
_PART = re.compile(r"(embed|layers|last)\.")
_NAMES = Naming("embed.parts.0.weight", lambda name: name if _PART.match(name) else None)
_OTHER_PART = re.compile("|".join(OTHER_PARTS))


@dataclass
class LoadedTableEncoder:
    """An encoder ready to embed, and all that is known about it.

    Attributes:
        encoder: in eval mode, on the CPU.
        columns: names of the numbers of a row it was trained on, in order; None for an untrained one.
        metadata: about its training.
        report: one sentence: what matched.
        sha256: of tensors, class and arguments.
    """

    encoder: MLP
    columns: list[str] | None
    metadata: dict[str, Any]
    report: str
    sha256: str

    def require_columns(self, names: Sequence[str], path: object) -> None:
        """Refuse the rows of another table.

        Raises:
            DataError: its numbers have other names than those it was trained on.
        """
        if self.columns is not None and list(names) != self.columns:
            other = next((name for name in self.columns if name not in names), None)
            what = "another order of columns" if other is None else f"no {other}"
            raise DataError(
                f"{path} has {what}: the encoder was trained on rows of {len(self.columns)} numbers "
                f"({', '.join(self.columns[:4])}, …), these have {len(names)}; prepare it as the training's table."
            )


def save_encoder(path: Path, encoder: nn.Module, *, columns: Sequence[str], metadata: dict[str, Any]) -> None:
    """Write an encoder, atomically; equal content gives equal bytes.

    Args:
        path: file to write.
        encoder: one of `ENCODERS`.
        columns: names of the numbers of a row.
        metadata: JSON values about the training.

    Raises:
        TypeError: the encoder is none of `ENCODERS`.
    """
    if not isinstance(encoder, MLP):
        raise TypeError(f"expected one of {', '.join(ENCODERS)}, got {type(encoder).__name__}.")
    described = {"name": encoder.name, "arguments": encoder.arguments}
    config = {"modality": MODALITY, "encoder": described, "columns": list(columns), "training": metadata}
    write_weights(path, encoder, config)


def load_encoder(path: Path) -> LoadedTableEncoder:
    """Open a run folder, a file of `save_encoder` or a training checkpoint of ours.

    Raises:
        DataError: it is none of these, damaged, or of another modality.
    """
    content = read_weights(path)
    if content.config is not None:
        return _own(content)
    if content.is_checkpoint:
        return _from_training(content)
    raise DataError(f"{content.file} is no encoder of tables of ours; give a run of scripts.pretrain_table.")


def named_encoder(name: str, seed: int, *, blocks: Sequence[int]) -> LoadedTableEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, or `untrained:MLP:WIDTH`.
        seed: of an untrained encoder's initialisation.
        blocks: of the rows that an untrained encoder is to take.

    Raises:
        DataError: the file is not weights of an encoder of tables.
        UsageError: `untrained:` is not followed by an encoder and a width.
    """
    return open_named(
        name,
        load=load_encoder,
        make=partial(untrained_encoder, seed=seed, blocks=blocks),
        encoders=ENCODERS,
        example="MLP:64",
        number="WIDTH",
    )


def untrained_encoder(name: str, width: int, *, seed: int, blocks: Sequence[int]) -> LoadedTableEncoder:
    """A freshly initialised encoder, the floor of any pretraining. The global random state is untouched.

    Raises:
        UsageError: an unknown name.
        ValueError: a width it cannot have.
    """
    if name not in ENCODERS:
        raise UsageError(f"there is no encoder {name!r}; choose one of {', '.join(ENCODERS)}.")
    encoder = untrained(lambda: ENCODERS[name](blocks, width), seed)
    report = f"{describe(encoder)}, untrained, seed {seed}"
    return LoadedTableEncoder(encoder, None, {"untrained": True, "seed": seed}, report, network_hash(encoder))


def _own(content: Content) -> LoadedTableEncoder:
    config = content.own_config()
    if config.get("modality") != MODALITY:
        raise DataError(f"{content.file} is an encoder of {config.get('modality', 'sound')}; give one of tables.")
    try:
        columns, metadata = [str(name) for name in config["columns"]], dict(config["training"])
        with torch.device("meta"):
            encoder = ENCODERS[config["encoder"]["name"]](**config["encoder"]["arguments"])
    except (ValueError, KeyError, TypeError) as error:
        raise content.wrong_header(error) from None
    fill_encoder(content.file, encoder, content.value)
    content.check_hash(encoder)
    report = f"{describe(encoder)}: all {len(content.value)} tensors matched, for rows of {len(columns)} numbers"
    return LoadedTableEncoder(encoder, columns, metadata, report, network_hash(encoder))


def _from_training(content: Content) -> LoadedTableEncoder:
    """The encoder of a training checkpoint of ours, as it is."""
    try:
        settings, data = content.value["settings"], content.value["data"]
        columns = [str(name) for name in data["columns"]]
        metadata = {"step": content.value["step"], **{name: settings[name] for name in ("method", "augment", "seed")}}
        with torch.device("meta"):
            encoder = ENCODERS[settings["encoder"]](data["blocks"], settings["width"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{content.file} is a training checkpoint without an encoder of tables ({error!r}); give one of "
            "scripts.pretrain_table."
        ) from None
    found = find_encoder(content, (_NAMES,), _OTHER_PART, settings["encoder"])
    fill_encoder(content.file, encoder, found.tensors)
    return LoadedTableEncoder(encoder, columns, metadata, found.report(encoder), network_hash(encoder))
