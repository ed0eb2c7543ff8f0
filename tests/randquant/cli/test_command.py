"""A signature is a command line; what the user can fix is one sentence and an exit code."""

import errno
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from randquant.cli.command import run
from randquant.errors import DataError, UsageError

CALLS: list[object] = []


@dataclass
class Settings:
    """Settings.

    Args:
        out: folder to write.
        rates: some rates.
        method: one of two.
        strict: be strict.
        pair: two numbers.
    """

    out: Path
    rates: list[float] = field(default_factory=lambda: [0.5])
    method: Literal["one", "two"] = "one"
    strict: bool = False
    pair: tuple[float, float] = (0.6, 1.5)

    def __post_init__(self) -> None:
        if not self.rates:
            raise ValueError("--rates must not be empty.")
        if self.rates[0] < 0:
            raise ValueError("--rates should not be negative.")


def configured(settings: Settings) -> None:
    """Take a dataclass."""
    CALLS.append(settings)


def copy(root: Path, workers: int | None = None) -> int | None:
    """Copy things.

    Args:
        root: folder to read.
        workers: processes.
    """
    CALLS.append((root, workers))
    return 7 if workers == 7 else None


def failing(kind: str) -> None:
    """Fail in some way."""
    if kind == "bug":
        raise ZeroDivisionError
    raise {
        "data": DataError("it is broken;\n   fix it."),
        "usage": UsageError("that flag is wrong."),
        "full": OSError(errno.ENOSPC, "No space left on device", "somewhere"),
        "stop": KeyboardInterrupt(),
    }[kind]


@pytest.fixture(autouse=True)
def forget_calls() -> None:
    CALLS.clear()


