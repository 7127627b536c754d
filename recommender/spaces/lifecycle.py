"""A space's life, but for serving: made, finished, retired, deleted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from embeddings.errors import Misconfigured
from embeddings.types import Modality, Output
from recommender.models import Catalog, EmbeddingClaim, QuarantinedProduct, Space, Webhook
from recommender.providers import models
from recommender.spaces import index, partitions, plain_text, staleness
from recommender.spaces.partitions import SpaceError, retry_on_lock_timeout
from recommender.spaces.template import check
from recommender.webhooks import outbox

# What workers embed. A standby waits as it was, and a retired one has no tables.
LIVING = (Space.Status.BUILDING, Space.Status.ACTIVE)

_LOCK_SPACE = 7_310_001
_READS = {
    Space.Kind.TEXT: frozenset({Modality.TEXT}),
    Space.Kind.IMAGE: frozenset({Modality.IMAGE}),
    Space.Kind.MULTIMODAL: frozenset({Modality.TEXT, Modality.IMAGE}),
}


def create_space(  # noqa: PLR0913 - a space's columns, each by its name
    catalog: Catalog,
    *,
    model: str,
    dimension: int | None = None,
    name: str = "text",
    kind: str = Space.Kind.TEXT,
    template: str | None = None,
    instruction: str = "",
    output: str = Space.Output.DENSE,
    long_text: str = Space.LongText.TRUNCATE,
) -> Space:
    """A new version of a space with its partitions.

    The first version of its name serves at once, exact while it has no index; a later one is
    built beside it. `dimension` is the model's own by default.

    Raises:
        TemplateError: the template names what is no field of a product.
        Misconfigured: there is no such model, its packages are not installed, or it cannot do
            what is asked; or the name is that of a trained space.
    """
    if template is not None:
        check(template)
    space = Space(
        catalog=catalog,
        name=name,
        kind=kind,
        model=model,
        dimension=_dimension(model, dimension, kind=kind, output=output, instruction=instruction),
        instruction=instruction,
        output=output,
        long_text=long_text,
    )
    if template is not None:
        space.template = template
    with transaction.atomic():
        add_version(space)
        if space.version == 1:
            space.status, space.activated_at = Space.Status.ACTIVE, timezone.now()
            space.save(update_fields=["status", "activated_at"])
        plain_text.settle_boilerplate(space)
    return space


def add_version(space: Space) -> None:
    """Store a space as the next version of its name, with its partitions; within a transaction.

    Raises:
        Misconfigured: an embedded space has the name of a trained one, or the reverse.
    """
    lock_spaces(space.catalog_id)
    versions = Space.objects.filter(catalog=space.catalog_id, name=space.name)
    latest = versions.order_by("-version").first()
    if latest and (latest.kind == Space.Kind.BEHAVIOUR) != (space.kind == Space.Kind.BEHAVIOUR):
        raise Misconfigured(
            f"{space.name!r} is the name of a space of kind {latest.kind}, so none of kind "
            f"{space.kind} can be a version of it. Choose another name."
        )
    space.version = latest.version + 1 if latest else 1
    space.save()
    partitions.create(space.pk)


@contextmanager
def undone() -> Iterator[None]:
    """Everything done in the block is undone at its end: a space that is made to be estimated."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def living() -> QuerySet[Space]:
    """The spaces that workers embed."""
    return Space.objects.filter(status__in=LIVING)


def active_space(catalog_id: int, name: str = "text") -> Space | None:
    """The version of a space that serves, or None where there is none."""
    return Space.objects.filter(
        catalog_id=catalog_id, name=name, status=Space.Status.ACTIVE
    ).first()


def find_space(catalog: Catalog, label: str) -> Space:
    """The space of a label such as `text@2`.

    Raises:
        SpaceError: there is none; the message lists those there are.
    """
    name, _, version = label.rpartition("@")
    versions = Space.objects.filter(catalog=catalog, name=name).select_related("catalog")
    space = versions.filter(version=int(version)).first() if version.isdecimal() else None
    if space is None:
        there = ", ".join(map(str, Space.objects.filter(catalog=catalog))) or "none"
        raise SpaceError(f"There is no space {label!r} in {catalog}; there are: {there}.")
    return space


def lock_spaces(catalog_id: int) -> None:
    """Until the transaction ends, nobody else makes, switches or retires a catalog's spaces."""
    Catalog.objects.select_for_update(no_key=True).get(pk=catalog_id)


def retire(space: Space) -> int:
    """Give a version's vectors and profiles up for good; how many bytes of disk that frees.

    Its row stays, to say what it was. May run twice.

    Raises:
        SpaceError: it serves, or its tables were in use for too long.
    """
    return retry_on_lock_timeout(partial(_retire, space))


def delete_space(space: Space) -> None:
    """Remove a space with its vectors and profiles, and the work there is on its products."""
    retry_on_lock_timeout(partial(_delete, space.pk))


