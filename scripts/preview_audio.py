"""See and hear the views that pretraining makes of sounds.

    python -m scripts.preview_audio --data STORE --out PREVIEW
    python -m scripts.preview_audio --data STORE --out PREVIEW --config audio/recipes/byola_rq.yaml --recordings 3
    python -m scripts.preview_audio --data STORE --out PREVIEW --augment rrc+rq --rq_bins 4 --match dog
    python -m scripts.preview_audio --data LABELLED --out PREVIEW --measure mixup rq '{augment: rq, rq_bins: [4]}'

takes every flag and recipe of pretrain_audio and writes PREVIEW/views.png, the log-mels of a few crops and of their
views; PREVIEW/wav, the same as sound; and PREVIEW/index.html, which shows and plays all. The file ending in crop.wav
is the crop itself; all others are guesses of what a log-mel sounds like (Griffin-Lim), the crop's own log-mel among
them, to compare with. It prints

    PREVIEW/index.html: 4 recordings in 2 views, 16 sounds

--measure asks instead what views by other policies keep of the crops, in a minute and without training: the detail that
is left; whether an encoder (an untrained one, or --checkpoint) finds the second view of a crop by the first; and which
classes a linear classifier still tells apart that knows them by such views. One table a store, all numbers in
PREVIEW/kept.csv, and PREVIEW/kept.png:

    dev_digits: 800 crops of 0.475 s
    view    spectrum   low  middle  high  slow  medium  fast   found  bits  classes
    none        1.00  1.00    1.00  1.00  1.00    1.00  1.00  100.0%  8.59    48.2%
    mixup ...
"""

import wave
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from randquant.audio.crops import SAMPLE_RATE
from randquant.audio.settings import AudioPretraining
from randquant.cli.command import run
from randquant.cli.counted import counted
from randquant.cli.ranges import Range, check_ranges
from randquant.cli.terminal import say
from randquant.data.examples import examples, title
from randquant.data.store import Store
from randquant.figures.figure import write_figure
from randquant.files.atomic import atomic_path, write_text
from randquant.files.csv_writer import csv_text

if TYPE_CHECKING:
    from torch import Tensor