def test_flags_yaml_and_defaults_fill_a_dataclass(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("rates: [1, 2]\nmethod: two\n")
    words = [
        "--config",
        str(tmp_path / "recipe.yaml"),
        "--out",
        "x",
        "--rates",
        "3",
        "4",
        "--strict",
        "--pair",
        "1",
        "2",
    ]
    assert run(configured, words) == 0
    settings = CALLS[0]
    assert isinstance(settings, Settings)
    assert (settings.out, settings.rates, settings.method, settings.strict) == (Path("x"), [3.0, 4.0], "two", True)
    assert list(settings.pair) == [1.0, 2.0]
    assert run(configured, ["--out", "x"]) == 0
    assert isinstance(CALLS[1], Settings)
    assert CALLS[1].rates == [0.5]


def test_one_number_or_several(tmp_path: Path) -> None:
    calls: list[float | list[float]] = []

    def wide(noise: float | list[float] = 0.5) -> None:
        calls.append(noise)

    recipe = tmp_path / "recipe.yaml"
    for text in ("noise: 0.25  # as always\n", "noise: [0, 0.25]\n"):
        recipe.write_text(text)
        assert run(wide, ["--config", str(recipe)]) == 0
    assert run(wide, []) == run(wide, ["--noise", "2"]) == run(wide, ["--noise", "1", "2"]) == 0
    assert calls == [[0.25], [0.0, 0.25], [0.5], [2.0], [1.0, 2.0]]


def test_subcommands_and_exit_codes() -> None:
    assert run({"copy": copy, "configured": configured}, ["copy", "--root", "a"]) == 0
    assert run({"copy": copy}, ["copy", "--root", "a", "--workers", "7"]) == 7
    assert [(Path("a"), None), (Path("a"), 7)] == CALLS


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "a command is required"),
        (["cpoy"], "did you mean copy"),
        (["copy"], "--root must be given"),
        (["copy", "--root", "a", "--worker", "2"], "did you mean --workers"),
        (["copy", "--root", "a", "--workers", "two"], "--workers does not take the value two"),
        (["configured", "--out", "x", "--rates", "1", "few"], "--rates does not take the value few (expected float)"),
        (["configured", "--out", "x", "--method", "three"], "one, two"),
        (["configured", "--out", "x", "--rates", "-1"], "should not be negative"),
        (["configured", "--out", "x", "--config", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_usage_errors_are_one_sentence(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"copy": copy, "configured": configured}, words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert says in error
    assert error.count("\n") == 1
    assert not CALLS


@pytest.mark.parametrize("strict", [True, False])
def test_a_recipe_sets_switches(tmp_path: Path, strict: bool) -> None:
    (tmp_path / "recipe.yaml").write_text(f"strict: {str(strict).lower()}\npair: [1.0, 2.0]\n")
    assert run(configured, ["--config", str(tmp_path / "recipe.yaml"), "--out", "x"]) == 0
    assert isinstance(CALLS[-1], Settings)
    assert CALLS[-1].strict is strict
    assert list(CALLS[-1].pair) == [1.0, 2.0]


def test_unknown_yaml_keys_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.yaml").write_text("metod: two\n")
    assert run(configured, ["--config", str(tmp_path / "recipe.yaml"), "--out", "x"]) == 2
    assert "metod is not known here (did you mean method?)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("data", 1, "error: it is broken; fix it."),
        ("usage", 2, "error: that flag is wrong."),
        ("full", 1, "somewhere: no space left on device; free space"),
        ("stop", 130, "interrupted"),
    ],
)
def test_errors_the_user_can_mend(kind: str, code: int, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(failing, ["--kind", kind]) == code
    assert says in capsys.readouterr().err


def test_debug_and_our_own_defects_keep_the_traceback() -> None:
    with pytest.raises(DataError):
        run(failing, ["--kind", "data", "--debug"])
    with pytest.raises(ZeroDivisionError):
        run(failing, ["--kind", "bug"])


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(configured, ["--help"], description="Do it.\n\n    python -m scripts.it --out X\n")
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for part in (
        "    python -m scripts.it --out X",
        "folder to write.",
        "{one,two}",
        "--no_strict",
        "--print_config[=flags]",
    ):
        assert part in text


def ranges(
    seed: int = 0,
    size: int = 1,
    rate: float = 1.0,
    name: str = "x",
    root: Path | None = None,
    many: list[int] = [1],  # noqa: B006
) -> None:
    """Take values.

    Args:
        seed: of draws.
        size: of things.
        rate: of things.
        name: of things.
        root: a path.
        many: numbers.
    """
    CALLS.append((seed, size, rate, name, root, many))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--seed", "-1"], "--seed -1 should lie between 0 and"),
        (["--seed", str(2**63)], "--seed 9223372036854775808 should lie between"),
        (["--seed", "9" * 400], "digits) should"),
        (["--size", str(2**63)], "should be at most"),
        (["--many", "1", str(-(2**70))], "should be at most"),
        (["--rate", "1e400"], "finite"),
        (["--rate", "nan"], "--rate"),
        (["--rate", "inf"], "--rate"),
        (["--root", ""], "--root is empty"),
        (["--root="], "--root is empty"),
        (["--name", ""], "--name is empty"),
        (["--root", "a\udcffb"], "--root a\\xffb is not valid UTF-8"),
        (["--name", "a\0b"], "null character"),
        (["--size"], "--size"),
        (["--root", "-folder"], "written --root=./-NAME"),
        (["--root={0}"], "written --root './{0}'"),
        (["\x1b[2J"], "\\x1b[2J"),
    ],
)
def test_values_no_flag_takes(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ranges, words) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert error[:-1].isprintable()
    assert not CALLS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- seed\n", "a list"),
        ("seed\n", "a single value"),
        ("", "nothing"),
        ("# only words\n", "nothing"),
        ("seed: 1\nseed: 2\n", "gives seed twice, first in line 1 (line 2)"),
        ("seed: {a: 1}\n", "keys of its own; it takes one value (line 1)"),
        ("seed: [1]\n", "a list"),
        ("many: 1\n", "as in many: [1, 2]"),
        ("many: [1, [2]]\n", "something else"),
        ("many: [1, {a: 2}]\n", "something else"),
        ("seed:\t1\n\tsize: 2\n", "a tab"),
        ("many: &a [1]\nsize: *a\n", "repeats a value by *a"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "repeats a value"),
        ("rate: .nan\n", "finite"),
        ("rate: -.inf\n", "finite"),
        ("rate: nan\n", "--rate"),
        ("seed: null\n", "--seed needs a value"),
        ("name: ''\n", "an empty value"),
        ("seed: 99999999999999999999\n", "should lie between"),
        ("seed: !!python/object/apply:os.system ['true']\n", "seed"),
        ("seed: !!python/name:os.system\n", "something else"),
        ("config: other.yaml\n", "config is not known here; see"),
        ("debug: true\n", "debug is not known here"),
        ("[1]: 2\n", "a key that is not a name"),
        ("? {a: b}\n: 2\n", "a key that is not a name"),
        ("sede: 2\n", "did you mean seed?"),
        ("seed: 1\n---\nseed: 2\n", "not YAML of the form"),
        ("seed: [1\n", "not YAML of the form"),
        ("[" * 20_000, "nested too deeply"),
        ("[" * 900, "not YAML of the form"),
        ("name: 'a\\x1b[2J\n", "--config"),
        ("\xff\xfe\x00", "--config"),
    ],
)
def test_files_that_are_no_flags(text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(text.encode("latin-1"))
    assert run(ranges, ["--config", str(file)]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert error[:-1].isprintable()
    assert not CALLS


def test_a_file_of_flags_is_read_as_a_command_line(tmp_path: Path) -> None:
    """YAML 1.1 takes 010 for eight, 12:30 for 750 and no for false."""
    file = tmp_path / "recipe.yaml"
    for value in ("010", "12:30", "2024-01-01", "no", "1_000", "0x10", ".5"):
        file.write_text(f"root: {value}\nname: {value}\n")
        assert run(ranges, ["--config", str(file)]) == 0
        assert run(ranges, ["--root", value, "--name", value]) == 0
    file.write_text("seed: 010\n")
    assert run(ranges, ["--config", str(file)]) == 0
    assert run(ranges, ["--seed", "010"]) == 0
    assert CALLS[::2] == CALLS[1::2]


def test_a_tilde_that_no_shell_read_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "recipe.yaml").write_text("root: ~/a\nname: ~/b\n")
    assert run(ranges, ["--config", str(tmp_path / "recipe.yaml")]) == 0
    assert run(ranges, ["--root=~/a", "--name=~/b"]) == 0
    assert [(0, 1, 1.0, str(tmp_path / "b"), tmp_path / "a", [1])] * 2 == CALLS


def test_files_of_flags_from_odd_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (tmp_path, "/dev/zero", tmp_path / "absent", tmp_path / ("n" * 300)):
        assert run(ranges, ["--config", str(place)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    reading, writing = os.pipe()
    os.write(writing, b"\xef\xbb\xbfseed: 3\nroot: null\nmany: [4]\n")
    os.close(writing)
    assert run(ranges, ["--config", f"/dev/fd/{reading}"]) == 0
    os.close(reading)
    assert CALLS == [(3, 1, 1.0, "x", None, [4])]


def test_sigterm_ends_a_command_as_ctrl_c_does(capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(out: Path) -> None:
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    assert run(stopped, ["--out", "x"]) == 130
    assert capsys.readouterr().err.startswith("interrupted; what was finished is kept")
    assert signal.getsignal(signal.SIGTERM) == before
