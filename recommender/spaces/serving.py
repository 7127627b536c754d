"""What a search needs to know of the space that serves."""

from dataclasses import dataclass

from recommender.models import Space


@dataclass(frozen=True, slots=True)
class ServingSpace:
    """A space as the engine sees it: where its vectors are and how to search them."""

    pk: int
    catalog_id: int
    name: str
    version: int
    dimension: int
    ef_search: int
    indexed_rows: int

    @property
    def label(self) -> str:
        """The name an answer gives it, such as `text@3`."""
        return f"{self.name}@{self.version}"


# The columns of recommender_space that make a ServingSpace, in its order.
COLUMNS = "s.id, s.catalog_id, s.name, s.version, s.dimension, s.ef_search, s.indexed_rows"


def serving(space: Space) -> ServingSpace:
    """A row as the engine sees it."""
    return ServingSpace(
        space.pk,
        space.catalog_id,
        space.name,
        space.version,
        space.dimension,
        space.ef_search,
        space.indexed_rows,
    )
