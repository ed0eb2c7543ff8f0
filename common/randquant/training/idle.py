"""Settings that a training was given and that change nothing in it, and views that nothing tells apart."""

from collections.abc import Callable, Mapping
from typing import Any

from randquant.training.settings import Training, plain_defaults, plain_settings

_TEACHERS = ("byol", "mocov3", "moco")
_MUP = (lambda run: run.parametrization == "mup", "--parametrization mup")
# Of each setting: whether the training uses it, and what it is used by.
_USES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "milestones": (lambda run: run.schedule == "step", "--schedule step"),
    "sgd_momentum": (lambda run: run.optimizer != "adamw", "--optimizer sgd or lars"),
    "momentum": (lambda run: run.method in _TEACHERS, f"--method {', '.join(_TEACHERS)}"),
    "momentum_schedule": (lambda run: run.method in _TEACHERS, f"--method {', '.join(_TEACHERS)}"),
    "temperature": (lambda run: run.method != "byol", "a --method other than byol"),
    "queue_size": (lambda run: run.method == "moco", "--method moco"),
    "negatives": (lambda run: run.method in ("simclr", "infonce"), "--method simclr or infonce"),
    "group_weight": (lambda run: run.negatives == "mixed", "--negatives mixed"),
    "base_width": _MUP,
    "activation_margin": (lambda run: run.init is None, "untrained encoders, and that of --init is learnt"),
    "init_sha256": (lambda run: run.init is not None, "--init"),
    "base_hidden_size": _MUP,
    "mix_alpha": (lambda run: run.mix != "none", "--mix mixup or cutmix"),
    "mix_domain": (lambda run: run.mix == "mixup" or run.inputmix, "--mix mixup or --inputmix"),
    "mix_points": (lambda run: run.mix == "mixup" or run.inputmix, "--mix mixup or --inputmix"),
    "mix_cut": (lambda run: run.mix == "cutmix", "--mix cutmix"),
    "inputmix_alpha": (lambda run: run.inputmix > 0, "--inputmix"),
    "rq_stage_bins": (lambda run: run.rq_stage is not None, "--rq_stage"),
    "local_weight": (
        lambda run: any(isinstance(view, dict) and view.get("local") for view in run.views),
        "local views",
    ),
}


def idle_settings(run: Training) -> list[str]:
    """A sentence for each setting that is not the default and that nothing in the training uses.

    With `views` those of augmentations are not looked at: each view has its own.
    """
    given, defaults = plain_settings(run), plain_defaults(run)
    changed = [name for name, value in given.items() if name in defaults and value != defaults[name]]
    found = {name: _USES[name][1] for name in changed if name in _USES and not _USES[name][0](run)}
    if not run.views:
        named = given["augment"].split("+") if "augment" in given else []
        found |= {
            name: f"{run.USED_BY[name][0]} in --augment"
            for name in changed
            if name in run.USED_BY and not set(run.USED_BY[name]) & set(named)
        }
    return [f"--{name} changes nothing here: it is for {user}" for name, user in found.items()]


def equal_views(run: Training, items: str) -> list[str]:
    """Say that nothing tells the views apart, where no augmentation of its own makes them from `items`."""
    changed = run.views or run.mix != "none" or run.inputmix or run.rq_stage
    found = (
        f"nothing changes the {items}, so all views are equal and there is little to learn; give --augment rq or --mix"
    )
    return [] if changed else [found]
