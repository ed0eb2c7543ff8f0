"""Weights of an audio encoder: written as safetensors, read from whatever they were published in.

Nothing that is read is ever executed: PyTorch files are opened with `weights_only=True`, and a file that needs more
than that is refused by name. Loading is strict: every tensor of the encoder is matched by name and shape, and what
else the file holds must be recognisable as another part of a training (projector, target network, front end).
"""

import hashlib
import json
import math
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as format_safetensors
from torch import nn

from audio.encoder import ENCODERS, AudioNTT
from audio.logmel import FrontEnd
from audio.published import build_encoder, describe, fill_encoder, find_encoder
from randquant.atomic import atomic_path
from randquant.checkpoint import FORMAT as CHECKPOINT_FORMAT
from randquant.errors import DataError, UsageError

FORMAT = "randquant-encoder"
VERSION = "1"
FILE_NAME = "encoder.safetensors"


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

    encoder: AudioNTT
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
    file = _weights_file(Path(path))
    content = _read(file)
    if content.own_config is not None:
        return _own(file, content)
    found = find_encoder(file, content.value)
    encoder = build_encoder(file, found)
    front_end, mean, std, metadata = _from_training(file, content.value)
    return LoadedEncoder(encoder, front_end, mean, std, metadata, found.report(encoder), encoder_hash(encoder))


def save_encoder(
    path: str | Path, encoder: nn.Module, *, front_end: FrontEnd, mean: float, std: float, metadata: dict[str, Any]
) -> None:
    """Write an encoder as safetensors, atomically; equal content gives equal bytes.

    The header's metadata hold format, version, sha256 and `config`: JSON of the encoder's name and arguments, the
    front end, mean, std and the training's metadata.

    Args:
        path: file to write.
        encoder: an `AudioNTT`, on any device.
        front_end: what it was trained on.
        mean: of the log-mels it was trained on.
        std: their standard deviation.
        metadata: JSON values about the training.

    Raises:
        TypeError: the encoder is no AudioNTT, or the metadata are no JSON values.
        ValueError: mean or std is not finite, or std is not positive.
    """
    if not isinstance(encoder, AudioNTT):
        raise TypeError(f"expected one of {', '.join(ENCODERS)}, got {type(encoder).__name__}.")
    if not _valid_statistics(mean, std):
        raise ValueError(f"expected a finite mean and a finite std > 0, got mean={mean!r} and std={std!r}.")
    config = {
        "encoder": {"name": type(encoder).__name__, "arguments": encoder.arguments},
        "front_end": front_end.to_dict(),
        "mean": float(mean),
        "std": float(std),
        "training": metadata,
    }
    header = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": encoder_hash(encoder),
        "config": json.dumps(config, sort_keys=True, allow_nan=False),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(_sorted_header(format_safetensors(tensors, header)))


