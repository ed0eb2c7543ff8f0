"""Every error of the system, of memory and of the user has a sentence with a remedy; a defect of ours has none."""

import errno
import os

import numpy as np
import pytest
import torch

from randquant.cli.explanation import explained
from randquant.errors import DataError, UsageError


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_error_of_the_system(number: int) -> None:
    explanation = explained(OSError(number, os.strerror(number), "a/file"))
    assert explanation is not None
    code, sentence = explanation
    assert code == 1
    assert sentence.startswith("error: ")
    assert "; " in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_errors_of_the_system_without_number_or_name() -> None:
    for error in (OSError("odd\nthing"), OSError(), OSError(errno.EIO, "Input/output error", 7), TimeoutError()):
        explanation = explained(error)
        assert explanation is not None
        assert "\n" not in explanation[1]


def test_memory() -> None:
    for ask in (
        lambda: torch.empty(2**58),
        lambda: np.empty(2**58),
        lambda: torch.empty(2**62),
        lambda: np.empty(2**62),
    ):
        with pytest.raises((RuntimeError, MemoryError, ValueError)) as found:
            ask()
        explanation = explained(found.value)
        assert explanation is not None
        assert "memory" in explanation[1]
    assert explained(OSError(errno.ENOMEM, "Cannot allocate memory")) == explained(MemoryError())


def test_users_and_ourselves() -> None:
    assert explained(DataError("it is\nbroken; fix it.")) == (1, "error: it is broken; fix it.")
    assert explained(UsageError("no.")) == (2, "error: no.")
    assert explained(ZeroDivisionError()) is None
    assert explained(RuntimeError("a defect")) is None
    assert (explained(KeyboardInterrupt()) or (0, ""))[0] == 130
