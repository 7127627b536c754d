"""Making a space and bringing it to the state where it serves."""

from django.db import transaction
from django.utils import timezone

from recommender.models import Catalog, EmbeddingClaim, Space
from recommender.spaces import index, partitions, staleness
from recommender.spaces.template import check

_LOCK_SPACE = 7_310_001


def create_space(
    catalog: Catalog,
    *,
    model: str,
    dimension: int,
    name: str = "text",
    template: str | None = None,
) -> Space:
    """A new version of a space with its partitions.

    The first version of its name serves at once, exact while it has no index; a later one is
    built beside it.

    Raises:
        TemplateError: the template names what is no field of a product.
    """
    if template is not None:
        check(template)
    with transaction.atomic():
        Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        latest = Space.objects.filter(catalog=catalog, name=name).order_by("-version").first()
        status = Space.Status.BUILDING if latest else Space.Status.ACTIVE
        space = Space(
            catalog=catalog,
            name=name,
            version=latest.version + 1 if latest else 1,
            model=model,
            dimension=dimension,
            status=status,
            activated_at=None if latest else timezone.now(),
        )
        if template is not None:
            space.template = template
        space.save()
        partitions.create(space.pk)
    return space


def active_space(catalog_id: int, name: str = "text") -> Space | None:
    """The version of a space that serves, or None where there is none."""
    return Space.objects.filter(
        catalog_id=catalog_id, name=name, status=Space.Status.ACTIVE
    ).first()


def delete_space(space: Space) -> None:
    """Remove a space, its vectors, its profiles and the claims on its products."""
    with transaction.atomic():
        EmbeddingClaim.objects.filter(space=space).delete()
        partitions.drop(space.pk)
        space.delete()


def finish(space_id: int) -> bool:
    """Index a space whose products all have a vector; False while some are stale.

    May run twice, or beside itself: one runs, the others see its work.
    """
    with transaction.atomic():
        staleness.lock(_LOCK_SPACE, space_id)
        space = Space.objects.filter(pk=space_id).first()
        if space is None or staleness.count(space):
            return False
        if index.is_due(space):
            index.build(space)
            Space.objects.filter(pk=space_id).update(
                ef_search=space.ef_search, recall=space.recall, indexed_rows=space.indexed_rows
            )
    return True
