"""A fitted classifier as a file.

The file is safetensors. Its tensors are those of `randquant.probes.classifier.Classifier`; its header holds format,
version and `classifier`, JSON of the fields of `Description`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from randquant.data.features import Items
from randquant.errors import DataError, UsageError
from randquant.extras import needs
from randquant.files.atomic import atomic_path
from randquant.files.json_record import Json
from randquant.files.store_folder import require_outside_stores
from randquant.probes.classifier import Classifier, Form
from randquant.probes.items.splits import assignments
from randquant.probes.outcome import Outcome
from randquant.probes.probe import Probe

with needs("train"):
    import pyarrow as pa
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file

FORMAT, VERSION = "randquant-classifier", "1"


@dataclass(frozen=True, kw_only=True)
class Description(Form):
    """The description of a classifier in its file.

    Attributes:
        task, probe, how, seed: where it comes from.
        encoder: SHA-256 of the weights of the encoder whose features it reads.
        dimension: of these features.
        features: how they are made, in the terms of the modality.
    """

    task: str
    probe: str
    how: str
    seed: int
    encoder: str
    dimension: int
    features: Mapping[str, Json] = field(default_factory=dict)


def save_classifier(
    path: Path, task: str, probe: str, outcome: Outcome[Any], *, encoder: str, features: Mapping[str, Json]
) -> None:
    """Write the fitted classifier of an outcome to a file, atomically.

    Args:
        path: to write.
        task, probe: what the outcome is of.
        outcome: of one probe on a task without folds.
        encoder: SHA-256 of the weights of the encoder.
        features: how its features are made.

    Raises:
        ValueError: there is no single classifier.
    """
    if outcome.fitted is None:
        raise ValueError(f"the probe {probe} has no single classifier")
    classifier = outcome.fitted()
    description = Description(
        **vars(classifier.form),
        task=task,
        probe=probe,
        how=outcome.numbers.how,
        seed=outcome.numbers.seeds[0],
        encoder=encoder,
        dimension=classifier.dimension,
        features=features,
    )
    header = {"format": FORMAT, "version": VERSION, "classifier": json.dumps(description.to_json())}
    with atomic_path(path) as temporary:
        save_file({name: each.contiguous() for name, each in classifier.tensors.items()}, temporary, header)


def require_classifier(path: Path, probes: Mapping[str, Probe[Any]], tasks: Sequence[Items]) -> None:
    """Refuse `--save_classifier` if there will be no single classifier.

    Raises:
        UsageError: of several tasks, of folds, or of a probe that fits many classifiers.
    """
    require_outside_stores(path)
    name, probe = next(iter(probes.items()))
    if path.suffix != ".safetensors":
        raise UsageError(f"--save_classifier {path} should end in .safetensors; rename it.")
    if len(tasks) > 1:
        raise UsageError(f"--save_classifier keeps the classifier of one task, got {len(tasks)}; give one.")
    if not probe.saves:
        raise UsageError(f"--save_classifier: {name} fits a classifier for each draw; name another probe first.")
    if len(assignments(tasks[0])) > 1:
        raise UsageError(
            "--save_classifier needs splits train and test, but the task has folds, each with a classifier of its own; "
            "prepare it with splits."
        )


@dataclass(frozen=True)
class SavedClassifier:
    """A file of `save_classifier`, as read."""

    path: Path
    classifier: Classifier
    said: Description

    def require(self, encoder: str, features: Mapping[str, Json]) -> None:
        """Refuse the features of another encoder.

        Args:
            encoder: SHA-256 of the weights of the encoder.
            features: how its features are made, as `save_classifier` took it; what the file does not say is not held
                against it.

        Raises:
            DataError: the classifier was fitted on other features.
        """
        if encoder != self.said.encoder:
            raise DataError(
                f"{self.path} was fitted on features of the encoder {self.said.encoder[:12]}, but --checkpoint is "
                f"{encoder[:12]}; give that encoder, or save a classifier of this one."
            )
        for name, value in features.items():
            if self.said.features.get(name, value) != value:
                raise DataError(
                    f"{self.path} was fitted on features with {name} {self.said.features[name]}, but these have {name} "
                    f"{value}; embed with the same, or save a classifier of these."
                )

    def columns(self, vectors: NDArray[np.float32], order: Sequence[int] | None = None) -> dict[str, pa.Array]:
        """The class of each vector, and its probability or score, by the name of the column.

        Args:
            vectors: (n, D).
            order: which vector belongs to each row; they are in order where None.
        """
        ids, values = self.classifier.answer(vectors)
        rows = np.arange(len(vectors)) if order is None else np.asarray(order, dtype=np.int64)
        labels = [self.said.classes[number] for number in ids[rows]]
        return {"label": pa.array(labels, pa.string()), self.said.score: pa.array(values[rows], pa.float32())}

    def provenance(self) -> dict[str, Json]:
        """JSON-ready: which classifier it is."""
        return {"path": str(self.path), "task": self.said.task, "probe": self.said.probe, "how": self.said.how}


def load_classifier(path: Path) -> SavedClassifier:
    """Read a file of `save_classifier`.

    Raises:
        DataError: there is none, it is damaged, or it is not a classifier.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder; give a file of --save_classifier.")
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it has no __iter__
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read as a classifier ({error}); give a file of --save_classifier.") from None
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        raise DataError(f"{path} is not a classifier of version {VERSION}; give a file of --save_classifier.")
    try:
        said = Description.from_json(json.loads(header["classifier"]))
        classifier = Classifier(said, tensors)
        classifier.check(said.dimension)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        raise DataError(f"{path} is damaged ({error}); save the classifier again.") from None
    return SavedClassifier(path, classifier, said)
