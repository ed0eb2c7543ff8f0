"""One training of a study, which is kept once it is finished."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from randquant.cli.command import settings_from
from randquant.errors import UsageError
from randquant.scripts.studies.modality import Modality
from randquant.training.free_settings import FREE_SETTINGS
from randquant.training.lengthening import lengthened
from randquant.training.run_folder import FINISHED
from randquant.training.run_settings import FILE_NAME, read_settings
from randquant.training.settings import Training, plain_defaults, plain_settings


def base_settings(
    modality: Modality, data: Sequence[Path], out: Path, recipe: Path | None, settings: Sequence[str]
) -> Training:
    """The settings that all trainings of a study share.

    Args:
        modality: of the study.
        data: stores to learn from.
        out: folder of the study.
        recipe: YAML file of a training's flags.
        settings: further flags, such as "steps=200", "rq_bins=8 32",
            "mix_symmetric=true" or "views=rrc '{augment: rrc+rq}'".

    Raises:
        UsageError: as the training's own command would say it, or more than one process is asked for.
    """
    words = [] if recipe is None else ["--config", str(recipe)]
    for each in settings:
        name, equals, value = each.partition("=")
        if not equals or not value.split():
            raise UsageError(f"--settings {each} should be a setting and its value, as in steps=200.")
        if name in ("data", "out"):
            raise UsageError(f"--settings {each} is for the study to say; give --{name} of the study.")
        words += [f"--{name}", *([] if value.strip() == "true" else _words(each, value))]
    made = settings_from(modality.settings, [*words, "--data", *map(str, data), "--out", str(out / "runs")])
    if made.devices * made.nodes > 1:
        raise UsageError("a study trains one run after the other in this process; leave out devices and nodes.")
    return made


def _words(said: str, value: str) -> list[str]:
    """The words of a value, as a shell takes them."""
    try:
        return shlex.split(value)
    except ValueError:
        raise UsageError(f"--settings {said} opens a quotation mark and does not close it.") from None


def trained(modality: Modality, settings: Training) -> bool:
    """Train, or go on; whether there was anything to do.

    Raises:
        UsageError: the folder holds a run with other settings.
        DataError: the training diverged, or data cannot be read.
    """
    if (settings.out / FINISHED).exists() and _same(settings):
        return False
    # Late, since they load torch.
    from randquant.training.checkpoint import check_same_settings
    from randquant.training.setup import pretrain

    if (settings.out / FILE_NAME).exists():
        stored, wanted = {**plain_defaults(settings), **read_settings(settings.out)}, plain_settings(settings)
        if lengthened(stored, wanted):  # as only a run by itself may be: what was measured of this one stands beside it
            check_same_settings(stored, wanted, free=FREE_SETTINGS, run=settings.out)
    pretrain(settings, partial(modality.build, settings))
    return True


def _same(settings: Training) -> bool:
    if not (settings.out / FILE_NAME).exists():
        return False
    stored, wanted = read_settings(settings.out), plain_settings(settings)
    return all(stored.get(name) == value for name, value in wanted.items() if name not in FREE_SETTINGS)
