"""What makes the commands of the pages take a second each, and run on miniatures: further flags, other words."""

from collections.abc import Sequence
from pathlib import Path

from tests.pages.terminal import Start

_TRAINING = (
    "--batch_size 4 --workers 0 --hidden_size 16 --projection_size 8 --warmup_steps 0 --steps 2 --snapshot_every 2 "
    "--precision 32"
)
# Behind a command of this name, or of this name with this word.
FLAGS = {
    "pretrain_audio": f"{_TRAINING} --encoder AudioNTT2020 --d 64 --unit_seconds 0.4 --crops 1 --cache none",
    "pretrain_pointcloud": f"{_TRAINING} --d 16 --points 128",
    "pretrain_images": f"{_TRAINING} --encoder small_cnn --image_size 16",
    "pretrain_table": f"{_TRAINING} --width 2 --batch_size 16",
    "probe_audio": "--seeds 1 --unit_seconds 0.4",
    "ablate": "--seeds 1 --probe knn",
    "judge_bins": "--seeds 1 --probe knn",
    "search_policy": "--trials 2",
    "coordinate_check": "--widths 32 64 --steps 1 --seeds 1 --batch_size 4 --curve_steps 2 --log_every 1",
    "evaluate_modelnet --finetune": "--finetune_epochs 1",
    "preview_audio --measure": "--crops_measured 20",
    "preview_points": "--shapes 1",
    "preview_images": "--pictures 1",
    "map": "--projection pca",
    "report": "--projection pca",
    "prepare made-up-shapes": "--shapes 16 --workers 1",
    "prepare synthetic-modelnet": "--train 7 --test 2",
    "prepare synthetic-nsynth": "--instruments 1 --notes_per_instrument 2",
    "prepare synthetic-cifar10": "--train 100 --test 20",
    "prepare synthetic-covtype": "--rows 300",
    "prepare synthetic-table": "--rows 200",
}
# Behind what such a command says in --settings.
SETTINGS = {
    "ablate": "steps=2 batch_size=4 workers=0",
    "ablate LABELLED": "d=64 hidden_size=16",
    "judge_bins": "steps=2 batch_size=4 workers=0 hidden_size=16 warmup_steps=0",
    "judge_bins LABELLED": "d=64",
    "search_policy": "steps=2 batch_size=4 workers=0 d=64 hidden_size=16 unit_seconds=0.4",
}
# In the text of a block.
TEXT = {
    "42 43 44": "42",
    "--points 2048": "--points 128",
    "--points 8192": "--points 512",
    "for n in 512 8192": "for n in 512",
    "0000200 0000600 0001000 0002000": "0000002",
    "AudioNTT2020:2048": "AudioNTT2020:64",
    "AudioNTT2020:512": "AudioNTT2020:64",
    "--label COLUMN": "--label label",
    "--target COLUMN": "--target label",
    "--label FIELD": "--label word",
}

# 1 is the verdict of a check that so few steps of so narrow networks do not pass.
EXIT_CODES = {"coordinate_check": (0, 1)}


def start(folder: Path, module: str, arguments: Sequence[str]) -> Start:
    """A command, `python -m MODULE ARGUMENTS`, with what is behind it here."""
    name = module.removeprefix("scripts.")
    keys = (name, *(f"{name} {word}" for word in arguments))
    words = [*arguments, *_of(FLAGS, keys)]
    if settings := _of(SETTINGS, keys):
        _add_settings(words, settings)
    return Start(folder, module, words, EXIT_CODES.get(name, (0,)))


def _of(table: dict[str, str], keys: Sequence[str]) -> list[str]:
    return [word for key in keys if key in table for word in table[key].split()]


def _add_settings(words: list[str], settings: Sequence[str]) -> None:
    if "--settings" not in words:
        words.append("--settings")
    behind = words.index("--settings") + 1
    while behind < len(words) and not words[behind].startswith("--"):
        behind += 1
    words[behind:behind] = settings
