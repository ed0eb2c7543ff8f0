"""Files of weights, of ours and others: found in a run's folder, read, hashed, and written as safetensors.

Nothing that is read is ever executed: PyTorch files are opened with `weights_only=True`, and a file that needs more
than that is refused by name.

A file of ours holds an encoder's tensors and, in its header, format, version, sha256 of the tensors, `config`: JSON of
the modality, the encoder's name and arguments, and whatever the modality adds, and config_sha256 of that. Files of
version 1 have no config_sha256.
"""

import hashlib
import json
import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from randquant.errors import DataError
from randquant.extras import needs
from randquant.files.atomic import atomic_path
from randquant.training.checkpoint import FORMAT as CHECKPOINT_FORMAT
from randquant.training.checkpoint import check_hash, check_version
from randquant.training.run_folder import FINISHED
from randquant.training.watching.finite import first_not_finite
from randquant.weights.own_header import FORMAT as FORMAT
from randquant.weights.own_header import own_header
from randquant.weights.published_config import WEIGHTS, check_config

with needs("train"):
    from safetensors import SafetensorError
    from safetensors.torch import load as parse_safetensors
    from safetensors.torch import save as format_safetensors

VERSION = "2"
VERSIONS = ("1", VERSION)  # that are read

Encoder = TypeVar("Encoder", bound=nn.Module)

# What trainings save with their weights: NumPy's numbers, as accuracies, and their command line.
_REMARKS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype", "argparse.Namespace")


@dataclass(frozen=True)
class Content:
    """The contents of a weights file."""

    file: Path  # where it was read
    value: Any  # plain containers of tensors
    config: str | None = None  # the header of a file of ours
    sha256: str | None = None  # of the tensors, as that header says
    header: Mapping[str, str] = field(default_factory=dict)  # all of it

    @property
    def is_checkpoint(self) -> bool:
        """Whether it is the checkpoint of a training of ours."""
        return isinstance(self.value, Mapping) and self.value.get("format") == CHECKPOINT_FORMAT

    def exported(self) -> "Content":
        """Of a checkpoint of a training of ours that exports an average of its weights, this alone; else all of it."""
        if self.is_checkpoint and "average" in self.value:
            return replace(self, value={"average": self.value["average"]})
        return self

    def is_of(self, modality: str, setting: str, recognised: Callable[["Content"], bool]) -> bool:
        """Whether these are weights of a modality.

        Args:
            modality: as files of ours call it.
            setting: of its trainings alone, by which their checkpoints are known.
            recognised: whether a file of others is of it.
        """
        if self.config is not None:
            return self.own_config().get("modality") == modality
        if self.is_checkpoint:
            settings = self.value.get("settings")
            return isinstance(settings, dict) and setting in settings
        return recognised(self)

    def own_config(self) -> dict[str, Any]:
        """The header of a file of ours, parsed.

        Raises:
            DataError: it is damaged.
        """
        try:
            return dict(json.loads(self.config or ""))
        except (ValueError, TypeError) as error:
            raise self.wrong_header(error) from None

    def wrong_header(self, error: Exception) -> DataError:
        """The error for a header that does not describe an encoder."""
        return DataError(
            f"the header of {self.file} does not describe an encoder ({type(error).__name__}: {error}); "
            "it is damaged or of another program: write it again."
        )

    def check_hash(self, encoder: nn.Module) -> str:
        """The encoder's hash, which has to be the one its file says.

        Raises:
            DataError: it is another.
        """
        digest = encoder_hash(encoder)
        if self.sha256 not in (None, digest):
            raise self.damaged()
        return digest

    def damaged(self) -> DataError:
        """The error for a file whose content contradicts its header."""
        return DataError(
            f"{self.file} is damaged: its weights or its header are not those its SHA-256 says; copy it again."
        )


def read_weights(path: str | Path) -> Content:
    """Read a run folder's `encoder.safetensors`, a published folder's `model.safetensors`, or a file, recognised by its
    first bytes and not by its name.

    Raises:
        DataError: missing, unfinished, truncated, no weights, of a newer version of ours, or holding Python objects,
            which loading would execute; or beside a config.json of other weights.
    """
    file = _weights_file(Path(path))
    with file.open("rb") as stream:
        start = stream.read(9)
    if start[8:] == b"{":
        content = _read_safetensors(file)
        if file.name == WEIGHTS:
            check_config(file, content.sha256)
        return content
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        return Content(file, _read_torch(file))
    raise DataError(
        f"{file} is not a checkpoint: expected a safetensors or PyTorch file, got one that begins with {start[:8]!r}; "
        "check that it was downloaded whole."
    )


