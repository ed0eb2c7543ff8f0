"""The coordinate check: how large the outputs of each module are, and how far they move, at each step and width.

Source: Yang et al., "Tensor Programs V", NeurIPS 2021, appendix D.1.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from randquant.cli.progress import progress
from randquant.scripts.width.study import Parametrization, Study
from randquant.ssl.method import Method

KEPT = 16  # items whose first outputs are kept, to see how far they move
_SILENT = (nn.Dropout, nn.Identity, nn.Flatten)


@dataclass(frozen=True)
class Coordinate:
    """A row of the table.

    Attributes:
        parametrization, width, seed: of the network.
        step: updates that it has had.
        module: its name within the method.
        size: numbers of its output for an item.
        mean: of the absolute values of its output.
        change: of the absolute differences from its output before the first update, on the same input.
    """

    parametrization: Parametrization
    width: int
    seed: int
    step: int
    module: str
    size: int
    mean: float
    change: float


def coordinates(
    study: Study, parametrizations: Sequence[Parametrization], widths: Sequence[int], seeds: int, steps: int
) -> list[Coordinate]:
    """Measure every network before its first update and after each; modules stand in the order in which they run."""
    jobs = [(each, width, seed) for each in parametrizations for width in widths for seed in range(seeds)]
    return [
        row for job in progress(jobs, label="coordinates", unit="networks") for row in _measured(study, *job, steps)
    ]


def _measured(
    study: Study, parametrization: Parametrization, width: int, seed: int, steps: int
) -> Iterator[Coordinate]:
    method = study.method(parametrization, width, seed)
    first: dict[str, Tensor] = {}
    with watched(method) as outputs:
        for step, _ in enumerate(study.train(method, parametrization, seed, steps, same_batch=True)):
            for module, output in outputs.items():
                before = first.setdefault(module, output[:KEPT])
                mean, change = output.abs().mean(), (output[:KEPT] - before).abs().mean()
                size = output[0].numel()
                yield Coordinate(parametrization, width, seed, step, module, size, float(mean), float(change))


@contextmanager
def watched(method: Method) -> Iterator[dict[str, Tensor]]:
    """The last output of the encoder and of every trained module without parts, by name.

    A module that runs twice in a forward pass shows its second output.
    """
    outputs: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(_keeper(name, outputs))
        for name, module in method.named_modules()
        if not name.startswith("teacher") and not isinstance(module, _SILENT)
        if module is method.encoder or not list(module.children())
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _keeper(name: str, outputs: dict[str, Tensor]) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            outputs[name] = output.detach().float().clone()  # a ReLU in place would change it

    return hook
