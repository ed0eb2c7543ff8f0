"""The GPU's kernel against the plain form, bit for bit: on a GPU, or in Triton's interpreter on a CPU."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from randquant import RandomizedQuantization
from randquant.kernels import chosen, cuda
from randquant.kernels.chosen import plain_form

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
QUICK = "half or gradient or (packed or plain) and 7"  # seconds in the interpreter
Dims = int | tuple[int, ...]
# The interpreter takes milliseconds a program, so these are small, and parts of rows smaller still.
LAYOUTS: dict[str, tuple[Callable[[], Tensor], Dims]] = {
    "pictures": (lambda: torch.randn(2, 3, 9, 13), (-2, -1)),
    "pictures, channels last": (lambda: torch.randn(2, 3, 9, 13).to(memory_format=torch.channels_last), (-2, -1)),
    "a window of pictures": (lambda: torch.randn(2, 3, 12, 20)[..., 2:11, 3:16], (-2, -1)),
    "spectrograms by band": (lambda: torch.randn(3, 1, 5, 24), -1),
    "spectrograms by frame": (lambda: torch.randn(2, 1, 24, 6), -2),
    "clouds": (lambda: torch.randn(3, 40, 3), -2),
    "clouds, coordinates first": (lambda: torch.randn(3, 3, 40).mT, -2),
    "every other point": (lambda: torch.randn(2, 80, 3)[:, ::2], -2),
    "tokens": (lambda: torch.randn(2, 9, 40), -2),
    "rows shown many times": (lambda: torch.randn(1, 30).expand(4, 30), -1),
    "a signal": (lambda: torch.randn(70), -1),
    "dimensions apart": (lambda: torch.randn(4, 3, 5, 6), (0, 2)),
    "one entry": (lambda: torch.randn(3, 1), -1),
}


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Whether the kernel has run; it is interpreted where there is no GPU."""
    launches = []
    launch = cuda._launch

    def counted(*arguments: Any) -> None:
        launches.append(1)
        launch(*arguments)

    monkeypatch.setattr(cuda, "_launch", counted)
    if INTERPRETED:
        monkeypatch.setitem(chosen._KERNELS, "cpu", "randquant.kernels.cuda")
        monkeypatch.setattr(cuda, "_runs", lambda: True)
    return lambda: bool(launches)


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are too long to be held, even short ones."""
    for name, size in (("WHOLE", 32), ("LOOPED", 32)):
        monkeypatch.setattr(cuda, name, size)


def kernel_test(test: Callable[..., None]) -> Callable[..., None]:
    """For a GPU, or the interpreter."""
    return test if INTERPRETED else pytest.mark.gpu(test)


def same(augment: RandomizedQuantization, x: Tensor, ran: Callable[[], bool], **given: Tensor) -> None:
    params = augment.make_params(x, offsets=given.get("offsets"))
    found = augment.transform(x, params, **given)
    assert ran()
    with plain_form():
        expected = augment.transform(x, params, **given)
    assert (found.dtype, found.device) == (x.dtype, x.device)
    # The interpreter's conversion to bfloat16 does not round to the nearest.
    loose = 2.0**-7 if INTERPRETED and x.dtype == torch.bfloat16 else 0.0
    torch.testing.assert_close(found, expected, rtol=loose, atol=loose, equal_nan=True)


@kernel_test
@pytest.mark.parametrize("bins", [2, 7, 40])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_equals_the_plain_form(kernel: Callable[[], bool], layout: str, bins: int) -> None:
    make, dim = LAYOUTS[layout]
    same(RandomizedQuantization(bins, dim), make().to(DEVICE), kernel)


@kernel_test
@pytest.mark.parametrize("layout", ["pictures", "clouds", "clouds, coordinates first", "a signal"])
def test_split_rows_equal_the_plain_form(kernel: Callable[[], bool], split: None, layout: str) -> None:
    make, dim = LAYOUTS[layout]
    for bins in (5, 40):
        same(RandomizedQuantization(bins, dim, p=0.7), make().to(DEVICE), kernel)


@kernel_test
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(kernel: Callable[[], bool], dtype: torch.dtype) -> None:
    for shape, dim in (((3, 40), -1), ((2, 30, 3), -2)):
        x = torch.randn(shape, dtype=dtype, device=DEVICE)
        x[0, 3] = torch.inf
        same(RandomizedQuantization(6, dim), x, kernel)


def _odd() -> Tensor:
    x = torch.randn(5, 50, 3)
    x[0, 1], x[1, 2, 0], x[1, 3, 0] = torch.nan, torch.inf, -torch.inf
    x[2], x[3, :, 1], x[4, :, 2] = torch.nan, 2.0, -0.0
    return x.to(DEVICE)


@kernel_test
@pytest.mark.parametrize("value", ["random", "midpoint", "zero"])
@pytest.mark.parametrize("bins", [6, (2, 9)])
def test_values_that_are_no_numbers_and_every_way_to_draw(
    kernel: Callable[[], bool], bins: int | tuple[int, int], value: str
) -> None:
    same(RandomizedQuantization(bins, -2, p=0.8, value=value), _odd(), kernel)  # type: ignore[arg-type]
    same(RandomizedQuantization(bins, -2, edges="uniform", same_on_batch=True, value=value), _odd(), kernel)  # type: ignore[arg-type]


@kernel_test
@pytest.mark.parametrize("value", ["random", "midpoint", "zero"])
@pytest.mark.parametrize("bins", [2, 7, (3, 40)])
def test_draws_are_sorted_by_the_kernel(kernel: Callable[[], bool], bins: int | tuple[int, int], value: str) -> None:
    for shape, same_on_batch in (((4, 3, 30), False), ((4, 3, 30), True), ((30,), False)):
        x = torch.randn(shape).to(DEVICE)
        augment = RandomizedQuantization(bins, -1, p=0.9, value=value, same_on_batch=same_on_batch)  # type: ignore[arg-type]
        found = augment(x, generator=torch.Generator(DEVICE).manual_seed(1))
        assert kernel()
        with plain_form():
            expected = augment(x, generator=torch.Generator(DEVICE).manual_seed(1))
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


@kernel_test
@pytest.mark.parametrize("whole", [True, False])
def test_masks(kernel: Callable[[], bool], request: pytest.FixtureRequest, whole: bool) -> None:
    if not whole:
        request.getfixturevalue("split")
    for shape in ((5, 50), (5, 50, 3), (1, 50, 1)):
        mask = torch.rand(shape).to(DEVICE) > 0.4
        mask[-1] &= len(shape) == 3 and shape[0] == 1  # nothing of one cloud counts
        same(RandomizedQuantization(6, -2, p=0.8), _odd(), kernel, mask=mask)


@kernel_test
@pytest.mark.parametrize("bins", [7, 40])
def test_packed_clouds(kernel: Callable[[], bool], bins: int) -> None:
    offsets = torch.tensor([0, 5, 5, 60, 61, 150]).to(DEVICE)
    x = torch.randn(150, 3).to(DEVICE)
    x[7, 1] = torch.nan
    same(RandomizedQuantization(bins, 0, p=0.7), x, kernel, offsets=offsets)
    mask = (torch.rand(150) > 0.3).to(DEVICE)
    same(RandomizedQuantization(bins, 0), x[:, :2], kernel, offsets=offsets.int(), mask=mask)


@kernel_test
def test_a_gradient_passes_straight_through(kernel: Callable[[], bool]) -> None:
    x = torch.randn(3, 20, device=DEVICE, requires_grad=True)
    slope = torch.randn(3, 20, device=DEVICE)
    (RandomizedQuantization(4, straight_through=True)(x) * slope).sum().backward()
    assert kernel()
    torch.testing.assert_close(x.grad, slope, rtol=0, atol=0)


@pytest.mark.gpu
def test_random_layouts(kernel: Callable[[], bool]) -> None:
    """Whole and split rows, several programs and none too many, of any rank, strides, bins and type."""
    chance = random.Random(0)
    for _ in range(60):
        shape = [chance.randint(1, 9) for _ in range(chance.randint(0, 2))]
        shape += [chance.choice([1, 3, 17, 64, 300, 2048]), chance.choice([1, 3, 31, 96, 500, 9000])]
        x = torch.randn(shape, device="cuda").to(chance.choice([torch.float32, torch.float16, torch.bfloat16]))
        x = chance.choice([x, x.mT, x[..., ::2], x.transpose(0, -1)])
        bins: int | tuple[int, int] = chance.choice([2, 3, 8, 16, 33, 256, (2, 12)])  # type: ignore[assignment]
        given = {"mask": torch.rand(x.shape, device="cuda") > 0.5} if chance.random() < 0.3 else {}
        dim: Dims = chance.choice([-1, -2, (-2, -1)])  # type: ignore[assignment]
        same(RandomizedQuantization(bins, dim, p=chance.choice([1.0, 0.5])), x, kernel, **given)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("shape", "dim", "bins"),
    [
        ((64, 3, 224, 224), (-2, -1), 8),
        ((1024, 1, 64, 96), -1, 8),
        ((128, 2048, 3), -2, 32),
        ((2, 3, 1500, 1500), (-2, -1), 100),
        ((4, 100_000, 6), -2, 8),
        ((70_000, 5, 40), -1, 4),
    ],
)
def test_large_batches(kernel: Callable[[], bool], shape: tuple[int, ...], dim: Dims, bins: int) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        same(RandomizedQuantization(bins, dim), torch.randn(shape, device="cuda").to(dtype), kernel)


@pytest.mark.gpu
def test_many_packed_clouds(kernel: Callable[[], bool]) -> None:
    sizes = torch.randint(0, 6000, (300,))
    sizes[7] = 200_000
    offsets = torch.nn.functional.pad(sizes.cumsum(0), (1, 0)).cuda()
    x = torch.randn(int(sizes.sum()), 3, device="cuda")
    same(RandomizedQuantization(16, 0), x, kernel, offsets=offsets)


@pytest.mark.gpu
def test_nothing_waits_for_the_device(kernel: Callable[[], bool]) -> None:
    clouds, pictures = torch.randn(8, 500, 3, device="cuda"), torch.randn(2, 3, 224, 224, device="cuda")
    offsets, mask = torch.tensor([0, 100, 4000], device="cuda"), torch.rand(8, 500, device="cuda") > 0.2
    generator = torch.Generator("cuda").manual_seed(0)

    def everything() -> None:
        RandomizedQuantization((2, 9), -2, p=0.5)(clouds, mask=mask, generator=generator)
        RandomizedQuantization(8, (-2, -1))(pictures)
        RandomizedQuantization(40, 0, p=0.5)(clouds.flatten(0, 1), offsets=offsets)
        with plain_form():
            RandomizedQuantization(8, (-2, -1))(pictures)
            RandomizedQuantization(8, 0)(clouds.flatten(0, 1), offsets=offsets)

    everything()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        everything()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert kernel()


@pytest.mark.gpu
@pytest.mark.parametrize(("shape", "dim"), [((64, 1, 64, 96), -1), ((4, 3, 224, 224), (-2, -1)), ((16, 1000, 3), -2)])
def test_a_graph_replays_it_with_fresh_draws(kernel: Callable[[], bool], shape: tuple[int, ...], dim: Dims) -> None:
    augment, x = RandomizedQuantization(8, dim), torch.randn(shape, device="cuda")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        augment(x)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        params = augment.make_params(x)
        quantized = augment.transform(x, params)
    seen = []
    for _ in range(3):
        x.normal_()
        graph.replay()
        with plain_form():
            torch.testing.assert_close(quantized, augment.transform(x, params), rtol=0, atol=0)
        seen.append(params.edges.clone())
    assert kernel()
    assert not torch.equal(seen[0], seen[1])


@pytest.mark.gpu
@pytest.mark.parametrize("layout", ["pictures", "clouds", "spectrograms by band", "dimensions apart"])
def test_compiled_whole(kernel: Callable[[], bool], layout: str) -> None:
    make, dim = LAYOUTS[layout]
    x = make().cuda()
    augment = RandomizedQuantization(8, dim, straight_through=True)
    params = augment.make_params(x)
    compiled = torch.compile(augment.transform, fullgraph=True)
    found = compiled(x.requires_grad_(), params)
    assert kernel()
    with plain_form():
        torch.testing.assert_close(found, augment.transform(x, params), rtol=0, atol=0)
    found.sum().backward()
    torch.testing.assert_close(x.grad, torch.ones_like(x))


@pytest.mark.gpu
def test_compiled_packed_with_its_draw(kernel: Callable[[], bool]) -> None:
    augment = RandomizedQuantization((2, 9), 0, p=0.5)
    x, offsets = torch.randn(500, 3, device="cuda"), torch.tensor([0, 100, 500], device="cuda")
    found = torch.compile(lambda x, offsets: augment(x, offsets=offsets), fullgraph=True)(x, offsets)
    assert kernel()
    assert found.shape == x.shape


@pytest.mark.skipif(INTERPRETED or torch.cuda.is_available(), reason="the kernel is tested itself")
@pytest.mark.parametrize(
    "some", ["half or gradient or (packed or plain) and 7", pytest.param("", marks=pytest.mark.long)]
)
def test_interpreted(some: str) -> None:
    """The above but for what needs a GPU, in a process of its own: the interpreter is chosen when Triton loads."""
    pytest.importorskip("triton", reason="no Triton: its kernels are not tested")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not gpu", "-k", some, "-p", "no:cacheprovider", __file__],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-6000:]
