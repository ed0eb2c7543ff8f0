"""Pretrain an audio encoder on stores of recordings.

    python -m scripts.pretrain_audio --data STORE [STORE ...] --out RUN
    python -m scripts.pretrain_audio --config audio/recipes/byola_rq.yaml --data STORE --out RUN
    python -m scripts.pretrain_audio --data STORE --out RUN --method infonce --augment rrc+rq --steps 2000

Interrupt it at any time and run the same command again: it resumes and ends with bit-identical weights.
RUN/encoder.safetensors is the result; RUN/log.csv and RUN/tensorboard hold the curves, RUN/config.yaml the settings.
"""

from functools import partial

from randquant.audio.settings import AudioPretraining
from randquant.cli.command import run


def pretrain_audio(settings: AudioPretraining) -> None:
    """Pretrain an audio encoder on stores of recordings."""
    # Late, since they load torch, which --help does not need.
    from randquant.audio.pretraining import build_task
    from randquant.training.setup import pretrain

    pretrain(settings, partial(build_task, settings))


if __name__ == "__main__":
    raise SystemExit(run(pretrain_audio, description=__doc__))
