"""Write the folder of a repository: model.safetensors, config.json and README.md; and upload it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from randquant.data.labelled_store import source_of
from randquant.data.store import Store
from randquant.errors import DataError, UserError, one_line
from randquant.extras import needs
from randquant.files.atomic import atomic_path, write_json, write_text
from randquant.loading.load import load
from randquant.publishing.card import Card
from randquant.results.compare import read_results
from randquant.results.record import Result
from randquant.training.free_settings import FREE_SETTINGS
from randquant.training.run_settings import FILE_NAME, read_settings
from randquant.weights.hub_download import HubAddress, endpoint
from randquant.weights.published_config import CARD, CONFIG, WEIGHTS, config_of, require_ours
from randquant.weights.weight_file import Content, read_weights

_OF_MACHINE = {*FREE_SETTINGS, "cache", "accelerator"}  # settings that a recipe has not


@dataclass(frozen=True)
class Publication:
    """What a repository is made of.

    Attributes:
        content: of a weights file of ours.
        results: of probes of these weights.
        run: the folder of their training, where its settings are.
        licence: of the weights.
    """

    content: Content
    results: Sequence[Result] = ()
    run: Path | None = None
    licence: str | None = None

    def write(self, folder: Path, name: str) -> Path:
        """Write the three files; what else the folder holds stays.

        Args:
            folder: where; created where absent.
            name: of the model, or `owner/name` of its repository.

        Raises:
            DataError: the folder holds files of these names that are not of ours.
        """
        require_ours(folder)
        content, settings = self.content, self._settings()
        recipe = {key: value for key, value in settings.items() if key not in _OF_MACHINE and value is not None}
        data = [_described(Path(path)) for path in settings.get("data") or []]
        card = Card(name, content.own_config(), content.sha256 or "", self.results, data, recipe, self.licence)
        folder.mkdir(parents=True, exist_ok=True)
        if content.file.resolve() != (folder / WEIGHTS).resolve():
            with atomic_path(folder / WEIGHTS) as temporary:
                shutil.copyfile(content.file, temporary)
        write_json(folder / CONFIG, config_of(content.header))
        write_text(folder / CARD, card.text())
        return folder

    def _settings(self) -> dict[str, Any]:
        """The settings of the run; none where it has left none."""
        return {} if self.run is None or not (self.run / FILE_NAME).is_file() else read_settings(self.run)


def publishable(name: Path, results: Sequence[Path] = (), licence: str | None = None) -> Publication:
    """A run, or a weights file of ours, and what probes found of it.

    Raises:
        DataError: it is no finished encoder of ours, or the results are of another encoder.
    """
    content = read_weights(name)
    if content.config is None:
        raise DataError(
            f"{content.file} is not an encoder that a training of ours has finished; give the folder of a finished run "
            "or its encoder.safetensors."
        )
    found = [result for path in results for result in read_results(str(path))[1]]
    digest = load(name).sha256
    other = next((result.checkpoint for result in found if result.checkpoint.sha256 != digest), None)
    if other is not None:
        raise DataError(
            f"the results are of {other.path} (SHA-256 {other.sha256[:12]}), not of {content.file} ({digest[:12]}); "
            "give results of this encoder, or probe it."
        )
    return Publication(content, found, name if name.is_dir() else name.parent, licence)


def upload(folder: Path, address: HubAddress, *, private: bool | None = None, message: str, token: Any = None) -> str:
    """Upload the three files of a folder; creates the repository where absent.

    Returns:
        The address of the commit.

    Raises:
        DataError: the Hub refuses, or cannot be reached.
        ImportError: huggingface_hub is not installed.
    """
    with needs("hub"):
        import huggingface_hub
    api = huggingface_hub.HfApi(endpoint=endpoint(), token=token, library_name="randquant")
    try:
        api.create_repo(address.repository, private=private, exist_ok=True)
        if address.revision is not None:
            api.create_branch(address.repository, branch=address.revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=address.repository,
            folder_path=folder,
            revision=address.revision,
            commit_message=message,
            allow_patterns=[WEIGHTS, CONFIG, CARD],
        )
    except UserError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{address.repository} could not be uploaded ({one_line(error)[:200]}); log in with hf auth login, check "
            "that the repository is yours, and type it again."
        ) from None
    return str(commit.commit_url)


def _described(path: Path) -> str:
    """A store by its name and content, without where it lies on this machine."""
    try:
        store = Store.open(path)
    except (UserError, OSError):
        return f"{path.name} (the store is not here any more)"
    dataset = source_of(store).get("dataset")
    named = f"{path.name}, dataset {dataset}" if dataset else path.name
    return f"{named}: {len(store):,} items, content hash `{(store.content_hash or 'none')[:12]}`"
