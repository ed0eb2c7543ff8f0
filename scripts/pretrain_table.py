"""Pretrain an encoder on the rows of a table.

    python -m scripts.prepare table --csv TABLE.csv --label COLUMN --out STORE
    python -m scripts.pretrain_table --data STORE --out RUN
    python -m scripts.pretrain_table --data STORE --out RUN --mix mixup --input_drop 0.2
    python -m scripts.pretrain_table --config common/tables/recipes/cpu.yaml --data STORE --out RUN

Interrupt it at any time and run the same command again: it resumes and ends with bit-identical weights.
RUN/encoder.safetensors is the result; RUN/log.csv and RUN/tensorboard hold the curves, RUN/config.yaml the settings.
"""

from functools import partial

from randquant.cli.command import run
from randquant.tables.settings import TablePretraining


def pretrain_table(settings: TablePretraining) -> None:
    """Pretrain an encoder on the rows of a table."""
    # Late, since they load torch, which --help does not need.
    from randquant.tables.pretraining import build_task
    from randquant.training.setup import pretrain

    pretrain(settings, partial(build_task, settings))


if __name__ == "__main__":
    raise SystemExit(run(pretrain_table, description=__doc__))
