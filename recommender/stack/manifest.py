"""What a backup says of itself: versions, migrations, and the checksums of its parts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from recommender.stack.external import connect

FORMAT = 1
_MIGRATIONS = "SELECT app || '.' || name FROM django_migrations ORDER BY 1"
_PGVECTOR = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"


class NewerFormatError(Exception):
    """The manifest is of a form that a newer Kinship writes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file inside a backup, as it must be read back."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup says of itself.

    Args:
        format, created: the version of the backup's own form; when, as ISO 8601 in UTC.
        postgres: the server's version as a number, such as 180006.
        pgvector: the extension's version; empty where it was not installed.
        migrations: those applied, such as `recommender.0001_initial`.
        database_bytes: the tables without their indexes.
        parts: the other files of the backup by their names.
    """

    format: int
    version: str
    created: str
    postgres: int
    pgvector: str
    migrations: tuple[str, ...]
    database_bytes: int
    parts: Mapping[str, Part]

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Read it back.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is none.
            NewerFormatError: it is of a form that is not known here.
        """
        fields = json.loads(text)
        if fields["format"] > FORMAT:
            raise NewerFormatError
        parts = {name: Part(**part) for name, part in fields.pop("parts").items()}
        migrations = tuple(map(str, fields.pop("migrations")))
        return cls(parts=parts, migrations=migrations, **fields)


@dataclass(frozen=True, slots=True)
class Facts:
    """Versions of the server and of pgvector, and the migrations applied; as in a manifest."""

    postgres: int
    pgvector: str
    migrations: tuple[str, ...]


def database_facts(url: str) -> Facts:
    """What a manifest says of a database.

    Raises:
        StackError: it cannot be reached.
    """
    with connect(url) as link:
        pgvector = "".join(str(version) for (version,) in link.execute(_PGVECTOR))
        migrations = tuple(str(name) for (name,) in link.execute(_MIGRATIONS))
        return Facts(link.info.server_version, pgvector, migrations)
