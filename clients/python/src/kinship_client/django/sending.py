"""Products on their way to the service: what a commit has changed, read anew and sent."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Model

from kinship_client import Kinship, KinshipError
from kinship_client.django import registry, service
from kinship_client.django.conf import configuration
from kinship_client.django.registry import Registered

log = logging.getLogger("kinship_client.django")

_PAGE = 1000
# Of a row: its primary key, and its product's id, which is all that is left of a deleted one.
Row = tuple[Any, str]


def changed(*, instance: Model, using: str, **_: Any) -> None:
    """Send a row once what changed it is committed; a row that is then gone is taken off sale."""
    if not configuration().url:
        return
    known = registry.of_row(instance)
    # On the connection, as the transaction is. All that wait go with the first callback after a
    # commit; what a rollback left is sent as it is then, which does no harm.
    waiting = vars(connections[using]).setdefault("kinship_waiting", {})
    waiting[known.label, instance.pk] = known.id_of(instance)
    transaction.on_commit(partial(_committed, using), using=using, robust=True)


def _committed(using: str) -> None:
    waiting: dict[tuple[str, Any], str] = vars(connections[using]).pop("kinship_waiting", {})
    by_model: dict[str, list[Row]] = defaultdict(list)
    for (label, pk), product in waiting.items():
        by_model[label].append((pk, product))
    for label, rows in by_model.items():
        _dispatch(label, rows, using)


def _dispatch(label: str, rows: list[Row], using: str) -> None:
    if configuration().celery:
        from kinship_client.django import tasks  # noqa: PLC0415 - it needs Celery

        tasks.send_products.delay(label, rows, using)
        return
    try:
        deliver(service.at_once(), label, rows, using)
    except KinshipError as exc:
        log.error(  # noqa: TRY400 - what is wrong is with the service, not here
            "%s products of %s were not sent, `manage.py kinship_sync` sends them: %s",
            len(rows), label, exc,
        )  # fmt: skip


def deliver(client: Kinship, label: str, rows: Sequence[Row], using: str) -> None:
    """Send rows as they are now, and take off sale those that are gone.

    Raises:
        KinshipError: the service is away, or refuses all of it.
    """
    known = registry.of_label(label)
    for start in range(0, len(rows), _PAGE):
        some = rows[start : start + _PAGE]
        wanted = {pk for pk, _ in some}
        found = {row.pk: row for row in known.rows().using(using).filter(pk__in=wanted)}
        products = {pk: known.product_of(row) for pk, row in found.items()}
        _put(client, [product for product in products.values() if product is not None])
        for pk, product in some:
            if products.get(pk) is None:
                _delete(client, product)


def send(rows: Iterable[Model]) -> None:
    """Send rows that no signal told of, such as those of `QuerySet.update`.

    Raises:
        KinshipError: the service is away, or refuses all of it.
        LookupError: a row's model is not registered.
    """
    chosen: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        known = registry.of_row(row)
        chosen[known.label, row._state.db or DEFAULT_DB_ALIAS].append((row.pk, known.id_of(row)))
    for (label, using), some in chosen.items():
        deliver(service.background(), label, some, using)


def everything() -> Iterator[Any]:
    """Every product that there is, of all models."""
    for known in registry.registered():
        yield from _all_of(known)


def _all_of(known: Registered) -> Iterator[Any]:
    for row in known.rows().iterator(chunk_size=_PAGE):
        product = known.product_of(row)
        if product is not None:
            yield product


def _put(client: Kinship, products: Sequence[Any]) -> None:
    if not products:
        return
    written = client.put_products(products)
    for error in written["errors"]:
        log.error("product %s rejected: %s", products[error["row"]]["id"], error["reason"])


def _delete(client: Kinship, product: str) -> None:
    try:
        client.delete_product(product)
    except KinshipError as exc:
        if exc.status != 404:
            raise
