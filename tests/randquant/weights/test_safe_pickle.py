"""What a pickle of arrays may hold comes back as it was; nothing a hostile one asks for is run."""

import collections
import contextlib
import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from randquant.errors import DataError
from randquant.weights.safe_pickle import read_pickle

ARRAYS = {
    "points": np.arange(48, dtype=np.float32).reshape(8, 6),
    "label": np.array([3], dtype=np.int32),
    "big-endian": np.arange(5, dtype=">i4"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "swapped": np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
    "strided": np.arange(10, dtype=np.int16)[::2],
    "empty": np.zeros((0, 3), dtype=np.float32),
    "single": np.array(4.0),
    "flags": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "words": np.array(["a", "chair"]),
    "bytes": np.array([b"a", b"chair"]),
}


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file.pkl"
    path.write_bytes(content)
    return path


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read_pickle(written(folder, content))
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_as_they_were(tmp_path: Path, name: str, protocol: int) -> None:
    array = ARRAYS[name]
    found = read_pickle(written(tmp_path, pickle.dumps(array, protocol)))
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.flags.writeable
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_containers_come_back_as_they_were(tmp_path: Path, protocol: int) -> None:
    value = {
        "train": [(np.float32(2.5), 1, "chair"), {1, 2}, frozenset([3]), None, True, 1j, 10**30],
        ("a", 2): b"raw\xff",
        "more": [b"", bytearray(b"x"), bytearray(), np.dtype("f4"), np.int64(4), np.str_("word"), -0.5],
        "ordered": collections.OrderedDict(b=1, a=2),
    }
    found = read_pickle(written(tmp_path, pickle.dumps(value, protocol)))
    assert found == value
    assert type(found["train"][0][0]) is np.float32
    assert list(found["ordered"]) == ["b", "a"]


def test_point_berts_shapes_come_back(tmp_path: Path) -> None:
    """A cache is [list of points, list of labels]; a fold is dict(train, test) of triples."""
    points = [np.random.default_rng(i).normal(size=(64, 6)).astype(np.float32) for i in range(20)]
    cache = [points, [np.array([i % 4], dtype=np.int32) for i in range(20)]]
    found = read_pickle(written(tmp_path, pickle.dumps(cache, 3)))
    np.testing.assert_array_equal(found[0], points)
    np.testing.assert_array_equal(found[1], cache[1])
    fold = {"train": [(points[0], 0, 17)], "test": [(points[1], np.int64(1), 3)]}
    found = read_pickle(written(tmp_path, pickle.dumps(fold, 4)))
    assert found["test"][0][1:] == (1, 3)
    np.testing.assert_array_equal(found["train"][0][0], points[0])


def test_objects_in_arrays_take_the_same_path(tmp_path: Path) -> None:
    inner = np.arange(3.0)
    array = np.empty((2, 2), dtype=object)
    array[:] = [["a", 1], [None, inner]]
    found = read_pickle(written(tmp_path, pickle.dumps(array)))
    assert found[0].tolist() == ["a", 1]
    np.testing.assert_array_equal(found[1, 1], inner)
    array[0, 0] = Runs("os", "system", "true")
    assert "os.system" in refusal(tmp_path, pickle.dumps(array)) or "posix.system" in refusal(
        tmp_path, pickle.dumps(array)
    )


@pytest.mark.parametrize("order", ["numpy.core", "numpy._core"])
def test_numpy_1_and_2_name_their_functions_differently(tmp_path: Path, order: str) -> None:
    content = pickle.dumps(ARRAYS["points"], 2)
    content = content.replace(b"numpy._core.multiarray", f"{order}.multiarray".encode())
    np.testing.assert_array_equal(read_pickle(written(tmp_path, content)), ARRAYS["points"])


def test_python_2_wrote_bytes_as_text(tmp_path: Path) -> None:
    raw = np.array([1.0, -2.0, 300.0], dtype="<f4").tobytes()
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85U\x01b\x87R"
        b"(K\x01K\x03\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([len(raw)]) + raw + b"tb."
    )
    assert read_pickle(written(tmp_path, content)).tolist() == [1.0, -2.0, 300.0]


def test_what_occurs_twice_is_one_object(tmp_path: Path) -> None:
    array, pair = np.arange(4), [1]
    pair.append(pair)  # type: ignore[arg-type]
    found = read_pickle(written(tmp_path, pickle.dumps([array, array, pair])))
    assert found[0] is found[1]
    assert found[2][1] is found[2]


