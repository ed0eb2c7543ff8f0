"""Synthetic spoken words in the formats of other tools: Hugging Face, webdataset, Kaldi."""

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from randquant.audio.crops import SAMPLE_RATE
from randquant.data_prep.synthetic.small import Layout
from randquant.data_prep.synthetic.sounds.voices import Voice, draw_voices, say_word
from randquant.data_prep.synthetic.tree import torch_generator, write_parts
from randquant.files.atomic import write_json

WORDS = ("down", "left", "right", "up")
SPEAKERS = {"train": range(4), "test": range(4, 6)}  # no speaker is in both
_TAKES, _SECONDS = 2, 0.3
_SHARDS = 2  # of train
_FEATURES = {
    "audio": {"sampling_rate": SAMPLE_RATE, "_type": "Audio"},
    "label": {"names": list(WORDS), "_type": "ClassLabel"},
    "speaker": {"dtype": "string", "_type": "Value"},
}
_CARD = "---\npretty_name: Synthetic words\nlicense: mit\n---\nMade-up words, to try commands with.\n"


@dataclass(frozen=True)
class _Clip:
    word: str
    speaker: int
    take: int
    seed: int

    @property
    def name(self) -> str:
        return f"s{self.speaker}-{self.word}-{self.take}"

    def file(self, voice: Voice, kind: str) -> bytes:
        generator = torch_generator(self.seed, self.name)
        held = io.BytesIO()
        soundfile.write(held, say_word(voice, self.word, _SECONDS, generator=generator), SAMPLE_RATE, format=kind)
        return held.getvalue()


def write_hf(root: Path, *, layout: Layout = "hub", seed: int = 0) -> Path:
    """Write the words as a dataset of Hugging Face; arguments as in `randquant.data_prep.synthetic.small.small_hf`."""
    parameters = {"dataset": "hf", "layout": layout, "seed": seed}
    if layout == "hub":
        parts: dict[str, Any] = {"README.md": partial(_write_text, _CARD), "data": partial(_write_hub, seed)}
    else:
        splits = {split: partial(_write_disk, split, seed) for split in SPEAKERS}
        parts = {"dataset_dict.json": lambda path: write_json(path, {"splits": list(SPEAKERS)}), **splits}
    return write_parts(root, "Hugging Face dataset", parameters, parts)


def write_webdataset(root: Path, *, seed: int = 0) -> Path:
    """Write `train-000000.tar`, `train-000001.tar` and `test-000000.tar` of .flac, .json and .cls members."""
    parts = {name: partial(_write_shard, clips, seed) for name, clips in _shards("{}-{:06d}.tar", seed)}
    return write_parts(root, "set of webdataset shards", {"dataset": "webdataset", "seed": seed}, parts)


def write_kaldi(root: Path, *, seed: int = 0) -> Path:
    """Write `train` and `test` with wav.scp, utt2spk, text, and the archive `wav.ark` they read from.

    The utterances of test are parts of one recording each, named by `segments`.
    """
    parts = {"train": partial(_write_archive, seed), "test": partial(_write_segments, seed)}
    return write_parts(root, "Kaldi data folder", {"dataset": "kaldi", "seed": seed}, parts)


def _clips(split: str, seed: int) -> list[_Clip]:
    """By utterance, as Kaldi sorts them."""
    return [_Clip(word, speaker, take, seed) for speaker in SPEAKERS[split] for word in WORDS for take in range(_TAKES)]


def _voices(seed: int) -> Sequence[Voice]:
    return draw_voices(max(map(max, SPEAKERS.values())) + 1, torch_generator(seed, "voices"))


def _shards(pattern: str, seed: int) -> Iterator[tuple[str, list[_Clip]]]:
    for split in SPEAKERS:
        clips, count = _clips(split, seed), _SHARDS if split == "train" else 1
        for number in range(count):
            yield pattern.format(split, number, count), clips[number::count]


def _table(clips: Sequence[_Clip], seed: int) -> pa.Table:
    voices = _voices(seed)
    files = [{"bytes": clip.file(voices[clip.speaker], "FLAC"), "path": f"{clip.name}.flac"} for clip in clips]
    held = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [("audio", held), ("label", pa.int64()), ("speaker", pa.string())],
        metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
    )
    labels, speakers = [WORDS.index(clip.word) for clip in clips], [f"s{clip.speaker}" for clip in clips]
    return pa.table({"audio": pa.array(files, held), "label": labels, "speaker": speakers}, schema=schema)


def _write_hub(seed: int, folder: Path) -> None:
    folder.mkdir()
    for name, clips in _shards("{}-{:05d}-of-{:05d}.parquet", seed):
        pq.write_table(_table(clips, seed), folder / name, row_group_size=len(WORDS))


def _write_disk(split: str, seed: int, folder: Path) -> None:
    folder.mkdir()
    table, name = _table(_clips(split, seed), seed), "data-00000-of-00001.arrow"
    with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)
    write_json(folder / "state.json", {"_data_files": [{"filename": name}], "_fingerprint": "0", "_split": split})
    write_json(folder / "dataset_info.json", {"features": _FEATURES, "license": "mit", "dataset_name": "words"})


def _write_shard(clips: Sequence[_Clip], seed: int, path: Path) -> None:
    voices = _voices(seed)
    with tarfile.open(path, "w") as archive:
        for clip in clips:
            about = json.dumps({"word": clip.word, "speaker": {"id": f"s{clip.speaker}"}}).encode()
            for extension, content in (
                ("flac", clip.file(voices[clip.speaker], "FLAC")),
                ("json", about),
                ("cls", str(WORDS.index(clip.word)).encode()),
            ):
                member = tarfile.TarInfo(f"{clip.name}.{extension}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def _write_archive(seed: int, folder: Path) -> None:
    clips, voices = _clips("train", seed), _voices(seed)
    _write_tables(folder, clips)
    lines, content = [], b""
    for clip in clips:
        content += f"{clip.name} ".encode()
        lines.append(f"{clip.name} wav.ark:{len(content)}\n")
        content += clip.file(voices[clip.speaker], "WAV")
    (folder / "wav.ark").write_bytes(content)
    (folder / "wav.scp").write_text("".join(lines))


def _write_segments(seed: int, folder: Path) -> None:
    clips, voices = _clips("test", seed), _voices(seed)
    _write_tables(folder, clips)
    parts = []
    for speaker in SPEAKERS["test"]:
        own = [clip for clip in clips if clip.speaker == speaker]
        files = [soundfile.read(io.BytesIO(clip.file(voices[speaker], "WAV")))[0] for clip in own]
        soundfile.write(folder / f"s{speaker}.wav", [sample for file in files for sample in file], SAMPLE_RATE)
        starts = [place * _SECONDS for place in range(len(own))]
        parts += [f"{c.name} s{speaker} {at:.2f} {at + _SECONDS:.2f}\n" for c, at in zip(own, starts, strict=True)]
    (folder / "segments").write_text("".join(parts))
    (folder / "wav.scp").write_text("".join(f"s{speaker} s{speaker}.wav\n" for speaker in SPEAKERS["test"]))


def _write_tables(folder: Path, clips: Sequence[_Clip]) -> None:
    folder.mkdir()
    (folder / "utt2spk").write_text("".join(f"{clip.name} s{clip.speaker}\n" for clip in clips))
    (folder / "text").write_text("".join(f"{clip.name} {clip.word}\n" for clip in clips))


def _write_text(text: str, path: Path) -> None:
    path.write_text(text)
