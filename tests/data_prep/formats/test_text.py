"""Numbers of a text by compiled code against numpy's."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from randquant.data_prep.formats import text as module
from randquant.data_prep.formats.text import text_numbers

pytest.importorskip("numba")
WORDS = st.one_of(
    st.floats().map(repr),
    st.floats(-1e6, 1e6).map(lambda x: f"{x:.6f}"),
    st.integers(-(10**20), 10**20).map(str),
    st.from_regex(r"[+-]?[0-9]{0,20}\.?[0-9]{0,20}(?:[eE][+-]?[0-9]{0,3})?", fullmatch=True),
    st.sampled_from(["1", "-0", "-0.0", "1.", ".5", ".", "+", "1e", "1e5", "1E-22", "nan", "inf", "1,5", "0x1", "1_0"]),
)


def plain(text: bytes, dtype: type) -> np.ndarray | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, dtype=dtype, sep=" ")
        except (DeprecationWarning, ValueError):
            return None


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@settings(deadline=None, max_examples=60)
@given(words=st.lists(WORDS, max_size=5), blank=st.sampled_from([" ", "\n", "\t ", "\r\n", "\v\f"]))
def test_every_number_is_numpys(dtype: type, words: list[str], blank: str) -> None:
    text = blank.join(words).encode()
    found, expected = module._compiled_numbers(text, np.dtype(dtype)), plain(text, dtype)
    if found is not None:
        assert expected is not None
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_usual_numbers_are_read_by_compiled_code(dtype: type) -> None:
    generator = np.random.default_rng(0)
    words = [f"{x:.6f}" if dtype is np.float64 else str(int(100 * x)) for x in generator.normal(size=9000)]
    text = "\n".join(words).encode()
    found = module._compiled_numbers(text, np.dtype(dtype))
    assert found is not None
    assert found.tobytes() == text_numbers(text, dtype).tobytes()  # type: ignore[union-attr]
    assert text_numbers(text + b" 1 two", dtype) is None