class Runs:
    """Asks for a function of any module to be called when it is loaded."""

    def __init__(self, module: str, name: str, *values: Any) -> None:
        self.function, self.values = getattr(__import__(module, fromlist=[name]), name), values

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.values


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_run(tmp_path: Path, protocol: int) -> None:
    """The marker would exist if the payload had run; without the reader it does."""
    marker = tmp_path / "ran"
    payload = pickle.dumps({"train": [ARRAYS["points"], Runs("os", "system", f"touch {marker}")]}, protocol)
    message = refusal(tmp_path, payload)
    assert f"{os.system.__module__}.system" in message
    assert not marker.exists()
    pickle.loads(payload)
    assert marker.exists()


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (Runs("builtins", "eval", "1 + 1"), "builtins.eval"),
        (Runs("builtins", "exec", "x = 1"), "builtins.exec"),
        (Runs("builtins", "getattr", "x", "y"), "builtins.getattr"),
        (Runs("subprocess", "Popen", ["true"]), "subprocess.Popen"),
        (Runs("numpy", "load", "x.npy"), "numpy.load"),
        (Runs("numpy", "matrix", "1 2"), "numpy.matrix"),
        (Runs("builtins", "range", 3), "range"),
        (Runs("functools", "partial", print), "functools.partial"),
        (Path("x"), "pathlib"),
        (np.ma.masked_array([1, 2], [True, False]), "numpy.ma"),
        (np.random.default_rng(0), "numpy.random"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_other_name_is_refused_by_name(tmp_path: Path, payload: Any, named: str) -> None:
    assert named in refusal(tmp_path, pickle.dumps(payload))


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


STACK_GLOBAL = b"\x80\x04" + text("os") + text("system") + b"\x93" + text("true") + b"\x85R."
DOTTED = b"\x80\x04" + text("numpy") + text("ndarray.__class__") + b"\x93."
OLD = b"(S'true'\nios\nsystem\n."
NEWOBJ = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85\x81."
# A state for the permitted function itself: its defaults, were it a function of Python.
STATE = b"\x80\x02c_codecs\nencode\n}U\x0c__defaults__K\x01sb."
SLOTS = b"\x80\x02c_codecs\nencode\nN}U\x05_callNs\x86b."
RECONSTRUCTED = b"\x80\x02cnumpy._core.multiarray\n_reconstruct\nc_codecs\nencode\nK\x00\x85C\x01b\x87R."


@pytest.mark.parametrize(
    "content",
    [STACK_GLOBAL, DOTTED, OLD, NEWOBJ, STATE, SLOTS, RECONSTRUCTED],
    ids=["stack-global", "dotted", "inst", "newobj", "state", "slots", "reconstruct"],
)
def test_tricks_by_hand_are_refused(tmp_path: Path, content: bytes) -> None:
    refusal(tmp_path, content)
    assert read_pickle(written(tmp_path, pickle.dumps(b"still works", 2))) == b"still works"


def test_a_call_within_a_call_is_refused(tmp_path: Path) -> None:
    """The permitted function is given what another would return."""
    marker = tmp_path / "ran"
    inner = pickle.dumps(Runs("os", "system", f"touch {marker}"), 2)[2:-1]
    refusal(tmp_path, b"\x80\x02c_codecs\nencode\n" + inner + b"X\x06\x00\x00\x00latin1\x86R.")
    assert not marker.exists()


def test_objects_outside_the_file_are_refused(tmp_path: Path) -> None:
    class Persistent(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return "elsewhere" if value == "here" else None

    for protocol in (0, 4):
        file = io.BytesIO()
        Persistent(file, protocol).dump(["here"])
        assert "persistent" in refusal(tmp_path, file.getvalue())
    assert "extension" in refusal(tmp_path, b"\x80\x02\x82\x01.")
    assert "not a whole pickle" in refusal(tmp_path, b"\x80\x05\x97.")  # a buffer handed over beside the file


def crafted(
    dtype: bytes = b"U\x02f8", state: bytes = b"NNN", shape: bytes = b"K\x02\x85", raw: bytes = bytes(16)
) -> bytes:
    return (
        b"\x80\x02cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + shape
        + b"cnumpy\ndtype\n"
        + dtype
        + b"\x89\x88\x87R(K\x03U\x01<"
        + state
        + b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
        + bytes([len(raw)])
        + raw
        + b"tb."
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (crafted(shape=b"K\x03\x85"), "16 bytes for an array"),
        (crafted(shape=b"J\xff\xff\xff\xff\x85"), "tuple of integers"),
        (crafted(shape=b"\x8a\x09" + bytes(8) + b"\x01\x85"), "16 bytes for an array"),
        (crafted(dtype=b"U\x02O8"), "no content"),
        (crafted(dtype=b"U\x02V8"), "V8"),
        (crafted(dtype=b"U\x08f4,O,f4\n"), "f4,O,f4"),
        (crafted(dtype=b"U\x02S0"), "S0"),
        (crafted(state=b"N(U\x01at}U\x01aK\x01s"), "records"),
    ],
    ids=["too-short", "negative", "huge", "pointers", "void", "fields", "no-size", "records"],
)
def test_arrays_that_do_not_add_up_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    assert read_pickle(written(tmp_path, crafted())).tolist() == [0.0, 0.0]
    assert says in refusal(tmp_path, content)


def test_files_cut_off_anywhere_are_refused(tmp_path: Path) -> None:
    for protocol in (0, 2, 4, 5):
        content = pickle.dumps([ARRAYS["points"], {"a": 1}], protocol)
        for length in range(0, len(content), max(1, len(content) // 60)):
            assert "not a whole pickle" in refusal(tmp_path, content[:length])


def test_garbage_is_refused_and_never_crashes(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    whole = bytearray(pickle.dumps([ARRAYS["points"][:1], ("chair", {"a": {1, 2}})], 2))
    for _ in range(300):
        broken = bytearray(whole)
        for position in generator.integers(0, len(whole), size=3):
            broken[position] = generator.integers(0, 256)
        with contextlib.suppress(DataError):
            read_pickle(written(tmp_path, bytes(broken)))
        refusal(tmp_path, b"\xff" + generator.bytes(50))


def laughs(depth: int) -> bytes:
    """Lists of ten times the list before: few bytes, but 10^depth ends for who follows every way down."""
    value: Any = ["ha"]
    for _ in range(depth):
        value = [value] * 10
    return pickle.dumps(value)


def test_bombs_do_no_harm(tmp_path: Path) -> None:
    assert len(read_pickle(written(tmp_path, laughs(30)))) == 10
    assert "deeper" in refusal(tmp_path, b"]" * 2000 + b"a" * 1999 + b".")
    # Nested tuples as a key: hashing them would overrun the interpreter's own stack.
    assert "deeper" in refusal(tmp_path, b"\x80\x02}K\x01" + b"\x85" * 3_000_000 + b"K\x01s.")
    assert "deeper" in refusal(tmp_path, b"\x80\x02}K\x01" + b"q\x000h\x00\x85" * 200 + b"K\x01s.")
    assert "deeper" in refusal(tmp_path, b"\x80\x02}" + b"(" * 200 + b"t" * 200 + b"K\x01s.")
    assert "as 4294967295" in refusal(tmp_path, b"\x80\x02]r\xff\xff\xff\xff.")
    assert "as 99999999" in refusal(tmp_path, b"]p99999999\n.")
    for kind in (b"\x8e", b"\x8d", b"\x96"):  # bytes, text and bytearray that claim an exabyte
        assert "cut off" in refusal(tmp_path, b"\x80\x05" + kind + struct.pack("<Q", 2**60) + b"abc.")
    big = b"\x80\x02X" + struct.pack("<I", 10**6) + b"x" * 10**6 + b"q\x000](" + b"c_codecs\nencode\nq\x010"
    again = b"h\x01h\x00X\x06\x00\x00\x00latin1\x86R"
    assert "many times its size" in refusal(tmp_path, big + again * 100 + b"e.")
    text = b"\x80\x03B" + struct.pack("<I", 10**6) + b"x" * 10**6 + b"q\x000"
    scalar = b"cnumpy\ndtype\nX\x08\x00\x00\x00S1000000\x85Rq\x010cnumpy.core.multiarray\nscalar\nq\x020]("
    assert "many times its size" in refusal(tmp_path, text + scalar + b"h\x02h\x01h\x00\x86R" * 100 + b"e.")
    assert "whole pickle" in refusal(tmp_path, b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.")


BEGUN = b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
DOUBLES = b"cnumpy\ndtype\nU\x02f8\x89\x88\x87R\x89U"
ENDLESS = BEGUN + b"\x8a\x06" + (2**40).to_bytes(6, "little") + b"K\x00\x86" + DOUBLES + b"\x00tb"  # (2**40, 0)
PAIR = BEGUN + b"K\x02\x85" + DOUBLES + b"\x10" + bytes(16) + b"tb"
LAUGHS = b"K\x01" + b"".join(b"q%c0(%st" % (index, b"h%c" % index * 10) for index in range(30))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"c_codecs\nencode\n" + ENDLESS + b"R.", "something else than a tuple"),
        (b"ccollections\nOrderedDict\n]" + ENDLESS + b"a\x85R.", "something else than a list"),
        (PAIR + b"K\x00" + laughs(30)[2:-1] + b"s.", "something else than a dict"),
        (b"}" + LAUGHS + b"K\x01s.", "many times its size"),
        (b"}c_codecs\nencode\nK\x01s.", "unfinished"),
        (b"cnumpy\nndarray\n.", "unfinished"),
        (ENDLESS + ENDLESS + b"\x81.", "not run"),
    ],
    ids=["arguments", "pairs", "items", "keys", "function", "class", "object"],
)
def test_nothing_is_taken_apart_for_ever(tmp_path: Path, content: bytes, says: str) -> None:
    assert read_pickle(written(tmp_path, b"\x80\x02" + ENDLESS + b".")).shape == (2**40, 0)
    assert says in refusal(tmp_path, b"\x80\x02" + content)


def test_too_large_missing_and_folders_are_said_in_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, pickle.dumps(list(range(100))))
    with pytest.raises(DataError, match="at most 50"):
        read_pickle(path, max_bytes=50)
    with pytest.raises(DataError, match="No such file"):
        read_pickle(tmp_path / "absent.pkl")
    with pytest.raises(DataError, match="Is a directory"):
        read_pickle(tmp_path)
