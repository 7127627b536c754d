"""Making and removing catalogues."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from psycopg import sql

from embeddings.factory import create_embedder
from recommender import database
from recommender.history import popularity
from recommender.models import Catalog, Space
from recommender.profiles.staleness import note_new_settings
from recommender.spaces import lifecycle

# Emptied in SQL, in this order: Django would first read every row into memory.
_LARGE_TABLES = (
    "recommender_event",
    "recommender_eventkey",
    "recommender_productpopularity",
    "recommender_product",
    "recommender_user",
)


def create_catalog(
    name: str,
    *,
    clock: str | None = None,
    model: str | None = None,
    half_life_days: float | None = None,
) -> Catalog:
    """A new catalogue with its text space, ready for products.

    Args:
        clock: of Catalog.Clock.
        model: a key of the embedding models; settings.DEFAULT_MODEL by default.
        half_life_days: after so many days an event counts half in a profile.

    Raises:
        ValidationError: the name is taken or not a name.
        Misconfigured: there is no such model.
    """
    key = model or settings.DEFAULT_MODEL
    dimension = create_embedder(key).spec.dimension
    catalog = Catalog(name=name)
    _set(catalog, clock, half_life_days)
    with transaction.atomic():
        catalog.save()
        lifecycle.create_space(catalog, model=key, dimension=dimension)
    return catalog


def change_catalog(
    catalog: Catalog, *, clock: str | None = None, half_life_days: float | None = None
) -> None:
    """Change what is given; popularity and profiles follow.

    Raises:
        ValidationError: a value cannot be.
    """
    _set(catalog, clock, half_life_days)
    with transaction.atomic():
        catalog.save(update_fields=["clock", "half_life_days"])
        popularity.refresh(catalog)
        note_new_settings(catalog)


def delete_catalog(catalog: Catalog) -> None:
    """Remove a catalogue and everything in it, for good."""
    with transaction.atomic():
        for space in Space.objects.filter(catalog=catalog):
            lifecycle.delete_space(space)
        for table in _LARGE_TABLES:
            query = sql.SQL("DELETE FROM {} WHERE catalog_id = %s").format(sql.Identifier(table))
            database.execute(query, (catalog.pk,))
        catalog.delete()


def find_catalog(name: str) -> Catalog:
    """The catalogue of this name.

    Raises:
        ValidationError: there is none; the message lists those there are.
    """
    catalog = Catalog.objects.filter(name=name).first()
    if catalog is None:
        names = ", ".join(Catalog.objects.values_list("name", flat=True)) or "none yet"
        raise ValidationError(
            f"There is no catalogue {name!r} (there are: {names}). "
            f"Make it: manage.py create_catalog {name}"
        )
    return catalog


def _set(catalog: Catalog, clock: str | None, half_life_days: float | None) -> None:
    """Set and check what is given."""
    if clock is not None:
        catalog.clock = clock
    if half_life_days is not None:
        catalog.half_life_days = half_life_days
    catalog.full_clean()
