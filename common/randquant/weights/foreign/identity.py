"""The hash by which a foreign encoder is known, so that features are never read from the cache for another one."""

import hashlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from randquant.weights.foreign.foreign_module import ForeignModule
from randquant.weights.foreign.user_function import UserFunction
from randquant.weights.weight_file import encoder_hash

_TOLERANCE = 1e-3  # by which a vector may differ, relative to its largest value, alone and in a batch


@dataclass(frozen=True)
class Identity:
    """What is known of a foreign encoder.

    Attributes:
        sha256: over the function and its argument, what the modality read of the encoder, the source files, the weights
            and the answer to a fixed batch. The answer tells encoders apart whose weights torch does not see, and
            those that are built on other files or libraries; another machine may give it other last digits.
        metadata: the parts of it, for results.
        report: one sentence.
    """

    sha256: str
    metadata: dict[str, Any]
    report: str

    @classmethod
    def of(
        cls, user: UserFunction, module: ForeignModule, answer: Tensor, difference: float, arguments: dict[str, Any]
    ) -> "Identity":
        """The identity of an encoder.

        Args:
            user: the function that made it.
            module: that calls it.
            answer: to a fixed batch, (2, D) float32.
            difference: between a vector of that batch and the same alone, relative to its largest value.
            arguments: what the modality read of its attributes, JSON values.
        """
        numbers = sum(tensor.numel() for tensor in module.state_dict().values())
        files = source_files(user, module.made)
        parts = {
            **user.says(),
            **arguments,
            "dimension": module.dimension,
            "class": type(module.made).__qualname__,
            "sources_sha256": {str(path): _sha256(path.read_bytes()) for path in files},
            "weights_sha256": encoder_hash(module) if numbers else None,
            "answer_sha256": _sha256(answer.numpy().tobytes()),
        }
        by_content = {**parts, "sources_sha256": sorted(parts["sources_sha256"].values())}  # wherever the files lie
        weights = f"of its {numbers:,} weights and" if numbers else "(torch sees no weights in it) and"
        report = (
            f"your own code in {', '.join(map(str, files))}, which gives vectors of {module.dimension:,}; known by the "
            f"SHA-256 of that source, {weights} of its answer to a fixed batch"
        )
        if difference > _TOLERANCE:
            report += f"; NOTE: a vector changes by {difference:.2g} of its largest value with what shares its batch"
        return cls(_sha256(repr(sorted(by_content.items())).encode()), {"foreign": parts}, report)


def source_files(user: UserFunction, made: Any) -> list[Path]:
    """The files of the module, of the function and of the class of what it returned."""
    files = [str(user.source)]
    for part in (user.function, made if inspect.isroutine(made) else type(made)):
        try:
            files.append(inspect.getsourcefile(inspect.unwrap(part)) or files[0])
        except TypeError:  # built in, or a callable object
            continue
    return [path for path in map(Path, dict.fromkeys(files)) if path.is_file()]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
