"""What differs between a document and what is there, and what cannot be of a document."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from django.core.exceptions import ValidationError

from recommender.catalog import placement_changes
from recommender.models import Catalog

Path = tuple[str | int, ...]

ADD: Final = "add"
CHANGE: Final = "change"
REMOVE: Final = "remove"
Sign = Literal["add", "change", "remove"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is added, changed or removed."""

    sign: Sign
    what: str
    words: tuple[str, ...] = ()  # a sentence for each part of it
    catalog: str = ""
    secret: tuple[str, str] | None = None  # a new key's name, and the key

    def of(self, catalog: str) -> "Change":
        """The same, of a catalog."""
        return replace(self, catalog=catalog)


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a document is wrong, and why."""

    path: Path
    message: str


class ConfigError(Exception):
    """A document that cannot be."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)

    @classmethod
    def at(cls, path: Path, message: str) -> "ConfigError":
        """One fault."""
        return cls([Fault(path, message)])

    def below(self, *path: str) -> "ConfigError":
        """The same of a document that is part of another."""
        return ConfigError([Fault((*path, *fault.path), fault.message) for fault in self.faults])


def as_json(changes: Sequence[Change]) -> dict[str, Any]:
    """Changes for programs, with the secrets of new keys."""
    return {
        "changes": [
            {"sign": one.sign, "catalog": one.catalog, "what": one.what, "words": one.words}
            for one in changes
        ],
        "secrets": [
            {"catalog": one.catalog, "key": one.secret[0], "secret": one.secret[1]}
            for one in changes
            if one.secret
        ],
    }


@dataclass(frozen=True, slots=True)
class Target:
    """The catalog that is brought to what a document says."""

    catalog: Catalog
    prune: bool  # whether what a section does not name is removed
    by: str  # who publishes


@contextmanager
def at(*path: str) -> Iterator[None]:
    """What a model refuses in the block is a fault of the document there.

    Raises:
        ConfigError: whatever is refused.
    """
    try:
        yield
    except ValidationError as exc:
        if not hasattr(exc, "error_dict"):
            raise ConfigError([Fault(path, text) for text in exc.messages]) from exc
        faults = [
            Fault(path if name == "__all__" else (*path, name), text)
            for name, texts in exc.message_dict.items()
            for text in texts
        ]
        raise ConfigError(faults) from exc


def compared(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """A change of something that there is, where anything of it differs."""
    words = tuple(placement_changes.members(before, after))
    if words:
        yield Change(CHANGE, what, words)
