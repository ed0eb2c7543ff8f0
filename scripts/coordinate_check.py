"""Check that hyper-parameters found on a narrow network hold for wide ones: widths under both parametrizations.

    python -m scripts.coordinate_check --modality audio --widths 64 128 256 512 --steps 3 --seeds 3 --out CHECK
    python -m scripts.coordinate_check --modality pointcloud --data STORE --method byol --out CHECK
    python -m scripts.coordinate_check --modality pointcloud --loss_curves --out CHECK

trains networks of each width for a few steps on one batch, in the standard parametrization and in muP, and writes
CHECK/coordinates.csv and .png: the mean absolute value of what each module puts out, and how far it has moved since the
first step, over the width. Batch norm keeps sizes whatever the width does, so look at the changes too. No label is
read: the views are those of stored items (--data), or of random ones. With --loss_curves it also trains for longer, and
writes CHECK/loss_curves.csv and .png. It ends with a line such as

    pass: under mup hidden coordinates and their updates move by 1.35x, under the standard one by 8.75x; 2x is allowed

and exit code 1 if a check fails. Without the package mup the standard parametrization is shown alone.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from randquant.cli.command import run
from randquant.cli.ranges import Range, check_ranges
from randquant.cli.terminal import say
from randquant.errors import UsageError
from randquant.figures.figure import write_figure
from randquant.files.atomic import write_text
from randquant.files.csv_writer import csv_text
from randquant.ssl.registry import MethodName

if TYPE_CHECKING:
    from randquant.scripts.width.study import Parametrization, Study

_RANGES = {
    "widths": Range(1, 2**14),
    "steps": Range(1, 1000),
    "seeds": Range(1, 1000),
    "learning_rate": Range(0, 1e6, above=True),
    "batch_size": Range(2, 2**16),
    "heads": Range(1, 64),
    "curve_steps": Range(1, 10**7),
    "log_every": Range(1, 10**7),
}


@dataclass(frozen=True)
class Check:
    """Compare widths in the standard parametrization and in muP.

    Args:
        modality: whose encoder is trained.
        out: folder for tables and pictures.
        widths: of the encoder, the least first: it is the base width, at which both parametrizations are the same. Of
            pictures 64 is the published network; of tables it is the narrowest layer, 32 times --width.
        steps: updates on the one batch of the coordinate check.
        seeds: networks of each width.
        data: stores whose items are trained on, labels unread; random items by default.
        method: as in pretraining.
        encoder: by default AudioNTT2020, PointNet, small_cnn and MLP.
        learning_rate: of Adam at the base width; larger than for training, so that differences show.
        batch_size: items of a step.
        heads: width of the heads' hidden layers, as a multiple of the encoder's.
        loss_curves: train for longer too, and compare the training losses.
        curve_steps: steps of the loss curves.
        log_every: steps that a point of the loss curves averages.
    """

    modality: Literal["audio", "pointcloud", "images", "tables"]
    out: Path
    widths: list[int] = field(default_factory=lambda: [64, 128, 256, 512])
    steps: int = 3
    seeds: int = 3
    data: list[Path] | None = None
    method: MethodName = "simclr"
    encoder: str | None = None
    learning_rate: float = 0.01
    batch_size: int = 32
    heads: int = 2
    loss_curves: bool = False
    curve_steps: int = 200
    log_every: int = 20

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        if len(self.widths) < 2 or list(self.widths) != sorted(set(self.widths)):
            raise ValueError(
                f"--widths should be at least two, the least first, got {' '.join(map(str, self.widths))}."
            )


def coordinate_check(settings: Check) -> int:
    """Compare widths in the standard parametrization and in muP."""
    # Late, since they load torch, which --help does not need.
    from randquant.scripts.width import loss_curves, movement
    from randquant.scripts.width.coordinates import coordinates
    from randquant.scripts.width.picture import coordinate_picture, loss_picture

    study, present = _study(settings), _parametrizations()
    settings.out.mkdir(parents=True, exist_ok=True)
    rows = coordinates(study, present, settings.widths, settings.seeds, settings.steps)
    passed, lines = movement.verdict(rows)
    _write(settings.out / "coordinates", rows, coordinate_picture(rows))
    ends = [(passed, lines)]
    if settings.loss_curves:
        losses = loss_curves.loss_curves(study, present, settings.widths, settings.seeds, settings.curve_steps)
        _write(settings.out / "loss_curves", losses, loss_picture(losses))
        ends.append(loss_curves.verdict(losses))
    say(*(line for _, lines in ends for line in lines))
    if "mup" not in present:
        say("mup is not installed, so there is nothing to compare with; type: pip install 'randquant[mup]'")
    return int(any(passed is False for passed, _ in ends))


def _study(settings: Check) -> "Study":
    import torch

    from randquant.scripts.width.batches import random_batches, stored_batches
    from randquant.scripts.width.modality import MODALITIES
    from randquant.scripts.width.study import Study

    modality = MODALITIES[settings.modality]
    base, encoder = settings.widths[0], settings.encoder or modality.encoder
    if encoder not in modality.encoders:
        raise UsageError(f"--encoder should be one of {', '.join(modality.encoders)}, got {encoder}.")
    if any(width % modality.unit for width in settings.widths):
        raise UsageError(
            f"--widths of {settings.modality} should be multiples of {modality.unit}, the narrowest layer."
        )
    training = modality.settings(
        out=settings.out,
        data=settings.data or [Path("random")],
        method=settings.method,
        encoder=encoder,
        learning_rate=settings.learning_rate,
        weight_decay=0.0,
        batch_size=settings.batch_size,
        base_width=base,
        hidden_size=base * settings.heads,
        base_hidden_size=base * settings.heads,
        projection_size=64,
        queue_size=16 * settings.batch_size,
        momentum=0.99,
        log_every=settings.log_every,
        **modality.width(base),
        **modality.further,
    )
    if settings.data is None:
        batch_of = random_batches(modality.item, settings.batch_size)
        make: Callable[[int], Any] = partial(modality.make_encoder, training)
    else:
        task = modality.build(training, torch.device("cpu"))
        assert task.of_width is not None
        batch_of, make = stored_batches(task, training), task.of_width
    return Study(training, lambda width: make(width // modality.unit), batch_of)


def _parametrizations() -> "list[Parametrization]":
    return ["standard", "mup"] if find_spec("mup") else ["standard"]


def _write(path: Path, rows: list[Any], figure: Any) -> None:
    """A table and its picture."""
    table = [asdict(row) for row in rows]
    write_text(path.with_suffix(".csv"), csv_text([list(table[0]), *(list(row.values()) for row in table)]))
    write_figure(figure, path.with_suffix(".png"))
    say(f"{path}.csv and .png: {len(rows):,} rows")


if __name__ == "__main__":
    raise SystemExit(run(coordinate_check, description=__doc__))
