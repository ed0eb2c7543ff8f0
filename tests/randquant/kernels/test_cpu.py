"""The compiled kernel of the CPU against the plain form: the same bits for the same draws."""

import multiprocessing
import random
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from randquant import RandomizedQuantization
from randquant.kernels import cpu
from randquant.kernels.chosen import kernel_for, plain_form
from randquant.packed import PackedBatch
from tests.randquant.kernels.cases import (
    DTYPES,
    SHAPES,
    any_augmentation,
    any_mask,
    any_numbers,
    any_offsets,
    assert_equals_plain_form,
)

pytest.importorskip("numba")


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("seed", range(60))
def test_equals_the_plain_form(seed: int) -> None:
    chance = random.Random(seed)
    torch.manual_seed(seed)
    for _ in range(3):
        shape, dim = chance.choice(SHAPES)
        x, mask = any_numbers(chance, shape, chance.choice(DTYPES)), any_mask(chance, shape)
        assert_equals_plain_form(any_augmentation(chance, dim), x, seed, mask=mask)


@pytest.mark.parametrize("seed", range(30))
def test_packed_equals_the_plain_form(seed: int) -> None:
    chance = random.Random(seed)
    torch.manual_seed(seed)
    offsets = any_offsets(chance)
    shape = (int(offsets[-1]), chance.choice([1, 3, 4, 20]))
    x, mask = any_numbers(chance, shape, chance.choice(DTYPES)), any_mask(chance, shape)
    assert_equals_plain_form(any_augmentation(chance, 0), x, seed, mask=mask, offsets=offsets)


@pytest.mark.parametrize("bins", range(2, 70))
def test_every_small_number_of_bins(bins: int) -> None:
    assert_equals_plain_form(RandomizedQuantization(bins, -1), torch.randn(19, 70), bins)


def test_most_bins() -> None:
    assert_equals_plain_form(RandomizedQuantization(2**16, -1), torch.randn(2, 500), 0)


@pytest.mark.parametrize("length", range(1, 50))
def test_every_length_of_a_row(length: int) -> None:
    assert_equals_plain_form(RandomizedQuantization(5, -1), torch.randn(3, length), length)


def test_memory_that_cannot_be_written_or_that_rows_share() -> None:
    shared = torch.randn(1, 1, 40).expand(5, 3, 40)
    assert_equals_plain_form(RandomizedQuantization(4, -1), shared, 0)
    numbers = torch.randn(6, 30).numpy()
    numbers.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, of what happens if it is written
        assert_equals_plain_form(RandomizedQuantization(4, -1), torch.from_numpy(numbers), 0)
    negated = torch.randn(4, 30, dtype=torch.complex64).conj().imag
    assert negated.is_neg()
    assert_equals_plain_form(RandomizedQuantization(4, -1), negated, 0)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads: int, two_threads: None) -> None:
    x, augment = torch.randn(70, 2000), RandomizedQuantization(8, -1)
    with plain_form():
        torch.manual_seed(0)
        plain = augment(x)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    assert torch.equal(augment(x), plain)


def test_several_threads_may_ask_at_once(two_threads: None) -> None:
    x, augment = torch.randn(40, 3000), RandomizedQuantization(8, -1)
    params = augment.make_params(x)
    alone = augment.transform(x, params)
    with ThreadPoolExecutor(4) as callers:
        together = list(callers.map(lambda _: augment.transform(x, params), range(40)))
    assert all(torch.equal(each, alone) for each in together)


def test_a_forked_process_has_threads_of_its_own(two_threads: None) -> None:
    x, augment = torch.randn(40, 3000), RandomizedQuantization(8, -1)
    params = augment.make_params(x)
    expected = augment.transform(x, params)

    def child() -> None:
        same = augment.transform(x, params).numpy() == expected.numpy()  # PyTorch's own threads do not survive
        sys.exit(0 if same.all() else 3)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    if process.is_alive():
        process.kill()
    assert process.exitcode == 0


def _quantized(batch: list[tuple[Tensor]]) -> Tensor:
    return RandomizedQuantization(8, -1)(torch.stack([each for (each,) in batch]))


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.long)])
def test_workers_of_a_loader(start: str, two_threads: None) -> None:
    data = TensorDataset(torch.randn(8, 40, 500))
    _quantized([data[0]])
    loader = DataLoader(
        data, batch_size=4, num_workers=2, collate_fn=_quantized, multiprocessing_context=start, timeout=120
    )
    batches = list(loader)
    assert [batch.shape for batch in batches] == [(4, 40, 500)] * 2
    assert all(int(row.unique().numel()) <= 8 for batch in batches for row in batch.flatten(0, 1))


def test_straight_through_has_the_plain_forms_gradient() -> None:
    augment, weight = RandomizedQuantization(3, -2, p=0.5, straight_through=True), torch.randn(4, 30, 3)
    gradients = []
    for plain in (False, True):
        x = torch.linspace(-1, 1, 360).view(4, 30, 3).requires_grad_()
        torch.manual_seed(0)
        if plain:
            with plain_form():
                quantized = augment(x)
        else:
            quantized = augment(x)
        (quantized * weight).sum().backward()
        gradients.append((quantized, x.grad))
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_the_plain_form_is_taken_where_a_kernel_would_be_wrong() -> None:
    x, augment = torch.randn(4, 30), RandomizedQuantization(3, -1)
    assert kernel_for(x, 3, gradient=False) is cpu
    assert kernel_for(x, 3, gradient=True) is None
    with plain_form():
        assert kernel_for(x, 3, gradient=False) is None
    params = augment.make_params(x[0])
    gradient = torch.func.grad(lambda row: augment.transform(row, params).sum())(x[0])
    assert int((gradient != 0).sum()) == 2
    with torch.device("meta"):
        assert augment(torch.randn(4, 30)).shape == (4, 30)


def test_broken_numba_gives_the_plain_form_and_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **named: object) -> Tensor:
        raise RuntimeError("no such instruction")

    cpu._compiles.cache_clear()
    monkeypatch.setattr(cpu, "quantize", broken)
    with pytest.warns(UserWarning, match="no such instruction"):
        assert RandomizedQuantization(3, -1)(torch.randn(4, 30)).shape == (4, 30)
    cpu._compiles.cache_clear()


def test_without_a_cache_code_is_compiled_in_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from randquant.kernels.compiled.compiled import compiled

    genuine = numba.njit

    def no_place(*functions: Any, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return genuine(*functions, **options)

    monkeypatch.setattr(numba, "njit", no_place)
    assert compiled(_twice)(3) == 6


def test_compiled_code_is_as_old_as_all_that_it_calls() -> None:
    from randquant.kernels.compiled.compiled import source_stamp
    from randquant.kernels.compiled.quantize_rows import quantize_rows

    assert quantize_rows._cache._cache_file._source_stamp == source_stamp()
    assert {"lanes.py", "layout.py", "rows.py", "scaled.py", "sorting_network.py"} <= {
        name for name, _, _ in source_stamp()
    }


def _twice(number: int) -> int:
    return 2 * number


def test_one_compilation_is_for_every_layout() -> None:
    from randquant.kernels.compiled.quantize_rows import quantize_rows

    x = torch.randn(6, 20, 3)
    RandomizedQuantization(4, -2)(x, mask=torch.rand(6, 20) < 0.5)
    RandomizedQuantization(4, (-2, -1), p=0.5)(x)
    packed = PackedBatch.of(list(x))
    RandomizedQuantization(4, 0)(packed.rows, offsets=packed.offsets)
    kinds = [str(signature[0].dtype) for signature in quantize_rows.signatures]
    assert len(kinds) == len(set(kinds))
