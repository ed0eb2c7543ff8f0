"""A HEAR module of other people in the probes: `--checkpoint python:randquant.audio.harness.hear_module:scene:MODULE`.

A module of HEAR (Holistic Evaluation of Audio Representations, Turian et al., 2022) has `load_model(path)` and
`get_scene_embeddings(audio, model)`, https://hearbenchmark.com/hear-api.html.
"""

import importlib
from types import ModuleType
from typing import Any

from torch import Tensor

from randquant.errors import UsageError


class SceneEncoder:
    """The scene embeddings of a HEAR module, by the contract of `--checkpoint python:`.

    Args:
        module: with the functions of the HEAR API.
        model: as its `load_model` returns it.
    """

    modality = "audio"

    def __init__(self, module: ModuleType, model: Any) -> None:
        self.module, self.model = module, model
        self.sample_rate, self.dimension = int(model.sample_rate), int(model.scene_embedding_size)

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Waveforms (B, T) -> (B, D)."""
        return self.module.get_scene_embeddings(waveforms, self.model)


def scene(name: str) -> SceneEncoder:
    """The scene encoder of a module.

    Args:
        name: `MODULE` for a module that needs no weights, or `MODULE:WEIGHTS` with what its `load_model` takes.

    Raises:
        UsageError: there is no such module, or it is none of HEAR.
    """
    module_name, _, weights = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed, so there is no HEAR module {module_name}.") from None
    missing = [part for part in ("load_model", "get_scene_embeddings") if not hasattr(module, part)]
    if missing:
        raise UsageError(f"{module_name} is no HEAR module: it has no {' and no '.join(missing)}.")
    return SceneEncoder(module, module.load_model(weights) if weights else module.load_model())
