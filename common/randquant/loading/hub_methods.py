"""The methods that models of the Hugging Face Hub have: from_pretrained, save_pretrained, push_to_hub.

The signatures are those of `huggingface_hub.PyTorchModelHubMixin`, without the package, which is optional.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self, cast

from torch import nn

from randquant.errors import DataError, UsageError

if TYPE_CHECKING:
    from randquant.publishing.publication import Publication


class HubMethods:
    """What a ready encoder has beside its calls.

    Attributes:
        config: of its weights: modality, encoder, what prepares inputs, training; None where the weights are not ours.
        source: the folder or file that it was opened from.
    """

    config: Mapping[str, Any] | None = None
    source: Path | None = None

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | Path, *, revision: str | None = None, **how: Any
    ) -> Self:
        """Open `owner/name` of the Hub, or a folder, as `randquant.load` does.

        Args:
            pretrained_model_name_or_path: a folder where there is one, else a repository; `hf://` may stand before it.
            revision: a branch, tag or commit of the repository.
            how: further arguments of `randquant.load`, such as `device`.

        Raises:
            DataError, UsageError: as `randquant.load`; or the encoder is of another modality than this class.
        """
        from randquant.loading.load import load

        name = str(pretrained_model_name_or_path)
        if not Path(name).exists():
            name = f"hf://{name.removeprefix('hf://')}" + (f"@{revision}" if revision else "")
        elif revision is not None:
            raise UsageError(f"{name} is a folder, which has no revision {revision}; leave it out.")
        opened = load(name, **how)
        if not isinstance(opened, cls):
            raise UsageError(f"{name} is an encoder of {opened.modality}, not a {cls.__name__}; use randquant.load.")
        return opened

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        license: str | None = None,
        **push: Any,
    ) -> str | None:
        """Write model.safetensors, config.json and README.md into a folder, with the weights as they are now.

        Args:
            save_directory: created where absent.
            repo_id: the repository it is for; the folder's name by default.
            push_to_hub: upload it too.
            license: of the weights, for the card.
            push: further arguments of `push_to_hub`.

        Returns:
            The address of the commit, where it was uploaded.

        Raises:
            DataError: the folder holds files of these names that are not of ours, or cannot be written.
            UsageError: the encoder was not trained by a training of ours, so there is nothing that describes it.
        """
        folder = Path(save_directory)
        name = repo_id or folder.resolve().name
        self._publication(folder, license).write(folder, name)
        return self.push_to_hub(name, license=license, **push) if push_to_hub else None

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Push model using randquant.",
        private: bool | None = None,
        token: str | bool | None = None,
        branch: str | None = None,
        license: str | None = None,
    ) -> str:
        """Upload the encoder, with the weights as they are now.

        Args:
            repo_id: `owner/name` or `owner/name@branch`; created where absent.
            commit_message: of the commit.
            private: whether a new repository is private.
            token: of the Hub; by default the one of `hf auth login`.
            branch: to write to, instead of that of `repo_id`, or the main one.
            license: of the weights, for the card.

        Returns:
            The address of the commit.

        Raises:
            DataError: the Hub refuses, or cannot be reached.
            UsageError: as `save_pretrained`; or `repo_id` is no name of a repository.
        """
        from randquant.publishing.publication import upload
        from randquant.weights.hub_download import hub_address

        address = hub_address(repo_id)
        if branch is not None:
            address = address._replace(revision=branch)
        with TemporaryDirectory() as folder:
            self._publication(Path(folder), license).write(Path(folder), address.repository)
            return upload(Path(folder), address, private=private, message=commit_message, token=token)

    def _publication(self, folder: Path, license: str | None) -> "Publication":
        from randquant.publishing.publication import Publication
        from randquant.weights.published_config import CONFIG, WEIGHTS, require_ours
        from randquant.weights.weight_file import read_weights, write_weights

        if self.config is None:
            raise UsageError(
                "only encoders that a training of randquant wrote can be saved, since they say what prepares their "
                "inputs; this one came from elsewhere or is untrained."
            )
        require_ours(folder)
        folder.mkdir(parents=True, exist_ok=True)
        network = cast(nn.Module, cast(Any, self).encoder)
        try:
            (folder / CONFIG).unlink(missing_ok=True)  # it may be of the weights that were there
            write_weights(folder / WEIGHTS, network, dict(self.config))
        except OSError as error:
            raise DataError(f"{folder} cannot be written ({error.strerror}); choose another folder.") from None
        content = read_weights(folder / WEIGHTS)
        run = self.source if self.source is not None and self.source.is_dir() else None
        return Publication(content, run=run, licence=license)
