"""What an import of products and one of events have in common."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from recommender.importing.progress import Progress
from recommender.importing.row import Values
from recommender.importing.staging import Staging

Outcomes = Mapping[str, int]


class Intake(Protocol):
    """Makes rows into staged rows, and staged rows into products or events.

    Attributes:
        columns: SQL type by name of what is staged.
        may_reject_later: whether the merge rejects rows, so that every row's text is staged.
    """

    columns: Mapping[str, str]
    may_reject_later: bool

    def convert(self, row: Values) -> Sequence[object]:
        """The row's values for `columns`.

        Raises:
            BadRowError: it is no such thing.
        """

    def resume(self, staging: Staging) -> None:
        """Take up what an earlier, killed run has left in the staging table."""

    def merge(self, staging: Staging, progress: Progress) -> Outcomes:
        """Write what is staged to the catalogue; how many rows came to what."""

    def preview(self, staging: Staging) -> Outcomes:
        """How many rows would come to what; writes nothing."""
