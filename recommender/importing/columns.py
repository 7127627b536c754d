"""The columns that a file has."""

from dataclasses import dataclass

from recommender.importing.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file.

    Attributes:
        names: of a CSV file its header; of JSON Lines the members seen in its first lines.
        complete: whether there can be no others.
    """

    names: tuple[str, ...]
    complete: bool

    def require(self, name: str, wanted_by: str) -> None:
        """Check that there is one column of a name.

        Raises:
            RefusedError: there is none, or several.
        """
        if name not in self.names:
            raise RefusedError(f"There is no column {name!r} ({wanted_by}). {self.listing()}")
        if self.names.count(name) > 1:
            raise RefusedError(
                f"{self.names.count(name)} columns are called {name!r} ({wanted_by}). "
                "Rename all but one in the file's first line."
            )

    def listing(self) -> str:
        """A sentence that names them."""
        names = ", ".join(name or "''" for name in self.names)
        hint = " Is its first line a header?" if self.complete else ""
        return f"The file's columns are: {names}.{hint}"
