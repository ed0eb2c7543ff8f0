"""What a user's function returns, checked and known by its content."""

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from randquant.errors import UsageError
from randquant.weights.foreign.foreign_encoder import ForeignEncoder, modality_of_foreign, open_foreign
from randquant.weights.foreign.identity import Identity
from randquant.weights.foreign.user_function import user_function
from randquant.weights.named_encoder import open_named

NUMBER = itertools.count()  # so that no module is imported twice under one name
BATCH = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(1))
NETWORK = """
import torch
class Network(torch.nn.Module):
    dimension = 4
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 4)
    def forward(self, x):
        return self.layer(x).mean(1)
"""
PLAIN = """
class Plain:
    dimension = 3
    def __call__(self, x):
        return SHIFT + x.mean(1).numpy()
"""
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write code as a module of the current folder; the name of its function `make` is given back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def written(code: str) -> str:
        module = f"users_module_{next(NUMBER)}"
        Path(f"{module}.py").write_text(code)
        return f"python:{module}:make"

    yield written
    for module in [module for module in sys.modules if module.startswith("users_module_")]:
        del sys.modules[module]


def points(name: str, seed: int = 0) -> ForeignEncoder:
    return open_foreign(name, "points", seed)


def identity(name: str, seed: int = 0) -> Identity:
    return points(name, seed).identified(BATCH, {"channels": 3})


def test_it_answers_as_the_users_object_does(write: Write) -> None:
    foreign = points(write(f"{NETWORK}\nmake = Network"))
    assert torch.equal(foreign.module(BATCH), foreign.made(BATCH))
    assert points(write(f"SHIFT = 1\n{PLAIN}\nmake = Plain")).module(BATCH).dtype == torch.float32


def test_the_hash_knows_source_weights_argument_and_what_torch_does_not_see(write: Write) -> None:
    network = write(f"{NETWORK}\nmake = Network")
    known = identity(network).sha256
    assert known == identity(network).sha256
    others = [
        identity(network, seed=1),  # other weights
        identity(write(f"{NETWORK}\nmake = Network  # edited")),
        points(network).identified(BATCH, {"channels": 6}),  # read otherwise
    ]
    named = write(f"{NETWORK}\ndef make(name): return Network()")
    others += [identity(f"{named}:{argument}") for argument in ("a", "b")]
    Path("shift.txt").write_text("1.0")
    shifted = f"from pathlib import Path\n{PLAIN}\ndef make():\n    global SHIFT\n    SHIFT = "
    plain = write(f"{shifted} float(Path('shift.txt').read_text())\n    return Plain()")
    others.append(identity(plain))
    Path("shift.txt").write_text("2.0")  # a file of weights that only the function knows
    others.append(identity(plain, seed=1))
    assert len({known, *(other.sha256 for other in others)}) == len(others) + 1


def test_results_say_function_source_and_weights(write: Write) -> None:
    name = write(f"{NETWORK}\nmake = Network")
    said = identity(name).metadata["foreign"]
    module = name.split(":")[1]
    assert (said["module"], said["function"], said["argument"]) == (module, "Network", None)
    assert [Path(path).name for path in said["sources_sha256"]] == [f"{module}.py"]
    assert len(said["weights_sha256"]) == 64
    assert "your own code" in identity(name).report


def test_the_seed_decides_what_is_drawn_and_nothing_else(write: Write) -> None:
    name = write(f"{NETWORK}\nmake = Network")
    before = torch.get_rng_state()
    one, again, other = (points(name, seed).made.layer.weight.clone() for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_is_off_and_weights_in_attributes_are_found(write: Write) -> None:
    inside = f"{NETWORK}\nclass Wrapped:\n    dimension = 4\n    def __init__(self):\n        self.net = "
    inside += "torch.nn.Sequential(Network(), torch.nn.Dropout())\n    def __call__(self, x): return self.net(x)\n"
    known = identity(write(f"{inside}\nmake = Wrapped"))
    assert known.metadata["foreign"]["weights_sha256"] is not None


def test_a_vector_that_depends_on_its_batch_is_told(write: Write) -> None:
    code = f"SHIFT = 0\n{PLAIN}\nclass Batchy(Plain):\n    def __call__(self, x): return Plain()(x - x.mean(0))\n"
    assert "with what shares its batch" in identity(write(f"{code}\nmake = Batchy")).report
    assert "shares" not in identity(write(f"SHIFT = 0\n{PLAIN}\nmake = Plain")).report


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("make = 3", "something else called make"),
        ("def make(): return 3", "returned int"),
        ("def make(): return 1 / 0", "line 1 of"),
        ("def make(): raise SystemExit(3)", "SystemExit"),
        ("import no_such_library", "no_such_library"),
        ("def make(:", "SyntaxError"),
        ("class make:\n    sample_rate = 16000\n    def __call__(self, x): return x", "is an encoder of audio"),
        ("class make:\n    def __call__(self, x): return x", "dimension should be a whole number"),
        ("class make:\n    dimension = 3\n    def __call__(self, x): return x", "(2, 3)"),
        ("class make:\n    dimension = 3\n    def __call__(self, x): return x.nope", "has no attribute"),
        ("class make:\n    dimension = 3\n    def __call__(self, x): return x.mean(1) / 0 * 0", "NaN"),
        (
            "import torch\nclass make:\n    dimension = 3\n    def __call__(self, x): return torch.rand(len(x), 3)",
            "two vectors for one input",
        ),
    ],
)
def test_broken_contracts_are_one_sentence(write: Write, code: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        identity(write(code))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["python:", "python:module", "python:no_such_module:make", "python:json:nothing"])
def test_names(name: str) -> None:
    with pytest.raises(UsageError, match=r"^--checkpoint python:"):
        user_function(name)


def test_what_it_embeds(write: Write) -> None:
    form = "class make:\n    {}\n    def __call__(self, x): return x"
    assert modality_of_foreign(write(form.format("sample_rate = 16000")), 0) == "audio"
    assert modality_of_foreign(write(form.format("modality = 'tables'")), 0) == "tables"
    with pytest.raises(UsageError, match="attribute modality"):
        modality_of_foreign(write(form.format("modality = 'smells'")), 0)


def test_it_goes_through_the_one_place_of_names() -> None:
    never = None
    opened = open_named("python:m:f", load=never, make=never, foreign=str.upper, encoders=(), example="")  # type: ignore[arg-type]
    assert opened == "PYTHON:M:F"
