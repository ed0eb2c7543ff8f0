"""One call from a name to an encoder that takes what a user has."""

import inspect
import warnings
from pathlib import Path
from typing import Any, get_args

import torch

from randquant.errors import UsageError, without_flags
from randquant.inference import in_force
from randquant.loading.modalities import modality_of, ready_class
from randquant.loading.ready_encoder import ReadyEncoder, whole
from randquant.precision import Precision
from randquant.training.processes.device import named_device
from randquant.weights.hub_download import PREFIX as HUB
from randquant.weights.named_encoder import weights_path
from randquant.weights.weight_file import own_config


def load(
    name: str | Path, *, device: str | torch.device = "cpu", seed: int = 42, precision: Precision = "32", **options: Any
) -> ReadyEncoder[Any]:
    """Open an encoder with all that it needs: how inputs are read, resampled, scaled and normalised.

        encoder = randquant.load("RUN")
        vector = encoder("recording.wav")                       # (D,)
        vectors = encoder([first, second], sample_rate=44_100)  # (2, D)

    Args:
        name: the folder of a training, a file of weights (ours or published), `hf://owner/name[@revision]`,
            `untrained:ENCODER:D` such as `untrained:AudioNTT2020:512`, or `python:MODULE:FUNCTION`, which runs your own
            code: whatever `--checkpoint` takes.
        device: where to compute: "cpu", "cuda", or "auto", a GPU where there is one.
        seed: of an untrained encoder's initialisation.
        precision: of the network: "32"; "bf16", about three digits; or "auto", bf16 where the hardware computes it
            fast.
        options: of its modality; those of `open` of `randquant.audio.ready_encoder.AudioReadyEncoder`,
            `randquant.pointcloud.ready_encoder.PointReadyEncoder`, `randquant.images.ready_encoder.ImageReadyEncoder`
            or `randquant.tables.ready_encoder.TableReadyEncoder`.

    Returns:
        The ready encoder of the modality, in eval mode.

    Raises:
        DataError: missing, damaged, no weights, or holding Python objects, which loading would execute.
        UsageError: the name is of no encoder, or the modality has no such option.
    """
    name, seed = str(name), whole("seed", seed)
    if precision not in get_args(Precision):
        raise UsageError(f"precision={precision!r} should be one of {', '.join(get_args(Precision))}.")
    file = weights_path(name)
    if name.startswith(HUB):
        name = str(file)  # downloaded once, so that all is of one revision
    with without_flags():
        place, ready = named_device(str(device)), ready_class(modality_of(name, seed))
    known = [*inspect.signature(ready.open).parameters][2:]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise UsageError(
            f"an encoder of {ready.modality} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}."
        )
    with without_flags():
        opened = ready.open(name, seed=seed, **options)
    _, noted, note = opened.report.partition("; NOTE: ")
    if noted:
        warnings.warn(f"{name}: {note}.", stacklevel=2)
    if file.exists():
        opened.config, opened.source = own_config(file), file
    opened.precision = in_force(precision, place)
    return opened.to(place).eval()
