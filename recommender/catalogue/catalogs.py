"""Making and removing catalogues."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from embeddings.factory import create_embedder
from recommender import database
from recommender.models import Catalog, EmbeddingClaim, Space
from recommender.spaces import lifecycle


def create_catalog(
    name: str, *, clock: str = Catalog.Clock.NOW, model: str | None = None
) -> Catalog:
    """A new catalogue with its text space, ready for products.

    Args:
        model: a key of the embedding models; settings.DEFAULT_MODEL by default.

    Raises:
        ValidationError: the name is taken or not a name.
        Misconfigured: there is no such model.
    """
    key = model or settings.DEFAULT_MODEL
    dimension = create_embedder(key).spec.dimension
    catalog = Catalog(name=name, clock=clock)
    catalog.full_clean()
    with transaction.atomic():
        catalog.save()
        lifecycle.create_space(catalog, model=key, dimension=dimension)
    return catalog


def delete_catalog(catalog: Catalog) -> None:
    """Remove a catalogue and everything in it, for good."""
    with transaction.atomic():
        for space in Space.objects.filter(catalog=catalog):
            EmbeddingClaim.objects.filter(space=space).delete()
            lifecycle.delete_space(space)
        database.execute("DELETE FROM recommender_event WHERE catalog_id = %s", (catalog.pk,))
        database.execute("DELETE FROM recommender_eventkey WHERE catalog_id = %s", (catalog.pk,))
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
