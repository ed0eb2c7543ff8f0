"""The encoders of one modality: written with what they need to embed, read from our own files, or made untrained."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from randquant.errors import DataError, UsageError
from randquant.weights.state_dict import Naming, describe, fill_encoder, find_encoder
from randquant.weights.training_metadata import metadata_of_checkpoint
from randquant.weights.weight_file import Content, untrained, write_weights

Encoder = TypeVar("Encoder", bound=nn.Module)
Own = TypeVar("Own")
_OLDEST = "audio"  # what the oldest files hold, which do not name their modality


@dataclass
class Opened(Generic[Encoder, Own]):
    """An encoder from a file.

    Attributes:
        encoder: in eval mode, on the CPU, float32.
        own: what its modality keeps with it, such as statistics of the data.
        metadata: about its training.
        report: one sentence: what matched, and what was left out.
    """

    encoder: Encoder
    own: Own
    metadata: dict[str, Any]
    report: str


@dataclass(frozen=True)
class EncoderFamily(Generic[Encoder]):
    """The encoders of one modality.

    Attributes:
        modality: as headers of files call it.
        things: what is embedded, in the plural, for messages.
        script: the training, for messages.
        encoders: by name.
    """

    modality: str
    things: str
    script: str
    encoders: Mapping[str, type[Encoder]]

    def save(self, path: str | Path, encoder: nn.Module, own: Mapping[str, Any], metadata: dict[str, Any]) -> None:
        """Write an encoder as safetensors, atomically; equal content gives equal bytes.

        Args:
            path: file to write.
            encoder: one of the family, on any device.
            own: JSON values that the modality needs to embed.
            metadata: JSON values about the training.

        Raises:
            DataError: the encoder holds a NaN or an infinity.
            TypeError: the encoder is none of the family, or the values are not JSON.
        """
        described = {"name": self.name_of(encoder), "arguments": encoder.arguments}
        write_weights(path, encoder, {"modality": self.modality, "encoder": described, **own, "training": metadata})

    def name_of(self, encoder: nn.Module) -> str:
        """The name of an encoder's class.

        Raises:
            TypeError: it is none of the family.
        """
        for name, made in self.encoders.items():
            if type(encoder) is made:
                return name
        raise TypeError(f"expected one of {', '.join(self.encoders)}, got {type(encoder).__name__}.")

    def open_saved(self, content: Content, read: Callable[[dict[str, Any]], Own]) -> Opened[Encoder, Own]:
        """Open a file of `save`.

        Args:
            content: of the file.
            read: from its header what `save` was given as `own`; ValueError, KeyError and TypeError say that it is
                damaged.

        Raises:
            DataError: it is of another modality, damaged, or for another encoder.
        """
        config = content.own_config()
        found = config.get("modality", _OLDEST)
        if found != self.modality:
            raise DataError(f"{content.file} is an encoder of {found}, not of {self.things}; give one of those.")
        try:
            own, metadata = read(config), dict(config["training"])
            with torch.device("meta"):
                encoder = self.encoders[config["encoder"]["name"]](**config["encoder"]["arguments"])
        except (ValueError, KeyError, TypeError) as error:
            raise content.wrong_header(error) from None
        fill_encoder(content.file, encoder, content.value)
        content.check_hash(encoder)
        return Opened(encoder, own, metadata, f"{describe(encoder)}: all {len(content.value)} tensors matched")

    def open_checkpoint(
        self,
        content: Content,
        read: Callable[[Any], tuple[Encoder, Own]],
        namings: Callable[[Encoder], tuple[Naming, ...]],
        other: re.Pattern[str],
    ) -> Opened[Encoder, Own]:
        """Open the encoder in a training checkpoint of ours: the average where the run exports one, else as it is.

        Args:
            content: of the file.
            read: from the checkpoint an encoder without tensors (it is called on the device "meta"), and what `save`
                would be given as `own`; errors as in `read_checkpoint`.
            namings: how the tensors of that encoder may be called.
            other: finds that a tensor belongs to another part, as in `find_encoder`.

        Raises:
            DataError: it is the checkpoint of another modality, damaged, or for another encoder.
        """
        with torch.device("meta"):
            (encoder, own), metadata = self.read_checkpoint(content, read)
        found = find_encoder(content.exported(), namings(encoder), other, self.name_of(encoder))
        fill_encoder(content.file, encoder, found.tensors)
        return Opened(encoder, own, metadata, found.report(encoder))

    def read_checkpoint(self, content: Content, read: Callable[[Any], Own]) -> tuple[Own, dict[str, Any]]:
        """What `read` reads from a training checkpoint of ours, and what that says about the training.

        Raises:
            DataError: something is missing, which `read` says by KeyError, IndexError, TypeError, ValueError or
                AttributeError.
        """
        try:
            return read(content.value), metadata_of_checkpoint(content.value)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{content.file} is a training checkpoint without what an encoder of {self.things} needs ({error!r}); "
                f"give one of {self.script}."
            ) from None

    def make_untrained(self, name: str, make: Callable[[type[Encoder]], Encoder], seed: int) -> Opened[Encoder, None]:
        """A freshly initialised encoder, the baseline of any pretraining. The global random state is untouched.

        Args:
            name: a key of `encoders`.
            make: from its class an encoder of the wanted size.
            seed: of the initialisation.

        Raises:
            UsageError: an unknown name.
            ValueError: a size the encoder cannot have.
        """
        if name not in self.encoders:
            raise UsageError(f"there is no encoder {name!r}; choose one of {', '.join(self.encoders)}.")
        encoder = untrained(lambda: make(self.encoders[name]), seed)
        metadata = {"untrained": True, "seed": seed}
        return Opened(encoder, None, metadata, f"{describe(encoder)}, untrained, seed {seed}")
