"""What the pages call RECORDINGS, MESHES, STORE, RUN, ...: made up and small, a folder for each kind of data."""

import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
import trimesh
from PIL import Image

from tests.pages import shortened, terminal

# Typed in the folder of a kind, behind what `_FILES` writes there.
_TYPED = {
    "sounds": """
        mkdir SEARCH && echo "augment: rrc+rq" | tee RECIPE > SEARCH/policy.yaml
        mkdir -p .../data/{tasks,fsdd,esc10,librispeech} && cp -r RECORDINGS/* .../data
        for d in fsdd esc10 librispeech; do cp -r RECORDINGS/* .../data/$d; done
        for t in fsdd_digit fsdd_speaker esc10 librispeech_speaker; do  # six speakers
            awk -F, -v OFS=, 'NR > 1 {$3 = NR % 6 + 1} {print}' TASK.csv > .../data/tasks/$t.csv
        done
        python -m scripts.prepare folder --root RECORDINGS --out STORE
        python -m scripts.prepare labelled --csv TASK.csv --root RECORDINGS --out TASK
        ln -s TASK LABELLED; ln -s TASK FSDD_DIGIT; ln -s RECORDINGS FILES
        for d in us8k nsynth voxceleb1 voxforge spcv2; do python -m scripts.prepare synthetic-$d --out raw/$d; done
        ln -s raw/us8k/UrbanSound8K URBANSOUND8K
        python -m scripts.prepare us8k --root URBANSOUND8K --out stores/us8k
        for d in nsynth voxceleb1 voxforge spcv2; do python -m scripts.prepare $d --root raw/$d --out stores/$d; done
        python -m scripts.prepare spcv2-12 --root raw/spcv2 --out stores/spcv2-12
        rm -r raw/nsynth raw/voxceleb1 raw/voxforge raw/spcv2
        python -m scripts.prepare synthetic-hf --out FOLDER
        python -m scripts.prepare synthetic-webdataset --out SHARDS
        python -m scripts.prepare synthetic-kaldi --out DATA
        python -m scripts.pretrain_audio --data STORE --out RUN && ln -s RUN CHECKPOINT
        python -m scripts.probe_audio --checkpoint RUN --task TASK --out results/run/
        python -m scripts.probe_audio --checkpoint untrained:AudioNTT2020:64 --task TASK --out results/floor/
    """,
    "shapes": """
        python -m scripts.prepare synthetic-modelnet --out raw && mv raw/ModelNet40 MODELNET40
        mkdir -p .../data && ln -s ../../MODELNET40 .../data/shapes30
        python -m scripts.prepare synthetic-modelnet-h5 --out raw_h5 && mv raw_h5/modelnet40_ply_hdf5_2048 MODELNET40_H5
        python -m scripts.prepare modelnet --root MODELNET40 --out STORE
        python -m scripts.pretrain_pointcloud --data STORE --out RUN
    """,
    "pictures": """
        for d in cifar10 stl10 imagenet; do python -m scripts.prepare synthetic-$d --out raw/$d; done
        mv raw/cifar10/cifar-10-batches-py CIFAR10; mv raw/imagenet/ILSVRC2012 IMAGENET
        python -m scripts.prepare stl10 --root raw/stl10/stl10_binary --out stores/stl10
        mkdir -p .../data/images && mv cifar10_20k.zip .../data/images
        python -m scripts.prepare images --csv TASK.csv --root PICTURES --out TASK
        python -m scripts.pretrain_images --data TASK --out RUN
    """,
    "tables": """
        python -m scripts.prepare synthetic-covtype --out COVTYPE
        mkdir -p .../data && cp -r COVTYPE .../data/tables
        python -m scripts.prepare table --csv TABLE.csv --label label --out STORE
        python -m scripts.pretrain_table --data STORE --out RUN
    """,
}


def make(kind: str, folder: Path, log: Path) -> None:
    """Fill a folder with what the pages name, for one kind of data.

    Args:
        kind: of `randquant`'s four.
        folder: the commands run there.
        log: file for what they print.
    """
    _FILES[kind](folder)
    code = terminal.run_bash(_TYPED[kind], folder, log, partial(shortened.start, folder))
    assert code == 0, log.read_text()


def _classes(root: Path, suffix: str, count: int = 12) -> list[Path]:
    """Paths below `root` of two classes, whose folders are made; tables of them stand beside it."""
    files = [Path(label) / f"{number}{suffix}" for label in ("one", "two") for number in range(count)]
    for label in ("one", "two"):
        (root / label).mkdir(parents=True)
    splits = ("train", "train", "train", "train", "valid", "test")
    rows = [f"{file},{file.parent.name},{number},{splits[number % 6]}" for number, file in enumerate(files)]
    for table in ("TASK.csv", f"{root.name}.csv"):
        root.with_name(table).write_text("\n".join(["path,label,group,split", *rows]) + "\n")
    return [root / file for file in files]


def _recordings(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for number, file in enumerate(_classes(folder / "RECORDINGS", ".wav")):
        pitch = 200 if file.parent.name == "one" else 900
        wave = np.sin(2 * np.pi * (pitch + 3 * number) * np.arange(6400) / 16_000) + generator.normal(0, 0.1, 6400)
        soundfile.write(file, 0.2 * wave, 16_000)
    soundfile.write(folder / "recording.mp3", generator.normal(0, 0.1, 16_000), 16_000)


def _bodies(folder: Path) -> None:
    generator = np.random.default_rng(0)
    for file in _classes(folder / "CLOUDS", ".npy"):
        np.save(file, generator.normal(size=(1_100, 3)).astype(np.float32))
    for number, file in enumerate(_classes(folder / "MESHES", ".off")):
        radius = 1 + 0.1 * number
        body = trimesh.creation.cone(radius, 2) if file.parent.name == "one" else trimesh.creation.box((radius, 1, 2))
        body.export(file)
    trimesh.creation.box().export(folder / "chair.glb")


def _pictures(folder: Path) -> None:
    generator = np.random.default_rng(0)
    files = _classes(folder / "PICTURES", ".png")
    for file in files:
        pixels = generator.integers(0, 120, (24, 24, 3)) + (100 if file.parent.name == "one" else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(file)
    for name in ("a.jpg", "b.png", "photo.jpg"):
        Image.fromarray(generator.integers(0, 255, (32, 32, 3)).astype(np.uint8)).save(folder / name)
    rows = [{"image": {"bytes": file.read_bytes(), "path": file.name}, "label": file.parent.name} for file in files]
    (folder / "FOLDER").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "FOLDER" / "train.parquet")
    with zipfile.ZipFile(folder / "cifar10_20k.zip", "w") as archive:
        for file in files:
            split = "test" if file.stem > "7" else "valid" if file.stem > "5" else "train"
            archive.write(file, f"cifar10/{split}/{file.parent.name}/{file.name}")


def _table(folder: Path) -> None:
    generator = np.random.default_rng(0)
    rows = [
        f"{age},{colour},{'yes' if age > 50 else 'no'},{int(age + generator.normal(0, 9) > 45)}"
        for age, colour in zip(generator.integers(20, 80, 120), generator.choice(["red", "blue"], 120), strict=True)
    ]
    (folder / "TABLE.csv").write_text("\n".join(["age,colour,member,label", *rows]) + "\n")


_FILES = {"sounds": _recordings, "shapes": _bodies, "pictures": _pictures, "tables": _table}
