"""What a training leaves of what was learnt from users who have been erased since: nothing.

What serves goes on serving until there is something in its place.
"""

from collections.abc import Collection
from dataclasses import dataclass

from recommender.models import Catalog, Forgotten, ProductNeighbor, Ranker, Space
from recommender.spaces import lifecycle


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What was learnt before somebody was erased; empty where nobody was."""

    catalog: Catalog
    erased: tuple[int, ...]  # keys of Forgotten
    spaces: tuple[Space, ...] = ()
    rankers: tuple[int, ...] = ()

    @property
    def is_needed(self) -> bool:
        """Whether the training is to learn everything anew."""
        return bool(self.erased)


def begin(catalog: Catalog) -> Forgetting:
    """What a training that begins now is to forget: to be asked before it reads the history.

    Settings that were found with those users in it are forgotten at once, and searched again.
    """
    erased = tuple(Forgotten.objects.filter(catalog=catalog).values_list("pk", flat=True))
    if not erased:
        return Forgetting(catalog, ())
    catalog.learner_settings, catalog.similar_blend = {}, {}
    catalog.save(update_fields=["learner_settings", "similar_blend"])
    return Forgetting(
        catalog,
        erased,
        spaces=tuple(Space.objects.filter(catalog=catalog, kind=Space.Kind.BEHAVIOUR)),
        rankers=tuple(Ranker.objects.filter(catalog=catalog).values_list("pk", flat=True)),
    )


def finish(forgetting: Forgetting, remade: Collection[str]) -> None:
    """Remove what was learnt before, whether or not there is something in its place. May run twice.

    Args:
        remade: names of the steps that stored something new.
    """
    if not forgetting.is_needed:
        return
    for space in forgetting.spaces:
        lifecycle.delete_space(space)
    Ranker.objects.filter(pk__in=forgetting.rankers).delete()
    if "co-occurrence" not in remade:
        ProductNeighbor.objects.filter(catalog=forgetting.catalog).delete()
    Forgotten.objects.filter(pk__in=forgetting.erased).delete()