def finish(space_id: int) -> bool:
    """Index a space whose products all have a vector; False while some are stale.

    May run twice, or beside itself: False, too, while another worker builds the index, which sees
    all that was embedded before. To wait for it would keep this one from its other work.
    """
    with transaction.atomic():
        if not staleness.lock_soon(_LOCK_SPACE, space_id):
            return False
        space = living().filter(pk=space_id).first()
        if space is None or staleness.count(space):
            return False
        if index.is_due(space):
            _index(space)
    return True


def build_index(space: Space) -> None:
    """Index a space as it is, whatever is stale; waits where another worker is at it."""
    with transaction.atomic():
        staleness.lock(_LOCK_SPACE, space.pk)
        _index(space)


def _index(space: Space) -> None:
    index.build(space)
    Space.objects.filter(pk=space.pk).update(
        ef_search=space.ef_search, recall=space.recall, indexed_rows=space.indexed_rows
    )


def _dimension(
    model: str, dimension: int | None, *, kind: str, output: str, instruction: str
) -> int:
    """The length of the vectors, once the model is known to do what is asked."""
    if kind == Space.Kind.BEHAVIOUR:
        raise Misconfigured(
            "A space of behaviour is not embedded but trained: use "
            "`./kinship train --catalog NAME`."
        )
    models.check_installed(model)
    spec = models.spec(model).at(dimension)
    spec.check_output(Output(output), instruction)
    unread = _READS[Space.Kind(kind)] - spec.modalities
    if unread:
        raise Misconfigured(
            f"{model} does not read {', '.join(sorted(unread))}, which a space of kind {kind} "
            f"needs; it reads {', '.join(sorted(spec.modalities))}. Choose another model or kind."
        )
    if Output(output).is_dense and spec.dimension > index.MAX_DIMENSION:
        raise Misconfigured(
            f"{spec.dimension} dimensions are more than an index takes; use "
            f"{index.MAX_DIMENSION} or fewer."
        )
    return spec.dimension


def _retire(space: Space) -> int:
    lock_spaces(space.catalog_id)
    space.refresh_from_db()
    if space.status == Space.Status.ACTIVE:
        raise SpaceError(
            f"{space} serves. Activate another version first, or roll back, and retire it then."
        )
    if space.status == Space.Status.RETIRED:
        return 0
    freed = partitions.size(space.pk)
    space.status, space.retired_at = Space.Status.RETIRED, timezone.now()
    space.paused_reason, space.paused_at, space.retry_at = "", None, None
    # What was learnt is of use with the vectors only, and would make every list of spaces heavy.
    space.alignment = space.fold_in = None
    space.save(
        update_fields=[
            *("status", "retired_at", "paused_reason", "paused_at", "retry_at"),
            *("alignment", "fold_in"),
        ]
    )
    _drop(space.pk)
    return freed


def _delete(space_id: int) -> None:
    _drop(space_id)
    Space.objects.filter(pk=space_id).delete()


def _drop(space_id: int) -> None:
    partitions.drop(space_id)
    # Not before: a worker may be claiming until the tables are gone.
    EmbeddingClaim.objects.filter(space=space_id).delete()
    QuarantinedProduct.objects.filter(space=space_id).delete()


# A space that waits for a person is tried again after as long as it has been waiting, within these.
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


def pause(space: Space, reason: str, *, needs_person: bool = False) -> None:
    """Say that embedding stopped and why; the time stays that of the first such reason.

    Args:
        needs_person: it stays so until a person changes something: it is tried again ever later.
    """
    now = timezone.now()
    known = Space.objects.filter(pk=space.pk, paused_reason=reason)
    since = known.values_list("paused_at", flat=True).first() or now
    retry_at = None
    if needs_person:
        retry_at = now + min(max(now - since, _SHORTEST_WAIT), _LONGEST_WAIT)
    with transaction.atomic():
        was_paused = Space.objects.select_for_update(no_key=True).filter(pk=space.pk)
        is_first = was_paused.values_list("paused_reason", flat=True).first() == ""
        Space.objects.filter(pk=space.pk).update(
            paused_reason=reason, paused_at=since, retry_at=retry_at
        )
        if is_first:
            told = {"space": str(space), "reason": reason, "needs_person": needs_person}
            # A provider may come and go all day long.
            key = f"stale {space.pk} {now:%Y-%m-%d %H}"
            outbox.tell(space.catalog_id, Webhook.Kind.STALE, told, key=key)


def resume(space: Space) -> None:
    """Take back that embedding stopped."""
    Space.objects.filter(pk=space.pk).exclude(paused_reason="").update(
        paused_reason="", paused_at=None, retry_at=None
    )


def try_again() -> None:
    """Have every space tried at once: a worker that starts may have another configuration."""
    Space.objects.exclude(retry_at=None).update(retry_at=None)


def due(spaces: QuerySet[Space]) -> QuerySet[Space]:
    """Of these spaces those that do not wait for a person."""
    return spaces.exclude(retry_at__gt=timezone.now())
