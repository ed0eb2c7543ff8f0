"""What mkdocs builds the site from: the pages where they are in the repository, and a page a folder of the reference.

Every page keeps its place, so that a link leads to the same page on the site and in the repository. A link to a file
that is no page takes the file along; a link to a folder without a page becomes plain text.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("common", "audio", "pointcloud", "data_prep", "scripts")
OURS = "common/docs/pages/"
PICTURES = ROOT / "build" / "gallery"

# The parts of the package that others build on.
REFERENCE = {
    "randquant": "Randomized quantization, mixing, views",
    "randquant.loading": "Ready encoders",
    "randquant.ssl": "Methods and losses",
    "randquant.policies": "Policies",
    "randquant.data": "Stores and features",
    "randquant.probes": "Probes",
    "randquant.results": "Results",
    "randquant.weights": "Weights",
    "randquant.export": "Export",
    "randquant.audio": "Sound",
    "randquant.audio.augment": "Augmentations of sound",
    "randquant.audio.encoders": "Encoders of sound",
    "randquant.pointcloud": "Shapes",
    "randquant.pointcloud.augment": "Augmentations of shapes",
    "randquant.pointcloud.encoders": "Encoders of shapes",
    "randquant.images": "Pictures",
    "randquant.images.augment": "Augmentations of pictures",
    "randquant.images.encoders": "Encoders of pictures",
    "randquant.tables": "Tables",
    "randquant.tables.augment": "Augmentations of tables",
    "randquant.tables.encoders": "Encoders of tables",
}
_LINK = re.compile(r"(?P<text>\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<place>[^()\s#]+)(?P<anchor>#[^()\s]*)?\)")
_PICTURE = re.compile(r"^<!-- picture: (\S+) -->$", re.MULTILINE)
_PRESETS, _DATASETS = "<!-- presets -->", "<!-- datasets -->"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the reference behind the other pages, unless REFERENCE=no."""
    if _with_reference():
        config.nav.append({"Reference": [{title: _reference_page(name)} for name, title in REFERENCE.items()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """All pages by their place in the repository, and what they link to."""
    for file in list(files.documentation_pages()):
        files.remove(file)
    for page in _pages():
        files.append(_file(page.as_posix(), config, abs_src_path=str(ROOT / page)))
        for place in _linked(page):
            if files.get_file_from_path(place) is None:
                files.append(_file(place, config, abs_src_path=str(ROOT / place)))
    for picture in PICTURES.rglob("*.png"):
        place = f"{OURS}gallery/{picture.relative_to(PICTURES).as_posix()}"
        files.append(_file(place, config, abs_src_path=str(picture)))
    if _with_reference():
        for name, title in REFERENCE.items():
            parts = "\n\n".join(f"::: {module}" for module in _modules(name))
            files.append(_file(_reference_page(name), config, content=f"# {title}\n\n`{name}`\n\n{parts}\n"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in pictures and tables, and make plain text of links to what is on no site."""
    here = Path(page.file.src_uri).parent
    markdown = _PICTURE.sub(lambda found: _picture(found[1]), markdown)
    for mark, table in ((_PRESETS, _presets), (_DATASETS, _datasets)):
        markdown = markdown.replace(mark, table()) if mark in markdown else markdown
    return _LINK.sub(lambda found: _link(found, here), markdown)


def _with_reference() -> bool:
    return os.environ.get("REFERENCE") != "no"


def _pages() -> list[Path]:
    found = [*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))]
    return sorted(page.relative_to(ROOT) for page in found)


def _file(place: str, config: MkDocsConfig, **content: str) -> File:
    """A file of the site; our own pages are at its top, whatever their folder."""
    file = File.generated(config, place, **content)
    if place.startswith(OURS):
        file.dest_uri = file.dest_uri.removeprefix(OURS)
    return file


def _linked(page: Path) -> Iterator[str]:
    """The files, other than pages, that a page links to."""
    for found in _LINK.finditer((ROOT / page).read_text(encoding="utf-8")):
        file = _target(found["place"], page.parent)
        if file is not None and file.is_file() and file.suffix != ".md" and not _hidden(file):
            yield file.relative_to(ROOT).as_posix()


def _target(place: str, folder: Path) -> Path | None:
    """Where a relative link leads; None for others and for what is not there."""
    file = (ROOT / folder / place).resolve()
    return file if "://" not in place and file.exists() and file.is_relative_to(ROOT) else None


def _hidden(file: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(ROOT).parts)


def _link(found: re.Match[str], folder: Path) -> str:
    file = _target(found["place"], folder)
    if file is None or not (file.is_dir() or _hidden(file)):
        return found[0]
    if (file / "README.md").is_file():
        return f"{found['text']}({found['place'].rstrip('/')}/README.md{found['anchor'] or ''})"
    return found["text"][1:-1]


def _picture(name: str) -> str:
    if (PICTURES / name).is_file():
        return f"![{name}](gallery/{name})"
    return "*(This site was built without pictures; `make docs` makes them.)*"


def _reference_page(name: str) -> str:
    return f"reference/{name}.md"


def _modules(package: str) -> list[str]:
    """The public modules of a folder that define something public; of `randquant` itself also what it gives."""
    folder = ROOT / "common" / Path(*package.split("."))
    found = sorted(file for file in folder.glob("[a-z]*.py") if re.search(r"^(def|class) [^_]", file.read_text(), re.M))
    return [f"{package}.{file.stem}" for file in found]


def _presets() -> str:
    """The published evaluations that `--protocol` names, from their own records."""
    from randquant.audio.evaluation.tasks import PROTOCOLS as SOUND
    from randquant.images.evaluation.protocols import PROTOCOLS as PICTURE
    from randquant.pointcloud.evaluation.protocols import PROTOCOLS as SHAPE

    named: Mapping[str, Mapping[Any, Any]] = {
        "probe_audio": SOUND, "evaluate_modelnet": SHAPE, "probe_images": PICTURE
    }  # fmt: skip
    lines = ["| command | `--protocol` | source | not as published |", "|---|---|---|---|"]
    for command, presets in named.items():
        for preset in presets.values():
            differs = getattr(preset, "differs", "") or "; ".join(getattr(preset, "departures", ()))
            lines.append(f"| `{command}` | `{preset.name}` | {preset.source} | {differs} |")
    return "\n".join(lines)


def _datasets() -> str:
    """The public datasets that `prepare` reads, from their own records."""
    from randquant.data_prep.datasets.registry import DATASETS

    lines = ["| `prepare` | dataset | licence | source |", "|---|---|---|---|"]
    for name, dataset in DATASETS.items():
        lines.append(f"| `{name}` | {dataset.title} | {dataset.licence} | {dataset.source} |")
    return "\n".join(lines)
