"""Which version of a space serves: switching to another, and back, in one transaction."""

from django.db import transaction
from django.utils import timezone

from embeddings.types import Output
from recommender.models import Catalog, Space
from recommender.spaces import index
from recommender.spaces.errors import SpaceError
from recommender.spaces.lifecycle import active_space, lock_spaces
from recommender.spaces.progress import coverage


def activate(space: Space, *, force: bool = False) -> None:
    """Have a version serve, at once and whole; the one that did is kept as a standby.

    Args:
        force: even while products lack a vector or the index is not built.

    Raises:
        SpaceError: it is not ready, it is retired, or it serves already.
    """
    with transaction.atomic():
        lock_spaces(space.catalog_id)
        space.refresh_from_db()
        _check_can_serve(space)
        if not force:
            _check_is_ready(space)
        _switch_to(space)


def rollback(catalog: Catalog, name: str = "text") -> Space:
    """Have the version serve that did before; the one that serves is kept as a standby.

    Whatever changed meanwhile is stale in it: the caller has it embedded.

    Raises:
        SpaceError: no version of that name served before, or it is retired.
    """
    with transaction.atomic():
        lock_spaces(catalog.pk)
        standbys = Space.objects.filter(catalog=catalog, name=name, status=Space.Status.STANDBY)
        before = standbys.order_by("-activated_at").first()
        if before is None:
            raise SpaceError(
                f"There is no version of {name!r} to go back to: none served before the one that "
                "does, or it is retired. Build one with `manage.py space create`, or `manage.py "
                "train` for a space of behaviour."
            )
        _switch_to(before)
    return before


def _check_can_serve(space: Space) -> None:
    if space.status == Space.Status.RETIRED:
        raise SpaceError(f"{space} is retired: its vectors are gone. Create a new version.")
    if space.status == Space.Status.ACTIVE:
        raise SpaceError(f"{space} serves already.")
    serving = active_space(space.catalog_id, space.name)
    if serving and Output(serving.output).is_dense and not Output(space.output).is_dense:
        raise SpaceError(
            f"{space} has sparse vectors only, and nothing can be recommended by those. Create a "
            "version with --output 'dense&sparse'."
        )


def _check_is_ready(space: Space) -> None:
    covered = coverage(space)
    how = f"`manage.py space build {space} --catalog {space.catalog} --wait`"
    if covered.missing:
        paused = f" Embedding is paused: {space.paused_reason}" if space.paused_reason else ""
        raise SpaceError(
            f"{space} has no vector yet for {covered.missing:,} of {covered.products:,} products."
            f"{paused} Finish it with {how}, or switch all the same with --force."
        )
    if index.is_due(space):
        raise SpaceError(
            f"{space} has no index yet that fits it, so its answers would be slow. Finish it with "
            f"{how}, or switch all the same with --force."
        )


def _switch_to(space: Space) -> None:
    """Within a transaction, so that every statement of others sees one active version."""
    versions = Space.objects.filter(catalog=space.catalog_id, name=space.name)
    versions.filter(status=Space.Status.ACTIVE).update(
        status=Space.Status.STANDBY, paused_reason="", paused_at=None
    )
    space.status, space.activated_at = Space.Status.ACTIVE, timezone.now()
    space.save(update_fields=["status", "activated_at"])
