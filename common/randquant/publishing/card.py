"""A model card: YAML that the Hub reads, and a page that people read, of what is known about an encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import randquant
from randquant.extras import needs
from randquant.results.page import details
from randquant.results.record import Result

with needs("train"):
    import yaml

_TASKS = {"audio": "audio-classification", "images": "image-classification", "tables": "tabular-classification"}
_USE = {
    "audio": 'encoder("recording.wav")  # (D,); also waveforms with sample_rate=',
    "points": "encoder(points)  # (N, 3) -> (D,); also (B, N, 3)",
    "images": 'encoder("picture.jpg")  # (D,); also (H, W, 3) uint8 and (B, 3, H, W)',
    "tables": "encoder(rows)  # rows of the prepared columns -> (B, D)",
}
_PAPER = (
    "@inproceedings{wu2023randomized, title={Randomized Quantization: A Generic Augmentation for Data Agnostic "
    "Self-supervised Learning},\n  author={Wu, Huimin and Lei, Chenyang and Sun, Xiao and Wang, Peng-Shuai and Chen, "
    "Qifeng and Cheng, Kwang-Ting and Lin, Stephen and Wu, Zhirong}, booktitle={ICCV}, year={2023}}"
)


@dataclass(frozen=True)
class Card:
    """What a model card says.

    Attributes:
        name: of the model, or `owner/name` of its repository.
        config: the header of its weights, parsed.
        sha256: of its tensors.
        results: what probes found of it.
        data: what it learnt from, a line each.
        recipe: the settings of its training.
        licence: of the weights, as the Hub calls it, such as mit or cc-by-4.0; None where nobody has said.
    """

    name: str
    config: Mapping[str, Any]
    sha256: str
    results: Sequence[Result] = ()
    data: Sequence[str] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    licence: str | None = None

    def text(self) -> str:
        """The card: YAML between two lines of dashes, then Markdown."""
        header = yaml.safe_dump(self._header(), sort_keys=False, allow_unicode=True)
        parts = [self._opening(), self._numbers(), self._data(), self._recipe(), self._rights()]
        return f"---\n{header}---\n\n" + "\n\n".join(parts) + "\n"

    def _header(self) -> dict[str, Any]:
        modality = str(self.config["modality"])
        header: dict[str, Any] = {"library_name": "randquant", "pipeline_tag": "feature-extraction"}
        if self.licence:
            header = {"license": self.licence, **header}
        header["tags"] = ["randquant", "self-supervised-learning", modality]
        if self.results:
            listed = [self._listed(result) for result in self.results]
            header["model-index"] = [{"name": self.name.rpartition("/")[2], "results": listed}]
        return header

    def _listed(self, result: Result) -> dict[str, Any]:
        kind = _TASKS.get(str(self.config["modality"]), "other")
        protocol = f", protocol {result.protocol.name}" if result.protocol.name else ""
        metric = {
            "type": "r_squared" if result.measure else "accuracy",
            "value": result.accuracy,
            "name": f"{result.probe} probe{protocol}",
        }
        return {
            "task": {"type": kind, "name": result.task},
            "dataset": {"name": result.task, "type": result.task},
            "metrics": [metric],
        }

    def _opening(self) -> str:
        encoder = self.config["encoder"]
        arguments = ", ".join(f"{name}={value}" for name, value in encoder["arguments"].items())
        use = _USE.get(str(self.config["modality"]), "encoder(x)  # (D,)")
        address = f"hf://{self.name}" if "/" in self.name else "THIS_FOLDER"
        return (
            f"# {self.name.rpartition('/')[2]}\n\n"
            f"An encoder of {self.config['modality']}, {encoder['name']}({arguments}), trained without labels by "
            f"randquant {randquant.__version__}. SHA-256 of the tensors: `{self.sha256}`.\n\n"
            "```python\nimport randquant\n\n"
            f'encoder = randquant.load("{address}")\n{use}\n```\n\n'
            f"Every command takes it too, as in `randquant embed --checkpoint {address} --input FILES --out "
            "vectors.parquet`. The weights are safetensors and cannot execute code."
        )

    def _numbers(self) -> str:
        if not self.results:
            return "## Numbers\n\nNone: this encoder was published without results of a probe, so nothing is claimed."
        protocols = {result.protocol.name: result.protocol for result in self.results}
        said = [_protocol_line(each.name, each.source, each.departures) for each in protocols.values()]
        table = "\n".join(details(self.results, markdown=True))
        stores = {result.task: result.store.content_hash for result in self.results}
        hashes = ", ".join(f"{task} `{digest[:12]}`" for task, digest in stores.items() if digest)
        parts = [
            "## Numbers",
            "The encoder is frozen; choices are made on validation, never on test.",
            table,
            *said,
        ]
        return "\n\n".join(parts + ([f"Stores: {hashes}."] if hashes else []))

    def _data(self) -> str:
        lines = [f"- {line}" for line in self.data] or ["Not stated."]
        return "## Training data\n\n" + "\n".join(lines)

    def _recipe(self) -> str:
        settings = {**self.config.get("training", {}), **self.recipe}
        if not settings:
            return "## Recipe\n\nNot stated."
        text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
        return f"## Recipe\n\n```yaml\n{text}```"

    def _rights(self) -> str:
        licence = f"Licence of the weights: {self.licence}." if self.licence else "No licence of the weights is stated."
        return f"## Licence and citation\n\n{licence} The data have licences of their own.\n\n```bibtex\n{_PAPER}\n```"


def _protocol_line(name: str | None, source: str, departures: Sequence[str]) -> str:
    if name is None:
        return "No protocol preset."
    text = f"Protocol {name}" + (f" ({source})" if source else "")
    return text + (f"; departures: {'; '.join(departures)}." if departures else ", without departures.")
