"""See and hear the views that pretraining makes of sounds.

    python -m scripts.preview_audio --data STORE --out PREVIEW
    python -m scripts.preview_audio --data STORE --out PREVIEW --config audio/recipes/byola_rq.yaml --recordings 3
    python -m scripts.preview_audio --data STORE --out PREVIEW --augment rrc+rq --rq_bins 4 --match dog

takes every flag and recipe of pretrain_audio and writes PREVIEW/views.png, the log-mels of a few crops and of their
views; PREVIEW/wav, the same as sound; and PREVIEW/index.html, which shows and plays all. The file ending in crop.wav
is the crop itself; all others are guesses of what a log-mel sounds like (Griffin-Lim), the crop's own log-mel among
them, to compare with. It prints

    PREVIEW/index.html: 4 recordings in 2 views, 16 sounds
"""

import wave
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

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
    """

    recordings: int = 4
    match: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, {"recordings": Range(1, 20)})


def preview(settings: AudioPreview) -> None:
    """See and hear the views that pretraining makes of sounds."""
    from randquant.audio.gallery import gallery, shown_views  # late, since it loads torch, which --help does not need

    stores = [Store.open(path, kind="audio") for path in settings.data]
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
