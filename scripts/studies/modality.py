"""What a study has to know of a modality: how it is trained, and how its encoders are probed."""

import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from randquant.data.store import Store
from randquant.errors import UsageError
from randquant.training.settings import Training

if TYPE_CHECKING:
    import torch

    from randquant.training.task import Task

Name = Literal["audio", "pointcloud", "images", "tables"]


class Modality(NamedTuple):
    """A modality.

    Attributes:
        settings: the class of its trainings' settings.
        build: the task of a training.
        augmentations: the names in an `augment`, in order, what stands for several written out.
        operations: names that random policies draw from.
        probe: checkpoint, labelled store, probe, results folder; writes the results there. It names the folder with
            a slash at the end, as one with a dot in its name is taken for a file.
    """

    settings: type[Training]
    build: "Callable[[Any, torch.device], Task]"
    augmentations: Callable[[Any], list[str]]
    operations: Sequence[str]
    probe: Callable[[str, Path, str, Path], None]


def _audio() -> Modality:
    from randquant.audio.augment.registry import OPERATIONS
    from randquant.audio.pretraining import build_task
    from randquant.audio.settings import AudioPretraining
    from randquant.scripts.probe_audio import AudioProbing, probe

    def probed(checkpoint: str, store: Path, name: str, out: Path) -> None:
        probe(AudioProbing(checkpoint, [str(store)], f"{out}/", probes=[name], cache=out.parent / "features"))

    return Modality(AudioPretraining, build_task, AudioPretraining.augmentations, list(OPERATIONS), probed)


def _pointcloud() -> Modality:
    from randquant.pointcloud.augment.registry import OPERATIONS
    from randquant.pointcloud.pretraining import build_task
    from randquant.pointcloud.settings import PointPretraining
    from randquant.scripts.evaluate_modelnet import ShapeProbing, evaluate

    def probed(checkpoint: str, store: Path, name: str, out: Path) -> None:
        evaluate(ShapeProbing(checkpoint, [store], f"{out}/", probes=[name], cache=out.parent / "features"))

    return Modality(PointPretraining, build_task, PointPretraining.augmentations, list(OPERATIONS), probed)


def _images() -> Modality:
    from randquant.images.augment.policy import augmentation_names
    from randquant.images.augment.registry import OPERATIONS
    from randquant.images.evaluation.evaluate import evaluation
    from randquant.images.evaluation.settings import ImageProbing
    from randquant.images.pretraining import build_task
    from randquant.images.settings import ImagePretraining

    def probed(checkpoint: str, store: Path, name: str, out: Path) -> None:
        probing = ImageProbing(checkpoint, [store], f"{out}/", probes=[name], cache=out.parent / "features")
        evaluation(probing).run(probing)

    def names(settings: ImagePretraining) -> list[str]:
        return augmentation_names(settings.augment)

    return Modality(ImagePretraining, build_task, names, list(OPERATIONS), probed)


def _tables() -> Modality:
    from randquant.tables.augment.registry import OPERATIONS
    from randquant.tables.evaluation.evaluate import evaluation
    from randquant.tables.evaluation.settings import TableProbing
    from randquant.tables.pretraining import build_task
    from randquant.tables.settings import TablePretraining

    def probed(checkpoint: str, store: Path, name: str, out: Path) -> None:
        probing = TableProbing(checkpoint, [store], f"{out}/", probes=[name], cache=out.parent / "features")
        evaluation(probing).run(probing)

    def names(settings: TablePretraining) -> list[str]:
        return [] if settings.augment == "none" else [settings.augment]

    return Modality(TablePretraining, build_task, names, list(OPERATIONS), probed)


# By the kind of its stores: the name that is typed, and how it is made; imported late, as a study is of one alone.
_MODALITIES: dict[str, tuple[Name, Callable[[], Modality]]] = {
    "audio": ("audio", _audio),
    "points": ("pointcloud", _pointcloud),
    "images": ("images", _images),
    "tables": ("tables", _tables),
}


def modality_of(name: str | None, data: Sequence[Path]) -> Modality:
    """The modality by name, or by the kind of the first store.

    Raises:
        DataError: that is no store.
        UsageError: a store of another modality.
    """
    kind = Store.open(data[0]).kind
    if kind not in _MODALITIES:
        raise UsageError(f"{data[0]} is a store of {kind}, on which nothing is pretrained; give another --data.")
    found, make = _MODALITIES[kind]
    if name not in (None, found):
        raise UsageError(f"{data[0]} is a store of {kind}, not one of --modality {name}; leave that out.")
    return make()


def probe_quietly(modality: Modality, checkpoint: str, store: Path, name: str, out: Path) -> None:
    """Probe an encoder; what its command would print is left out."""
    with contextlib.redirect_stdout(io.StringIO()):
        modality.probe(checkpoint, store, name, out)
