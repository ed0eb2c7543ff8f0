"""What a Hugging Face dataset says of its columns: sounds, pictures, the names of classes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from randquant.cli.spelling import did_you_mean
from randquant.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"huggingface"  # of a schema's metadata
SOUND, PICTURE, CLASSES = "Audio", "Image", "ClassLabel"


@dataclass(frozen=True)
class Features:
    """The columns of a dataset.

    Attributes:
        schema: of its files.
        stated: type by column, as `datasets` writes them; empty where nothing states them.
    """

    schema: "pa.Schema"
    stated: Mapping[str, Any]

    @property
    def media(self) -> list[str]:
        """Columns of sounds or pictures: those stated to be, and those that hold files."""
        return [
            field.name
            for field in self.schema
            if self.type_of(field.name) in (SOUND, PICTURE) or (not self.type_of(field.name) and _holds_files(field))
        ]

    def type_of(self, column: str) -> str:
        """`Audio`, `Image`, `ClassLabel`, `Value`, …; empty where it is not stated."""
        stated = self.stated.get(column)
        return str(stated.get("_type", "")) if isinstance(stated, dict) else ""

    def classes(self, column: str) -> Sequence[str] | None:
        """The names of a column's classes; None where it holds none."""
        names = self.stated[column].get("names") if self.type_of(column) == CLASSES else None
        return [str(name) for name in names] if isinstance(names, list) else None

    def medium(self, column: str | None) -> str:
        """The column to prepare: the one named, or the only one.

        Raises:
            DataError: there is none.
            UsageError: there are several, or the one named is none.
        """
        found = self.media
        if column is not None and column not in found:
            near = did_you_mean(column, found)
            raise UsageError(f"--column {column} holds no sounds or pictures{near}; those do: {_listed(found)}.")
        if len(found) > 1 and column is None:
            raise UsageError(f"{_listed(found)} hold sounds or pictures; choose one by --column.")
        if not found:
            raise DataError(
                f"the dataset has no column of sounds or pictures ({_listed(self.schema.names)}); a table of numbers "
                "is prepared by python -m scripts.prepare table --parquet FILE --label COLUMN."
            )
        return column or found[0]

    def label(self, column: str | None) -> str | None:
        """The column of labels: the one named, or the only one of classes.

        Raises:
            UsageError: it is not there, or holds no names.
        """
        if column is None:
            found = [name for name in self.schema.names if self.type_of(name) == CLASSES]
            return found[0] if len(found) == 1 else None
        self.require_values(column, "--label")
        return column

    def require_values(self, column: str, flag: str) -> None:
        """Refuse a column that holds no text, whole number or class.

        Raises:
            UsageError: it does not.
        """
        import pyarrow as pa

        if column not in self.schema.names:
            near = did_you_mean(column, self.schema.names)
            raise UsageError(f"{flag} {column} is no column{near}; there are {_listed(self.schema.names)}.")
        kind = self.schema.field(column).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        fits = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_boolean)
        if not any(fit(kind) for fit in fits):
            raise UsageError(f"{flag} {column} holds {kind}, where one text or whole number a row is read.")

    def names(self, column: str, values: Sequence[Any]) -> list[str | None]:
        """The values of a column as labels; None where it is empty or a class below 0.

        Raises:
            DataError: a number has no class.
        """
        classes = self.classes(column)
        if classes is None:
            return [None if value is None or value == "" else str(value) for value in values]
        known = [value for value in values if value is not None]
        wrong = next((value for value in known if not isinstance(value, int) or value >= len(classes)), None)
        if wrong is not None:
            raise DataError(f"the column {column} holds the class {wrong} of {len(classes)}; restore the dataset.")
        return [None if value is None or value < 0 else classes[value] for value in values]


def stated_in(schema: "pa.Schema") -> dict[str, Any]:
    """The features that a file's schema states; empty where it does not."""
    try:
        found = json.loads((schema.metadata or {})[KEY])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _holds_files(field: "pa.Field") -> bool:
    import pyarrow as pa

    kind = field.type
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    held = kind.field("bytes").type
    return bool(pa.types.is_binary(held) or pa.types.is_large_binary(held))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