def own_config(path: Path) -> dict[str, Any] | None:
    """The config in the header of a file of ours, which `read_weights` accepts; None for weights of others."""
    header = own_header(_weights_file(path))
    return None if header is None else json.loads(header["config"])


def write_weights(path: str | Path, encoder: nn.Module, config: dict[str, Any]) -> None:
    """Write an encoder as safetensors, atomically; equal content gives equal bytes.

    Args:
        path: file to write.
        encoder: on any device.
        config: JSON values that describe it: `modality`, `encoder` with `name` and `arguments`, and more.

    Raises:
        DataError: a tensor of the encoder holds a NaN or an infinity: its training has diverged.
        TypeError: the config holds other values.
        ValueError: it holds a NaN or an infinity.
    """
    broken = first_not_finite(encoder.state_dict())
    if broken is not None:
        raise DataError(
            f"the encoder has diverged ({broken} holds a NaN or an infinity), so {path} was not written; lower the "
            "learning rate and train again."
        )
    text = json.dumps(config, sort_keys=True, allow_nan=False)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": encoder_hash(encoder),
        "config": text,
        "config_sha256": _text_hash(text),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(_sorted_header(format_safetensors(tensors, header)))


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def encoder_hash(encoder: nn.Module) -> str:
    """SHA-256 over the state dict's names, types, shapes and bytes in the order of names: "same weights"."""
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def network_hash(encoder: Any) -> str:
    """SHA-256 of class, arguments and tensors: "same embeddings". Not all that an encoder does is in its tensors."""
    arguments = json.dumps(encoder.arguments, sort_keys=True)
    return hashlib.sha256(f"{type(encoder).__name__} {arguments} {encoder_hash(encoder)}".encode()).hexdigest()


def untrained(make: Callable[[], Encoder], seed: int) -> Encoder:
    """What `make` makes with this seed, in eval mode; the global random state is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().eval()


class _Remark:
    """Stands where one of `_REMARKS` was: it is not executed but forgotten."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _weights_file(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"{path} does not exist; give a run folder or a weights file.")
    if not path.is_dir():
        return path
    for name in (FINISHED, WEIGHTS):
        if (path / name).is_file():
            return path / name
    if (path / "checkpoint.pt").is_file():
        raise DataError(
            f"{path} has no {FINISHED} because its training has not finished; finish it by the same command again, "
            f"or give {path / 'checkpoint.pt'} to use it as it is."
        )
    raise DataError(f"{path} is a folder without {FINISHED}; give the folder of a finished run or a weights file.")


def _read_safetensors(file: Path) -> Content:
    data = file.read_bytes()
    try:
        tensors = parse_safetensors(data)
    except SafetensorError as error:
        raise DataError(
            f"{file} is not a complete safetensors file, it may be truncated ({error}); copy or write it again."
        ) from None
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header.get("__metadata__", {})
    if metadata.get("format") != FORMAT and not {"config", "sha256"} <= metadata.keys():
        return Content(file, tensors)
    content = Content(file, tensors, metadata.get("config", ""), metadata.get("sha256", ""), metadata)
    if metadata.get("format") != FORMAT:  # everything else in the header is ours
        raise content.damaged()
    if metadata.get("version") not in VERSIONS:
        raise DataError(
            f"{file} has encoder format version {metadata.get('version')}, this program reads versions "
            f"{' and '.join(VERSIONS)}; use the program that wrote it."
        )
    if metadata.get("version") != "1" and metadata.get("config_sha256") != _text_hash(content.config or ""):
        raise content.damaged()
    return content


def _read_torch(file: Path) -> Any:
    try:
        hashed = check_hash(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols; what cannot be read is an error below
            with torch.serialization.safe_globals([(_Remark, name) for name in _REMARKS]):
                value = torch.load(file, map_location="cpu", weights_only=True)
        if isinstance(value, Mapping) and value.get("format") == CHECKPOINT_FORMAT:
            check_version(file, value, hashed=hashed)
        return value
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
            f"{file} is not a complete PyTorch checkpoint, it may be truncated ({reason}); copy or download it again."
        ) from None


def _sorted_header(data: bytes) -> bytes:
    """The same safetensors file with its metadata in order: the library writes them in a random one."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors behind it stay aligned
    return len(text).to_bytes(8, "little") + text + data[8 + size :]