_LOUDEST = 0.99  # of full scale, in a guessed sound
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Views of sounds</title>
<style>:root {{ color-scheme: light dark; }} body {{ font: 15px/1.5 system-ui, sans-serif; margin: 1rem; }}
img {{ max-width: 100%; background: #fff; }} td, th {{ padding: .3rem .6rem; text-align: left; }}
audio {{ width: 12rem; }}</style>
<h1>Views of sounds</h1>
<p>Augmentations: {augment}. Only the column "crop, as recorded" is recorded sound; the others are guesses of what their
log-mels sound like (Griffin-Lim): compare a view with "crop, guessed".</p>
<img src="views.png" alt="Log-mels of crops and of their views">
<table><tr><th></th>{header}</tr>{rows}</table></html>
"""


@dataclass
class AudioPreview(AudioPretraining):
    """See and hear the views that pretraining makes of sounds.

    Args:
        out: folder for the page, the picture and the sounds.
        recordings: rows, of classes as different as there are.
        match: take only recordings whose path or label contains this, in any case.
        measure: measure what views by these policies, as --views takes them, keep of their crops; show none.
        crops_measured: how many crops of each store are measured.
        checkpoint: encoder that looks at the measured views: a run folder or a weights file; untrained by default.
    """

    recordings: int = 4
    match: str | None = None
    measure: list[str | dict[str, Any]] = field(default_factory=list)
    crops_measured: int = 800
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, {"recordings": Range(1, 20), "crops_measured": Range(10, 2**16)})
        for each in self.measure:
            try:
                replace(self, views=[each, each], measure=[])
            except ValueError as error:
                raise ValueError(f"--measure {each}: {error}") from None


def preview(settings: AudioPreview) -> None:
    """See and hear the views that pretraining makes of sounds."""
    from randquant.audio.gallery import gallery, shown_views  # late, since it loads torch, which --help does not need

    stores = [Store.open(path, kind="audio") for path in settings.data]
    if settings.measure:
        _measure(stores, settings)
        return
    rows = examples(stores[0], settings.recordings, settings.match)
    titles = [title(stores[0], row) for row in rows]
    crops, log_mels = shown_views(stores, rows, settings)
    (settings.out / "wav").mkdir(parents=True, exist_ok=True)
    sounds = _sounds(crops, log_mels, settings)
    files = {
        name: [_write(settings.out, f"{row:02d} {name}", each) for row, each in enumerate(waveforms, 1)]
        for name, waveforms in sounds.items()
    }
    write_figure(gallery(log_mels, titles), settings.out / "views.png")
    write_text(settings.out / "index.html", _page(titles, files, settings.augment))
    views = sum(name.startswith(("view", "local")) for name in log_mels)
    heard = counted(sum(map(len, files.values())), "sounds")
    say(f"{settings.out / 'index.html'}: {counted(len(rows), 'recordings')} in {counted(views, 'views')}, {heard}")


def _measure(stores: list[Store], settings: AudioPreview) -> None:
    """Measure what views keep, and say and write it."""
    from randquant.audio.kept.measured import look, measured
    from randquant.audio.kept.table import csv_rows, lines, picture

    encoder, found = look(settings, settings.checkpoint), {}
    for number, store in enumerate(stores):
        name = store.path.name if store.path.name not in found else f"{store.path.name} {number + 1}"
        crops, found[name] = measured(store, settings.measure, settings, encoder, settings.crops_measured)
        about = f"{name}: {counted(crops, 'crops')} of {settings.unit_seconds:g} s"
        say(*([""] if number else []), about, *lines(found[name]))
    settings.out.mkdir(parents=True, exist_ok=True)
    write_text(settings.out / "kept.csv", csv_text(csv_rows(found)))
    write_figure(picture(found), settings.out / "kept.png")
    say("", f"table: {settings.out / 'kept.csv'}, picture: {settings.out / 'kept.png'}")


def _sounds(crops: "Tensor", log_mels: "Mapping[str, Tensor]", settings: AudioPreview) -> "dict[str, Tensor]":
    """Waveforms (B, T) in [-1, 1], by what they are."""
    from randquant.audio.spectrogram.griffin_lim import griffin_lim

    many = len(crops) > 1
    recorded = {
        f"crop {number}, as recorded" if many else "crop, as recorded": each.float() / 32_768.0
        for number, each in enumerate(crops, 1)
    }
    guessed = {
        f"{name}, guessed": griffin_lim(log_mel, settings.front_end, seed=settings.seed)
        for name, log_mel in log_mels.items()
        if log_mel.shape[-1] > 1
    }
    return recorded | {name: each * _gain(each) for name, each in guessed.items()}


def _gain(waveforms: "Tensor") -> "Tensor":
    """(B, 1), 1 for sounds within full scale."""
    return (_LOUDEST / waveforms.abs().amax(dim=1, keepdim=True).clamp(min=1e-9)).clamp(max=1.0)


def _write(out: Path, name: str, waveform: "Tensor") -> str:
    """A 16-bit WAV file; its path below `out`."""
    path = Path("wav") / f"{name.replace(', as recorded', '').replace(', guessed', ' guessed').replace(' ', '-')}.wav"
    samples = (waveform.clamp(-1.0, 1.0) * 32_767.0).round().short().numpy().astype("<i2")
    with atomic_path(out / path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    return path.as_posix()


def _page(titles: list[str], files: Mapping[str, list[str]], augment: str) -> str:
    header = "".join(f"<th>{escape(name)}</th>" for name in files)
    rows = [
        f"<tr><th>{escape(its_title)}</th>"
        + "".join(
            f'<td><audio controls preload="none" src="{escape(each[row])}"></audio></td>' for each in files.values()
        )
        + "</tr>"
        for row, its_title in enumerate(titles)
    ]
    return _PAGE.format(augment=escape(augment), header=header, rows="\n".join(rows))


if __name__ == "__main__":
    raise SystemExit(run(preview, description=__doc__))
