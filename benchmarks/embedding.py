"""Embedding by the workers: through a model of this machine, and through hosted ones."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from psycopg import sql

from benchmarks import doubles, generated, server, slots
from benchmarks.doubles import Doubles
from benchmarks.figures import Target
from benchmarks.options import Options
from embeddings.calls.rate_limit import MARGIN
from embeddings.types import Input, Role
from recommender import database
from recommender.catalog import catalogs, upsert
from recommender.models import Catalog, QuarantinedProduct, Space
from recommender.spaces import lifecycle, partitions
from recommender.spaces.alignment import embedder_of
from recommender.stack import StackError
from recommender.stack.service import Service
from tests.stub import Stub
from workers import process, tasks

_LOCAL = "wordllama-256"
_WARM_UP = 5_000
_LOAD = 10_000
_POLL = 0.05
_SWEEP_SECONDS = 5.0
_HOPELESS_SECONDS = 600.0
# The limiter grows to its rate within this time.
_RAMP_SECONDS = 3.0

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of this benchmark."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Found:
    """All that was measured, and the targets it is held against."""

    measured: list[Measured]
    targets: list[Target]


def measure(service: Service, options: Options, progress: Progress) -> Found:
    """Embed generated titles through a worker of its own.

    The model of this machine gets all of `options.products`, the steady provider a fifth of
    them, the unwell one a tenth.

    Raises:
        StackError: the worker does not embed.
    """
    with doubles.serving() as providers, server.worker(service, providers.environment):
        parts = [
            _local(options, progress),
            _hosted(options.products // 5, providers, progress),
            _unwell(options.products // 10, providers, progress),
        ]
    parts.append(_slots(options.seconds, progress))
    return Found(
        [measurement for part in parts for measurement in part.measured],
        [target for part in parts for target in part.targets],
    )


def _local(options: Options, progress: Progress) -> Found:
    """The model alone and through Celery, in turn, so that the machine's noise falls on both."""
    progress("embedding: products")
    titles = generated.titles(options.products)
    warm = _catalog("warm", titles[:_WARM_UP], _LOCAL)
    catalog = _catalog("local", titles, "fake")
    progress("embedding: warm-up")
    _embed(lifecycle.living().get(catalog=warm))
    alone, stored = [], []
    for number in range(1, options.rounds + 1):
        progress(f"embedding, round {number} of {options.rounds}: the model alone")
        alone.append(_alone(titles))
        progress(f"embedding, round {number} of {options.rounds}: through Celery")
        space = lifecycle.create_space(catalog, model=_LOCAL, name=f"round-{number}")
        stored.append(len(titles) / _embed(space))
    _forget(warm, catalog)
    share = median(after / before for before, after in zip(alone, stored, strict=True))
    return Found(
        [
            Measured(f"{_LOCAL} alone", median(alone), "rows/s"),
            Measured(f"{_LOCAL} through Celery", median(stored), "rows/s"),
        ],
        [Target("through Celery, as a share of the model alone", 0.80, share)],
    )


def _alone(titles: Sequence[str]) -> float:
    """Rows a second of the model in this process, in a worker's state and by a worker's calls."""
    process.settle()
    embedder = embedder_of(Space(model=_LOCAL, dimension=doubles.DIMENSION))
    size = embedder.spec.max_rows
    batches = [titles[start : start + size] for start in range(0, len(titles), size)]
    embedder.embed([Input(text=title) for title in batches[0]], Role.DOCUMENT)
    started = time.perf_counter()
    for batch in batches:
        embedder.embed([Input(text=title) for title in batch], Role.DOCUMENT)
    return len(titles) / (time.perf_counter() - started)


def _hosted(products: int, providers: Doubles, progress: Progress) -> Found:
    """How near to its rate the limiter keeps the calls, once it has grown to it."""
    progress("embedding: a hosted model")
    catalog = _catalog("hosted", _numbered(products), doubles.STEADY)
    record, counts = providers.steady.record, list[tuple[float, int]]()
    _embed(
        lifecycle.living().get(catalog=catalog),
        lambda: counts.append((time.monotonic(), record.requests)),
    )
    _forget(catalog)
    limit = doubles.REQUESTS_PER_MINUTE / 60 * (1 - MARGIN)
    reached = _rate(counts)
    return Found(
        [
            Measured("hosted: the limiter's rate", limit, "calls/s"),
            Measured("hosted: reached after the ramp", reached, "calls/s"),
            Measured("hosted: answered with a 429", record.throttled, "calls"),
        ],
        [
            Target("hosted, as a share of the limiter's rate", 0.90, reached / limit),
            Target(
                "hosted, calls without a 429, share", 1.0, 1 - record.throttled / record.requests
            ),
        ],
    )


