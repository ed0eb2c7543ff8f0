"""A picture of pictures, as typed."""

from pathlib import Path

import pytest
import torch

from randquant.cli.command import run
from randquant.data.store import Store
from randquant.figures.under_each import under_each
from randquant.images.formats.picture import encode_png
from randquant.images.gallery import BINS, augmentations, colours, gallery
from randquant.scripts.preview_images import preview
from tests.images.stores import coloured, mixed, task

pytest.importorskip("matplotlib")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return task(tmp_path / "store", 12)


def test_of_a_store(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "views.png"
    assert run(preview, ["--store", str(store.path), "--out", str(out), "--pictures", "1", "--match", "class"]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == f"{out}: 1 picture under 18 views of 12 x 12 pixels\n"


def test_of_files_of_any_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for number, pixels in enumerate(mixed(1)):
        files.append(tmp_path / f"{number}.jpg")  # what it is, its content says
        files[-1].write_bytes(encode_png(pixels))
    out = tmp_path / "views.svg"
    assert run(preview, ["--files", *map(str, files), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 1 picture under 18 views of 9 x 9 pixels\n"


def test_every_augmentation_is_drawn_by_the_seed() -> None:
    pixels, _ = coloured(2)
    x = torch.stack([torch.from_numpy(each) for each in pixels]).permute(0, 3, 1, 2) / 255.0
    first, again = (under_each(augmentations(), x, seed=0) for _ in range(2))
    assert all(torch.equal(first[title], again[title]) for title in augmentations())
    assert [colours(first[f"rq, {bins} bins"][0]) for bins in BINS] <= [bins**3 for bins in BINS]
    figure = gallery(x[:1], ["a"])
    assert [panel.get_title() for panel in figure.get_axes()[: len(first)]] == list(first)
    assert figure.get_axes()[0].get_xlabel() == f"{colours(x[0])} colours"


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--out", "views.jpg", "--store", "STORE"], 2, "--out views.jpg should end in .png, .pdf, .svg"),
        ([], 2, "give pictures by --store or by --files, one of the two"),
        (["--store", "STORE", "--files", "a.png"], 2, "one of the two"),
        (["--store", "STORE", "--pictures", "0"], 2, "--pictures 0 should lie between 1 and 50"),
        (["--store", "STORE", "--size", "3"], 2, "--size 3 should be 0 or from 4 to 4,096"),
        (["--store", "STORE", "--match", "sofa"], 1, 'contains "sofa"; give another --match'),
        (["--files", "no.png"], 1, "no.png cannot be read (No such file or directory)"),
        (["--files", "STORE/store.json"], 1, "no picture"),
    ],
)
def test_mistakes_are_one_sentence(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, says: str
) -> None:
    out = [] if "--out" in flags else ["--out", str(tmp_path / "views.png")]
    assert run(preview, [*out, *(flag.replace("STORE", str(store.path)) for flag in flags)]) == code
    assert says in capsys.readouterr().err
    assert not (tmp_path / "views.png").exists()
