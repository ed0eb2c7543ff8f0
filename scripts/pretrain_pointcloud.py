"""Pretrain an encoder of 3D point clouds on stores of shapes.

    python -m scripts.pretrain_pointcloud --data STORE [STORE ...] --out RUN
    python -m scripts.pretrain_pointcloud --config pointcloud/recipes/cpu.yaml --data STORE --out RUN
    python -m scripts.pretrain_pointcloud --data STORE --out RUN --method moco --encoder DGCNN --points 1024

Items of the test split are not used unless --splits names it. Interrupt it at any time and run the same command again:
it resumes and ends with bit-identical weights. RUN/encoder.safetensors is the result; RUN/log.csv and RUN/tensorboard
hold the curves, RUN/config.yaml the settings.
"""

from functools import partial

from randquant.cli.command import run
from randquant.pointcloud.settings import PointPretraining


def pretrain_pointcloud(settings: PointPretraining) -> None:
    """Pretrain an encoder of 3D point clouds on stores of shapes."""
    # Late, since they load torch, which --help does not need.
    from randquant.pointcloud.pretraining import build_task
    from randquant.training.setup import pretrain

    pretrain(settings, partial(build_task, settings))


if __name__ == "__main__":
    raise SystemExit(run(pretrain_pointcloud, description=__doc__))
