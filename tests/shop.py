"""A small shop for tests: products, vectors and events in a few words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recommender.catalog import catalogs, upsert
from recommender.history import ingest
from recommender.history.ingest import NewEvent
from recommender.models import Catalog, Product, Space, User
from recommender.spaces import embedding
from recommender.spaces.alignment import embedder_of
from recommender.spaces.lifecycle import active_space

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shop:
    """A catalog and what a test does with it."""

    catalog: Catalog

    @classmethod
    def open(cls, name: str = "shop", *, clock: str = Catalog.Clock.NOW) -> "Shop":
        return cls(catalogs.create_catalog(name, clock=clock, model="fake"))

    @property
    def space(self) -> Space:
        """The active space, as it is now."""
        space = active_space(self.catalog.pk)
        assert space is not None
        return space

    def stock(self, **titles: str) -> None:
        """Add or change products: their titles by id."""
        self.put(*({"id": key, "title": title} for key, title in titles.items()))

    def put(self, *products: dict[str, object]) -> None:
        upsert.upsert(self.catalog, products)

    def embed(self, space: Space | None = None) -> None:
        """Give every product without a fresh vector one, in the space that serves or this one."""
        space = space or self.space
        embedder = embedder_of(space)
        step = embedding.embed_claimed(space, embedder, owner="test", after=0, limit=1000)
        while step.products:
            step = embedding.embed_claimed(
                space, embedder, owner="test", after=step.last, limit=1000
            )

    def product(self, key: str) -> Product:
        return Product.objects.get(catalog=self.catalog, external_id=key)

    def user(self, key: str) -> User:
        return User.objects.get(catalog=self.catalog, external_id=key)

    def post(self, *events: NewEvent) -> list[str]:
        return ingest.ingest(self.catalog, events)

    def visit(self, user: str, *products: str, at: datetime = NOON) -> None:
        """The user views these products, one a minute."""
        outcomes = self.post(
            *(
                event(user, product, at=at + minute * timedelta(minutes=1))
                for minute, product in enumerate(products)
            )
        )
        assert set(outcomes) <= {ingest.ACCEPTED}


def event(
    user: str,
    product: str | None,
    *,
    type: str = "view",  # noqa: A002 - the field's name
    at: datetime = NOON,
    id: str | None = None,  # noqa: A002 - the field's name
    value: float | None = None,
) -> NewEvent:
    return NewEvent(type=type, user=user, product=product, at=at, id=id, value=value)


def numbered(count: int, words: Sequence[str] = ("mug", "lamp", "tent", "soap")) -> dict[str, str]:
    """So many titles by id, in groups that share a word."""
    return {f"p{n}": f"{words[n % len(words)]} number {n}" for n in range(count)}
