"""Pretrain an encoder of pictures on stores of pictures.

    python -m scripts.pretrain_images --data STORE [STORE ...] --out RUN
    python -m scripts.pretrain_images --config common/images/recipes/cpu.yaml --data STORE --out RUN
    python -m scripts.pretrain_images --data STORE --out RUN --method simclr --augment rrc+flip+colour+gray --steps 2000

Interrupt it at any time and run the same command again: it resumes and ends with bit-identical weights.
RUN/encoder.safetensors is the result; RUN/log.csv and RUN/tensorboard hold the curves, RUN/config.yaml the settings.
"""

from functools import partial

from randquant.cli.command import run
from randquant.images.settings import ImagePretraining


def pretrain_images(settings: ImagePretraining) -> None:
    """Pretrain an encoder of pictures on stores of pictures."""
    # Late, since they load torch, which --help does not need.
    from randquant.images.pretraining import build_task
    from randquant.training.setup import pretrain

    pretrain(settings, partial(build_task, settings))


if __name__ == "__main__":
    raise SystemExit(run(pretrain_images, description=__doc__))
