"""Weights of an encoder of tables: written as safetensors with the names of its columns, read strictly."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from randquant.errors import DataError
from randquant.precision import InForce
from randquant.tables.encoders.foreign import ForeignTableEncoder
from randquant.tables.encoders.mlp import MLP
from randquant.tables.encoders.registry import ENCODERS
from randquant.tables.stored_table import Scales
from randquant.weights.encoder_family import EncoderFamily, Opened
from randquant.weights.foreign.foreign_encoder import open_foreign
from randquant.weights.named_encoder import open_named
from randquant.weights.state_dict import OTHER_PARTS, Naming
from randquant.weights.weight_file import Content, network_hash, read_weights

FAMILY = EncoderFamily("tables", "tables", "scripts.pretrain_table", ENCODERS)
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
        scales: by which the columns of numbers of its training were standardised, where it says so.
        described: the columns of its table before they were numbers, as its store has them; empty where it does not
            say, as in files of before.
        precision: in which its features are computed.
    """

    encoder: MLP | ForeignTableEncoder
    columns: list[str] | None
    metadata: dict[str, Any]
    report: str
    sha256: str
    scales: Scales = field(default_factory=dict)
    described: list[dict[str, Any]] = field(default_factory=list)
    precision: InForce = "32"

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


def save_encoder(
    path: Path,
    encoder: nn.Module,
    *,
    columns: Sequence[str],
    scales: Scales | None = None,
    described: Sequence[Mapping[str, Any]] = (),
    metadata: dict[str, Any],
) -> None:
    """Write an encoder, atomically; equal content gives equal bytes.

    Args:
        path: file to write.
        encoder: one of `ENCODERS`.
        columns: names of the numbers of a row.
        scales: mean and deviation by which those that hold numbers were standardised.
        described: the columns of the table, as `randquant.tables.stored_table.described` gives them.
        metadata: JSON values about the training.

    Raises:
        TypeError: the encoder is none of `ENCODERS`.
    """
    about: dict[str, Any] = {"columns": list(columns)}
    about["scales"] = {name: list(pair) for name, pair in (scales or {}).items()}
    about |= {"described": [dict(each) for each in described]} if described else {}
    FAMILY.save(path, encoder, about, metadata)


def load_encoder(path: Path) -> LoadedTableEncoder:
    """Open a run folder, a file of `save_encoder` or a training checkpoint of ours.

    Raises:
        DataError: it is none of these, damaged, or of another modality.
    """
    content = read_weights(path)
    if content.config is not None:
        return _own(content)
    if content.is_checkpoint:
        return _loaded(FAMILY.open_checkpoint(content, _in_checkpoint, lambda _: (_NAMES,), _OTHER_PART))
    raise DataError(f"{content.file} is no encoder of tables of ours; give a run of scripts.pretrain_table.")


def is_of_tables(content: Content) -> bool:
    """Whether the content of a file is weights of tables; only files of ours are."""
    return content.is_of(FAMILY.modality, "rq_over", lambda _: False)


def named_encoder(name: str, seed: int, *, blocks: Sequence[int]) -> LoadedTableEncoder:
    """Open what `name` says.

    Args:
        name: a run folder, a weights file, `untrained:MLP:WIDTH`, or `python:MODULE:FUNCTION`, which runs the user's
            own code.
        seed: of an untrained encoder's initialisation, and of what a user's function draws.
        blocks: of the rows that an untrained or a user's encoder is to take.

    Raises:
        DataError: the file is not weights of an encoder of tables.
        UsageError: `untrained:` is not followed by an encoder and a width, or `python:` not by a function that returns
            an encoder of such rows.
    """
    return open_named(
        name,
        load=load_encoder,
        make=partial(untrained_encoder, seed=seed, blocks=blocks),
        foreign=partial(foreign_encoder, seed=seed, columns=sum(blocks)),
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
    return _loaded(FAMILY.make_untrained(name, lambda made: made(blocks, width), seed))


def foreign_encoder(name: str, *, seed: int, columns: int) -> LoadedTableEncoder:
    """The encoder of rows of so many numbers that a user's function returns.

    Raises:
        UsageError: there is no such function, it fails, or what it returns breaks the contract.
    """
    foreign = open_foreign(name, "tables", seed)
    encoder = ForeignTableEncoder(foreign, columns)
    known = foreign.identified(encoder.example(), encoder.arguments)
    report = f"{known.report}; rows of {columns} numbers as the store holds them"
    return LoadedTableEncoder(encoder.eval(), None, known.metadata, report, known.sha256)


def _loaded(opened: Opened[MLP, list[str]] | Opened[MLP, None]) -> LoadedTableEncoder:
    encoder = opened.encoder
    return LoadedTableEncoder(encoder, opened.own, opened.metadata, opened.report, network_hash(encoder))


def _own(content: Content) -> LoadedTableEncoder:
    """A file of `save_encoder`."""
    scales: Scales = {}
    described: list[dict[str, Any]] = []

    def columns(config: Mapping[str, Any]) -> list[str]:
        said = dict(config.get("scales", {}))
        scales.update({str(name): (float(mean), float(spread)) for name, (mean, spread) in said.items()})
        described.extend(dict(each) for each in config.get("described", ()))
        return [str(name) for name in config["columns"]]

    opened = FAMILY.open_saved(content, columns)
    opened.report += f", for rows of {len(opened.own)} numbers"
    return replace(_loaded(opened), scales=scales, described=described)


def _in_checkpoint(saved: Any) -> tuple[MLP, list[str]]:
    """Encoder without tensors, and columns, of a training checkpoint of ours."""
    settings, data = saved["settings"], saved["data"]
    sizes = {"blocks": data["blocks"], "width": settings["width"]}
    made = ENCODERS[settings["encoder"]](**data.get("arguments", sizes))
    return made, [str(name) for name in data["columns"]]
