"""The news that products have changed, for whoever embeds them."""

from django.dispatch import Signal

from recommender.models import Catalog, Space

# Sent with `space_ids`, the living spaces of the catalogue; maybe inside a transaction.
products_changed = Signal()


def announce(catalog: Catalog) -> None:
    """Say that products of a catalogue were added or changed."""
    living = Space.objects.filter(catalog=catalog).exclude(status=Space.Status.RETIRED)
    products_changed.send(Catalog, space_ids=list(living.values_list("pk", flat=True)))
