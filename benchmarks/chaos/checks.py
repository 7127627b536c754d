"""What must hold after a fault, asked of the database, the API and the operating system."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psutil

from benchmarks.chaos.faults import Fault, Scene
from benchmarks.chaos.traffic import SEEDS, USERS, Found, Ledger
from recommender.stack.status import collect

# Rows that a worker's two processes, with eight calls each of ten rows, can have under way.
UNDER_WAY = 160


def stored(scene: Scene, ledger: Ledger) -> Found:
    """Compare what was acknowledged with what is there."""
    products = dict(
        scene.service.sql(
            "SELECT p.external_id, p.title FROM recommender_product p "
            "JOIN recommender_catalog c ON c.id = p.catalog_id "
            "WHERE c.name = %s AND p.deleted_at IS NULL",
            ledger.name,
        )
    )
    events = Counter(
        int(quantity)
        for (quantity,) in scene.service.sql(
            "SELECT e.quantity FROM recommender_event e "
            "JOIN recommender_catalog c ON c.id = e.catalog_id WHERE c.name = %s",
            ledger.name,
        )
    )
    acknowledged = list(ledger.products.items())
    lost_products = sum(products.get(key) != title for key, (title, _) in acknowledged)
    return Found(
        lost=lost_products + len(ledger.events - events.keys()),
        doubled=sum(number - 1 for number in events.values()),
    )


def problems(scene: Scene, ledger: Ledger, client: httpx.Client, fault: Fault) -> Iterator[str]:
    """Everything else that is not as it must be, in words."""
    yield from dict.fromkeys(ledger.errors)
    ledger.errors.clear()
    yield from _empty_lists(client)
    yield from _spend(scene, ledger, fault)
    yield from strays(scene)


def has_vector(scene: Scene, ledger: Ledger, since: float) -> bool:
    """Whether one of the products that were acknowledged after a moment is embedded."""
    rows = scene.service.sql(
        "SELECT EXISTS (SELECT FROM recommender_productvector v "
        "JOIN recommender_product p ON p.id = v.product_id "
        "JOIN recommender_catalog c ON c.id = p.catalog_id "
        "WHERE c.name = %s AND p.external_id = ANY(%s))",
        *(ledger.name, ledger.products_since(since)),
    )
    return bool(rows[0][0])


def strays(scene: Scene) -> Iterator[str]:
    """Processes of the service that belong to no part of it which runs."""
    known = {part.pid for part in collect(scene.config)}
    data_dir = str(scene.service.data_dir)
    for process in psutil.process_iter(["cmdline", "cwd", "environ", "ppid"]):
        with suppress(psutil.Error, ProcessLookupError):
            is_own = process.info["cmdline"] and data_dir in str(process.info)
            is_part = {process.pid, process.info["ppid"], os.getsid(process.pid)} & known
            if is_own and not is_part:
                yield f"a stray process is left: {' '.join(process.info['cmdline'])[:200]}"


def _empty_lists(client: httpx.Client) -> Iterator[str]:
    paths = [f"/v1/products/seed-{number}/similar" for number in range(0, SEEDS, 7)]
    paths += [f"/v1/users/user-{number}/recommendations" for number in range(0, USERS, 20)]
    for path in paths:
        answer = client.get(path)
        if not answer.is_success or not answer.json()["items"]:
            yield f"{path} has no list: {answer.status_code} {answer.text[:200]}"


def _spend(scene: Scene, ledger: Ledger, fault: Fault) -> Iterator[str]:
    """What was booked is what the provider counted, but for what was under way."""
    ((booked,),) = scene.service.sql(
        "SELECT coalesce(sum(s.rows), 0) FROM recommender_embeddingspend s "
        "JOIN recommender_catalog c ON c.id = s.catalog_id WHERE c.name = %s",
        ledger.name,
    )
    ((vectors,),) = scene.service.sql(
        "SELECT count(*) FROM recommender_productvector v "
        "JOIN recommender_product p ON p.id = v.product_id "
        "JOIN recommender_catalog c ON c.id = p.catalog_id WHERE c.name = %s",
        ledger.name,
    )
    counted = paid(scene, ledger)
    most = booked + (UNDER_WAY * ledger.faults if fault.may_pay_twice else 0)
    if not vectors <= booked <= counted <= most:
        yield (
            f"the spend does not add up: {vectors} vectors, {booked} rows booked, {counted} rows "
            f"paid, {most} at most"
        )


def paid(scene: Scene, ledger: Ledger, *, once: bool = False) -> int:
    """The rows of a catalog's products that its provider counted; `once`: each only once."""
    rows = scene.provider.record.paid.copy()  # it goes on counting
    counts = [number for text, number in rows.items() if f" of {ledger.name}" in text]
    return len(counts) if once else sum(counts)