def _rate(counts: Sequence[tuple[float, int]]) -> float:
    """Calls a second from the end of the ramp to the last call; 0 where there were too few."""
    last = counts[-1][1]
    began = next(at for at, count in counts if count > 0)
    steady = [(at, count) for at, count in counts if at > began + _RAMP_SECONDS and count < last]
    if len(steady) < 2:
        return 0.0
    (start, before), (end, after) = steady[0], steady[-1]
    return (after - before) / (end - start)


def _slots(seconds: float, progress: Progress) -> Found:
    """The rate limiter alone: at the fastest rate of a known model, and at none."""
    progress("embedding: the rate limiter in eight processes")
    rate = doubles.REQUESTS_PER_MINUTE / 60
    rates = {"bench": rate, "bench-unlimited": math.inf}
    limited, unlimited = slots.measure(rates, seconds).values()
    return Found(
        [
            Measured("rate limiter, 8 processes", limited.per_second, "slots/s"),
            Measured("rate limiter, a slot: median", limited.median, "ms"),
            Measured("rate limiter, a slot: 99th percentile", limited.p99, "ms"),
            Measured("rate limiter, 8 processes, no limit", unlimited.per_second, "slots/s"),
        ],
        [Target("rate limiter, share of its rate", 0.90, limited.per_second / rate)],
    )


def _unwell(products: int, providers: Doubles, progress: Progress) -> Found:
    """What becomes of products whose provider is not well."""
    progress("embedding: a model that fails")
    poisoned = max(1, products // 500)
    good = products - poisoned
    titles = [*_numbered(good), *(f"{doubles.POISON} {number}" for number in range(poisoned))]
    catalog = _catalog("unwell", titles, doubles.UNWELL)
    space = lifecycle.living().get(catalog=catalog)
    _embed(space)
    refused, embedded = QuarantinedProduct.objects.filter(space=space).count(), _vectors(space)
    _forget(catalog)
    return Found(
        [
            Measured("failing provider: embedded", embedded, "products"),
            Measured("failing provider: quarantined", refused, "products"),
            Measured("failing provider: lost", products - embedded - refused, "products"),
            Measured("failing provider: paid twice", _paid_twice(providers.unwell), "rows"),
        ],
        [
            Target("failing provider, embedded", good, embedded),
            Target("failing provider, quarantined", poisoned, refused),
            Target("failing provider, rows paid once", good, good - _paid_twice(providers.unwell)),
        ],
    )


def _paid_twice(stub: Stub) -> int:
    return sum(count > 1 for count in Counter(stub.record.paid).values())


def _numbered(count: int) -> list[str]:
    return [f"Stoneware mug number {number}" for number in range(count)]


def _catalog(name: str, titles: Sequence[str], model: str) -> Catalog:
    """A catalog of these titles, its space of this model; nothing is embedded yet."""
    # What is left of a run that was broken off.
    _forget(*Catalog.objects.filter(name=f"bench-{name}"))
    catalog = catalogs.create_catalog(f"bench-{name}", model="fake", dimension=doubles.DIMENSION)
    # Not known to this process: only the worker is told of the doubles.
    Space.objects.filter(catalog=catalog).update(model=model)
    for start in range(0, len(titles), _LOAD):
        rows = enumerate(titles[start : start + _LOAD], start)
        upsert.upsert(catalog, [{"id": f"p{row}", "title": title} for row, title in rows])
    database.execute("VACUUM ANALYZE")
    return catalog


def _embed(space: Space, meanwhile: Callable[[], None] = lambda: None) -> float:
    """Have the worker embed and index a space; the seconds from asking to the last vector."""
    ((asked_at,),) = database.fetch("SELECT clock_timestamp()")
    tasks.embed_space.delay(space.pk, time.time())
    started = swept = time.monotonic()
    while space.embedded_at is None or space.profiles_at != space.embedded_at:
        time.sleep(_POLL)
        meanwhile()
        if time.monotonic() > started + _HOPELESS_SECONDS:
            raise StackError(f"The worker does not embed {space}. {space.paused_reason}")
        if time.monotonic() > swept + _SWEEP_SECONDS:
            tasks.sweep_embeddings.delay()
            swept = time.monotonic()
        space.refresh_from_db()
    last = sql.SQL("SELECT max(embedded_at) FROM {}").format(partitions.product_vectors(space.pk))
    return float((database.fetch(last)[0][0] - asked_at).total_seconds())


def _vectors(space: Space) -> int:
    query = sql.SQL("SELECT count(embedding) FROM {}").format(partitions.product_vectors(space.pk))
    return int(database.fetch(query)[0][0])


def _forget(*made: Catalog) -> None:
    for catalog in made:
        catalogs.delete_catalog(catalog)
