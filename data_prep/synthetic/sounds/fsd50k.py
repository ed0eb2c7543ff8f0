"""Synthetic clips in FSD50K's tree, with its ground truth."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import torch

from randquant.data_prep.synthetic.sounds.events import EVENTS, synthesize_event
from randquant.data_prep.synthetic.sounds.waves import Range, uniform
from randquant.data_prep.synthetic.tree import check_counts, torch_generator, write_csv, write_parts, write_sound

RATE = 44_100
# What a clip is labelled with, from the leaf to the root, and the event it sounds like.
CLASSES = (
    ("Mechanical_fan,Mechanisms", "/m/02x984l,/t/dd00077", "air_conditioner"),
    ("Bark,Dog,Domestic_animals_and_pets,Animal", "/m/05tny_,/m/0bt9lr,/m/068hy,/m/0jbk", "dog_bark"),
    ("Child_speech_and_kid_speaking,Speech,Human_voice", "/m/0ytgt,/m/09x0r,/m/09l8g", "children_playing"),
    ("Drill,Power_tool,Tools", "/m/01d380,/m/01b82r,/m/07k1x", "drilling"),
    ("Gunshot_and_gunfire,Explosion", "/m/032s66,/m/014zdl", "gun_shot"),
    ("Idling,Engine", "/t/dd00065,/m/02mk9", "engine_idling"),
    ("Music", "/m/04rlf", "street_music"),
    ("Siren,Alarm", "/m/03kmc9,/m/07pp_mv", "siren"),
)
Clip = tuple[int, int, str]  # Freesound's number, class, split


def write_fsd50k(
    root: Path, *, dev: int = 40, evaluation: int = 16, seconds: Range = (0.3, 1.5), seed: int = 0
) -> Path:
    """Write `FSD50K.dev_audio`, `FSD50K.eval_audio` and `FSD50K.ground_truth/{dev,eval,vocabulary}.csv`.

    44.1 kHz, mono, 16 bit; one in five dev clips is for validation. The defaults make 40 + 16 clips, 5 MB.

    Args:
        dev, evaluation: clips.
        seconds: shortest and longest clip.
    """
    check_counts(dev=dev, evaluation=evaluation)
    parameters = {"dataset": "fsd50k", "dev": dev, "eval": evaluation, "seconds": list(seconds), "seed": seed}
    numbers = (1000 + torch.randperm(400_000, generator=torch_generator(seed, "numbers"))[: dev + evaluation]).tolist()
    classes = [place % len(CLASSES) for place in range(dev + evaluation)]
    splits = ["val" if place % 5 == 4 else "train" for place in range(dev)] + ["test"] * evaluation
    clips = list(zip(numbers, classes, splits, strict=True))
    parts = {
        "FSD50K.dev_audio": partial(_write_clips, clips[:dev], seconds, seed),
        "FSD50K.eval_audio": partial(_write_clips, clips[dev:], seconds, seed),
        "FSD50K.ground_truth": partial(_write_truth, clips[:dev], clips[dev:]),
    }
    return write_parts(root, "FSD50K", parameters, parts)


def _write_clips(clips: Iterable[Clip], seconds: Range, seed: int, folder: Path) -> None:
    for number, label, _ in clips:
        generator = torch_generator(seed, number)
        event = EVENTS[CLASSES[label][2]]
        sound = synthesize_event(event, uniform(seconds, generator), rate=RATE, generator=generator)
        write_sound(folder / f"{number}.wav", sound, rate=RATE)


def _write_truth(dev: Iterable[Clip], evaluation: Iterable[Clip], folder: Path) -> None:
    folder.mkdir()
    header = ("fname", "labels", "mids")
    write_csv(folder / "dev.csv", ((n, *CLASSES[c][:2], split) for n, c, split in dev), header=(*header, "split"))
    write_csv(folder / "eval.csv", ((n, *CLASSES[c][:2]) for n, c, _ in evaluation), header=header)
    vocabulary = {
        label: mid for labels, mids, _ in CLASSES for label, mid in zip(labels.split(","), mids.split(","), strict=True)
    }
    write_csv(folder / "vocabulary.csv", ((i, name, vocabulary[name]) for i, name in enumerate(sorted(vocabulary))))