def untrained_encoder(name: str, d: int, seed: int) -> LoadedEncoder:
    """A freshly initialised encoder, the baseline any pretraining has to beat. The global random state is untouched.

    Args:
        name: a key of `audio.encoder.ENCODERS`.
        d: its embedding size.
        seed: of the initialisation.

    Raises:
        UsageError: an unknown name.
        ValueError: a size the encoder cannot have.
    """
    if name not in ENCODERS:
        raise UsageError(f"there is no encoder {name!r}; choose one of {', '.join(ENCODERS)}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = ENCODERS[name](d=d).eval()  # type: ignore[call-arg]  # every encoder takes d
    report = f"{describe(encoder)}, untrained, seed {seed}"
    metadata = {"untrained": True, "seed": seed}
    return LoadedEncoder(encoder, FrontEnd(), None, None, metadata, report, encoder_hash(encoder))


def encoder_hash(encoder: nn.Module) -> str:
    """SHA-256 over the state dict's names, types, shapes and bytes in the order of names: "same weights"."""
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@dataclass
class _Content:
    """What a file holds: plain containers of tensors, and our own header where it has one."""

    value: Any
    own_config: str | None = None
    own_hash: str | None = None


def _weights_file(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"{path} does not exist; give a run folder or a weights file.")
    if not path.is_dir():
        return path
    if (path / FILE_NAME).is_file():
        return path / FILE_NAME
    if (path / "checkpoint.pt").is_file():
        raise DataError(
            f"{path} has no {FILE_NAME} because its training has not finished; finish it by the same command again, "
            f"or give {path / 'checkpoint.pt'} to use it as it is."
        )
    raise DataError(f"{path} is a folder without {FILE_NAME}; give the folder of a finished run or a weights file.")


def _read(file: Path) -> _Content:
    """Parse a file by its first bytes."""
    with file.open("rb") as stream:
        start = stream.read(9)
    if start[8:] == b"{":
        return _read_safetensors(file)
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        return _Content(_read_torch(file))
    raise DataError(
        f"{file} is no checkpoint: expected a safetensors or PyTorch file, got one that begins with {start[:8]!r}; "
        "check that it was downloaded whole."
    )


def _read_safetensors(file: Path) -> _Content:
    data = file.read_bytes()
    try:
        tensors = parse_safetensors(data)
    except SafetensorError as error:
        raise DataError(
            f"{file} is no whole safetensors file, it may be truncated ({error}); copy or write it again."
        ) from None
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header.get("__metadata__", {})
    if metadata.get("format") != FORMAT:
        return _Content(tensors)
    if metadata.get("version") != VERSION:
        raise DataError(
            f"{file} has encoder format version {metadata.get('version')}, this program reads version {VERSION}; "
            "use the program that wrote it."
        )
    return _Content(tensors, metadata.get("config", ""), metadata.get("sha256"))


def _read_torch(file: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols; what cannot be read is an error below
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        held = f"the Python object {named[1]}" if named else "a pickle of more than tensors"
        raise DataError(
            f"{file} holds {held}, which loading would execute, so it was refused and nothing was executed; "
            "if you trust its source, save its state dict alone and give that."
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0].rstrip(".") or type(error).__name__
        raise DataError(
            f"{file} is no whole PyTorch checkpoint, it may be truncated ({reason}); copy or download it again."
        ) from None


def _own(file: Path, content: _Content) -> LoadedEncoder:
    """A file of `save_encoder`."""
    try:
        config = json.loads(content.own_config or "")
        name, arguments = config["encoder"]["name"], config["encoder"]["arguments"]
        front_end = FrontEnd.from_dict(config["front_end"])
        mean, std = float(config["mean"]), float(config["std"])
        metadata = dict(config["training"])
        with torch.device("meta"):
            encoder = ENCODERS[name](**arguments)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"the header of {file} does not describe an encoder ({type(error).__name__}: {error}); "
            "it is damaged or of another program: write it again."
        ) from None
    fill_encoder(file, encoder, content.value)
    digest = encoder_hash(encoder)
    if content.own_hash not in (None, digest) or not _valid_statistics(mean, std):
        raise DataError(f"the weights in {file} are not those its header describes; it is damaged: copy it again.")
    report = f"{describe(encoder)}: all {len(content.value)} tensors matched, with front end and statistics"
    return LoadedEncoder(encoder, front_end, mean, std, metadata, report, digest)


def _from_training(file: Path, value: Any) -> tuple[FrontEnd, float | None, float | None, dict[str, Any]]:
    """Front end, mean, std and metadata: those of a training checkpoint of ours, or nothing known."""
    if not isinstance(value, Mapping) or value.get("format") != CHECKPOINT_FORMAT:
        return FrontEnd(), None, None, {}
    try:
        settings, views = value["settings"], value["views"][0]
        front_end = FrontEnd(mel=settings["mel"], backend=settings["backend"])
        mean, std = float(views["normalise.mean"]), float(views["normalise.std"])
        metadata = {"step": value["step"], **{name: settings[name] for name in ("method", "augment", "seed")}}
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"{file} is a training checkpoint without an audio front end or its statistics ({error!r}); "
            "give one of scripts.pretrain_audio."
        ) from None
    return front_end, mean, std, metadata


def _sorted_header(data: bytes) -> bytes:
    """The same safetensors file with its metadata in order: the library writes them in a random one."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors behind it stay aligned
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def _valid_statistics(mean: float, std: float) -> bool:
    return math.isfinite(mean) and math.isfinite(std) and std > 0.0
