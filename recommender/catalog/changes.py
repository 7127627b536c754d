"""The news that products have changed, for whoever embeds them."""

from django.dispatch import Signal

from recommender.models import Catalog, Space
from recommender.spaces.lifecycle import living

# Sent with `space_ids`, living spaces of the catalogue; maybe inside a transaction.
products_changed = Signal()


def announce(catalog: Catalog) -> None:
    """Say that products of a catalogue were added or changed.

    Not to spaces of behaviour: they follow when the text space has embedded the change.
    """
    spaces = living().filter(catalog=catalog).exclude(kind=Space.Kind.BEHAVIOUR)
    products_changed.send(Catalog, space_ids=list(spaces.values_list("pk", flat=True)))


def announce_space(space: Space) -> None:
    """Say that a space has products to embed: it is new, or serves again."""
    products_changed.send(Catalog, space_ids=[space.pk])
