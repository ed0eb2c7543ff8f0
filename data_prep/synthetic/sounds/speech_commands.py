"""Synthetic words in the trees of Speech Commands V2, with its background noises, and of its test set."""

import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from randquant.audio.crops import SAMPLE_RATE
from randquant.data_prep.datasets.speech_commands import COMMANDS, LISTS, MAIN, NOISE, SILENCE, SPCV2, TEST_SET, UNKNOWN
from randquant.data_prep.synthetic.published import (
    SPEECH_COMMANDS,
    SPEECH_COMMANDS_SPEAKERS,
    SPEECH_COMMANDS_TEST,
    apportion,
    scaled,
)
from randquant.data_prep.synthetic.sounds.events import Event, synthesize_event
from randquant.data_prep.synthetic.sounds.noise import write_noise
from randquant.data_prep.synthetic.sounds.voices import Voice, draw_voices, say_word
from randquant.data_prep.synthetic.sounds.waves import Array, at_random_level, band_noise, integer, uniform, white
from randquant.data_prep.synthetic.tree import check_counts, letters, torch_generator, write_parts, write_sound

OTHERS = (
    *("backward", "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "four", "happy", "house"),
    *("learn", "marvin", "nine", "one", "seven", "sheila", "six", "three", "tree", "two", "visual", "wow", "zero"),
)
WORDS = tuple(sorted(COMMANDS + OTHERS))
# Each with a length in samples that gives as many 1 s windows, every 0.5 s, as the published recording.
NOISES = {
    "doing_the_dishes": 1_522_930,
    "dude_miaowing": 988_891,
    "exercise_bike": 980_062,
    "pink_noise": 960_000,
    "running_tap": 978_488,
    "white_noise": 960_000,
}
_EVENTS = {
    "doing_the_dishes": Event((3000, 4000), 1.0, (0.3, 0.6), tone=(900, 1400), pulses=(2, 5), decay=(0.03, 0.06)),
    "dude_miaowing": Event((800, 1200), 0.8, (0.8, 0.9), tone=(350, 500), sweep=(0.4, 0.6), sweep_rate=(0.5, 0.9)),
    "exercise_bike": Event((400, 700), 1.2, (0.1, 0.2), tone=(60, 90), pulses=(1.5, 2.5), decay=(0.2, 0.3)),
    "running_tap": Event((4000, 5000), 1.4, (0.0, 0.05)),
}


@dataclass(frozen=True)
class _Clip:
    word: str
    speaker: str
    repeat: int
    split: str
    voice: Voice | None  # noise where None

    @property
    def name(self) -> str:
        return f"{self.word}/{self.speaker}_nohash_{self.repeat}.wav"


def write_speech_commands(
    root: Path,
    *,
    train_speakers: int = 5,
    held_out_speakers: int = 2,
    noise_seconds: float | None = 2.75,
    test_clips: int = 4,
    seed: int = 0,
) -> Path:
    """Write `speech_commands_v0.02` and, for the task of twelve classes, `speech_commands_test_set_v0.02`.

    The first holds 35 words, `_background_noise_` and the two lists; the second ten words, `_silence_` and `_unknown_`,
    some names ending in `.wav.wav`. 16 kHz, mono, 16 bit; clips of 1 s, one in ten shorter. Every speaker says every
    word and is in one split alone. The defaults make 340 + 48 clips, 12 MB.

    Args:
        train_speakers: speakers of training clips.
        held_out_speakers: of valid, and again of test.
        noise_seconds: about how long each background noise is, at least 2; as long as the published ones where None.
        test_clips: per class of the test set.
    """
    check_counts(train_speakers=train_speakers, held_out_speakers=held_out_speakers, test_clips=test_clips)
    if noise_seconds is not None and noise_seconds < 2:
        raise ValueError(f"noise_seconds should be at least 2, got {noise_seconds}")
    parameters = {
        "dataset": "speech_commands",
        "train_speakers": train_speakers,
        "held_out_speakers": held_out_speakers,
        "noise_seconds": noise_seconds,
        "test_clips": test_clips,
        "seed": seed,
    }
    noise_lengths = dict(NOISES)
    if noise_seconds is not None:
        noise_lengths = {name: round((noise_seconds + 0.1 * i) * SAMPLE_RATE) for i, name in enumerate(NOISES)}
    speakers = {"train": train_speakers, "valid": held_out_speakers, "test": held_out_speakers}
    parts = {
        MAIN: partial(_write_main, list(_clips(speakers, torch_generator(seed, MAIN))), noise_lengths, seed),
        TEST_SET: partial(_write_test_set, test_clips, seed),
    }
    return write_parts(root, "Speech Commands", parameters, parts)


def write_published_speech_commands(root: Path, *, items: int | None = None, seed: int = 0) -> Path:
    """Write both trees at their published sizes: 105,829 + 4,890 clips of noise, of 2,618 speakers.

    The words are as many as published, the background noises as long. How many clips of a word are in valid and in test
    is not taken from the lists; they are spread as in the whole.
    """
    total = sum(SPCV2.items.values())
    share = 1.0 if items is None else items / total
    check_counts(items=1 if items is None else items // len(WORDS))
    words, splits = scaled(SPEECH_COMMANDS, items), scaled(SPCV2.items, items)
    lengths = {name: max(2 * SAMPLE_RATE + place, int(share * NOISES[name])) for place, name in enumerate(NOISES)}
    clips = list(_published(words, splits, share, torch_generator(seed, MAIN)))
    tests = {label: max(1, int(share * count)) for label, count in SPEECH_COMMANDS_TEST.items()}
    parameters = {"dataset": "speech_commands", "published": True, "items": items, "seed": seed}
    parts = {MAIN: partial(_write_main, clips, lengths, seed), TEST_SET: partial(_write_noises, tests, seed)}
    return write_parts(root, "Speech Commands", parameters, parts)


def _published(
    words: dict[str, int], splits: dict[str, int], share: float, generator: torch.Generator
) -> Iterator[_Clip]:
    """Every speaker is in one split only; words are distributed evenly over the speakers of a split."""
    counts = {split: apportion(splits[split], list(words.values())) for split in ("valid", "test")}
    counts["train"] = [count - sum(held) for count, *held in zip(words.values(), *counts.values(), strict=True)]
    for split, of_words in counts.items():
        number = max(1, int(share * SPEECH_COMMANDS_SPEAKERS * splits[split] / sum(splits.values())))
        speakers = [letters(string.hexdigits[:16], 8, generator) for _ in range(number)]
        for word, count in zip(words, of_words, strict=True):
            yield from (_Clip(word, speakers[i % number], i // number, split, None) for i in range(count))


def _write_noises(counts: dict[str, int], seed: int, folder: Path) -> None:
    for label, count in counts.items():
        for place in range(count):
            name = f"{label}/{place:08x}_nohash_0" + (".wav.wav" if place % 3 == 2 else ".wav")
            write_noise(folder / name, seed=seed, name=f"{TEST_SET}/{name}")


def _write_main(clips: list[_Clip], noise_lengths: dict[str, int], seed: int, folder: Path) -> None:
    for clip in clips:
        if clip.voice is None:
            write_noise(folder / clip.name, seed=seed, name=clip.name)
        else:
            write_sound(folder / clip.name, _command(clip.voice, clip.word, torch_generator(seed, MAIN, clip.name)))
    for name, length in noise_lengths.items():
        write_sound(folder / NOISE / f"{name}.wav", _noise(name, length, torch_generator(seed, name)))
    for split, name in LISTS.items():
        (folder / name).write_text("".join(f"{clip.name}\n" for clip in clips if clip.split == split))
    for name in ("LICENSE", "README.md", f"{NOISE}/README.md"):
        (folder / name).write_text("Made-up sounds in the tree of Speech Commands V2.\n")


def _clips(speakers: dict[str, int], generator: torch.Generator) -> Iterator[_Clip]:
    voices = iter(draw_voices(sum(speakers.values()), generator))
    for split, count in speakers.items():
        for _ in range(count):
            voice, name = next(voices), letters(string.hexdigits[:16], 8, generator)
            for word in WORDS:
                repeats = 1 + (integer(12, generator) == 0)
                yield from (_Clip(word, name, repeat, split, voice) for repeat in range(repeats))


def _command(voice: Voice, word: str, generator: torch.Generator) -> Array:
    seconds = uniform((0.5, 0.95), generator) if integer(10, generator) == 0 else 1.0
    return say_word(voice, word, seconds, generator=generator)


def _noise(name: str, length: int, generator: torch.Generator) -> Array:
    if name in _EVENTS:
        return synthesize_event(_EVENTS[name], length / SAMPLE_RATE, generator=generator)
    wide = white(length, generator) if name == "white_noise" else band_noise(80, 3.0, length, generator)
    return at_random_level(wide, generator)


def _write_test_set(clips: int, seed: int, folder: Path) -> None:
    generator = torch_generator(seed, TEST_SET)
    voices = draw_voices(clips, generator)
    for place, voice in enumerate(voices):
        speaker = letters(string.hexdigits[:16], 8, generator)
        doubled = ".wav.wav" if place % 3 == 2 else ".wav"
        for word in COMMANDS:
            write_sound(folder / word / f"{speaker}_nohash_0{doubled}", _command(voice, word, generator))
        other = OTHERS[integer(len(OTHERS), generator)]
        write_sound(folder / UNKNOWN / f"{speaker}_nohash_0{doubled}", _command(voice, other, generator))
        noise = list(NOISES)[place % len(NOISES)]
        write_sound(folder / SILENCE / f"{place}{doubled}", _noise(noise, SAMPLE_RATE, generator))
