"""The tasks: an id in, one plain function called. Each may run twice or die anywhere."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from celery import Task, shared_task
from django.db.models import Q
from django.db.utils import DatabaseError, OperationalError
from django.utils import timezone

from embeddings.errors import Misconfigured, Unavailable
from recommender.catalog import sync
from recommender.engine import answer_log
from recommender.models import Catalog, Heartbeat, Space
from recommender.profiles import builder
from recommender.profiles import builder as profile_staleness
from recommender.providers import cache
from recommender.retrieval import tallies, vocabulary
from recommender.spaces import alignment, embedding, lifecycle, quarantine, staleness, trained
from recommender.stack import machine
from recommender.stack.processes import find_process
from workers.batch_size import BatchSize

log = structlog.get_logger()

# A task hands over to the next after so long, so that no other kind of work starves.
_SLICE_SECONDS = 5.0
_PROFILE_BATCH = 500
# So many processes at most work at one space.
_MOST_CHAINS = 4

# By space: what was asked of this process before that time is done, or is left to the task that
# this one handed over to. Of a burst of changes one task looks, and the others end at once.
_seen_to: dict[int, float] = {}
# Who asked may have another clock.
_CLOCK_TOLERANCE_SECONDS = 1.0


@shared_task(name="workers.heartbeat")
def heartbeat() -> None:
    """Prove that this worker takes tasks and reaches the database."""
    Heartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"at": timezone.now()})


@shared_task(name="workers.sweep_embeddings", bind=True)
def sweep_embeddings(self: "Task[Any, Any]") -> None:
    """Start the embedding of every living space; one with nothing stale ends at once.

    Not where a worker is at it: it hands over to itself until nothing is left, and a second
    such chain each minute would crowd out all other work. What is paused is tried again, ever later
    where a person has to act, and what is in quarantine only because its picture could not be had.
    """
    quarantine.retry_media()
    staleness.forget_deaths()
    due = lifecycle.due(lifecycle.living())
    idle = due.exclude(pk__in=_at_work(self.request.hostname))
    for space_id in idle.values_list("pk", flat=True):
        embed_space.delay(space_id, time.time())


@shared_task(
    name="workers.embed_space",
    bind=True,
    autoretry_for=(OperationalError,),
    max_retries=5,
    retry_backoff=2,
    retry_backoff_max=120,
)
def embed_space(self: "Task[Any, Any]", space_id: int, asked_at: float | None = None) -> None:
    """Embed a space's stale products for a few seconds, then hand over; at the end, finish it.

    Where the model cannot embed at present, the space is paused and this ends: the next sweep
    tries again. In a space of behaviour all vectors that are missing are predicted at once.

    Args:
        asked_at: the Unix time before which everything was committed that this is to embed;
            None for a task that goes on with what others began.
    """
    if asked_at is not None and (
        asked_at < _seen_to.get(space_id, 0.0) or space_id in _at_work(self.request.hostname)
    ):
        return  # done, or somebody at work will come to it
    due = lifecycle.due(lifecycle.living())
    space = due.select_related("catalog").filter(pk=space_id).first()
    if space is None:
        return
    owner = f"{self.request.hostname}:{os.getpid()}"
    with _unless_gone(space_id):
        if space.kind == Space.Kind.BEHAVIOUR:
            _predict(space)
        else:
            _embed(space, owner, is_first=asked_at is not None)


@contextmanager
def _unless_gone(space_id: int) -> Iterator[None]:
    """Work on a space that may be retired or deleted meanwhile: its tables are gone then."""
    try:
        yield
    except DatabaseError:
        if lifecycle.living().filter(pk=space_id).exists():
            raise


def _at_work(hostname: str | None) -> set[int]:
    """The spaces that a process is embedding; the claims of those that were killed end here.

    Args:
        hostname: this worker, of whose processes it is known which are alive.
    """
    owners = staleness.at_work()
    dead = {owner for _, owner in owners if _is_dead(owner, hostname)}
    for owner in dead:
        log.warning("a process was killed at embedding", process=owner)
        staleness.release_owner(owner)
    return {space_id for space_id, owner in owners if owner not in dead}


def _is_dead(owner: str, hostname: str | None) -> bool:
    worker, _, pid = owner.rpartition(":")
    return worker == hostname and find_process(int(pid)) is None


def _predict(space: Space) -> None:
    """Give products that are newer than the training their vectors, once they have a text's."""
    began = time.time()
    trained.predict_missing(space)
    _seen_to[space.pk] = began - _CLOCK_TOLERANCE_SECONDS
    finish_space.delay(space.pk)


def _embed(space: Space, owner: str, *, is_first: bool) -> None:
    """Work for a slice; the first, where there is more than a batch, calls for help."""
    try:
        embedder = alignment.trained_embedder_of(space)
    except (Misconfigured, Unavailable) as exc:
        lifecycle.pause(space, str(exc), needs_person=isinstance(exc, Misconfigured))
        return
    size = BatchSize(embedder.spec)
    until, after = time.monotonic() + _SLICE_SECONDS, 0
    while time.monotonic() < until:
        began = time.time()
        step = embedding.embed_claimed(space, embedder, owner=owner, after=after, limit=size.rows)
        if step.is_paused:
            return
        if not step.last and not after:
            _seen_to[space.pk] = began - _CLOCK_TOLERANCE_SECONDS
            lifecycle.resume(space)
            finish_space.delay(space.pk)
            return
        if is_first and step.products == size.rows:
            _call_for_help(space.pk)
            is_first = False
        size.took(step.products, time.time() - began)
        # At the end once more from the start: what changed behind us while we went on.
        after = step.last
    embed_space.delay(space.pk)
    _seen_to[space.pk] = time.time()


def _call_for_help(space_id: int) -> None:
    """Have other processes work at a space too: claims keep them from the same products."""
    for _ in range(min(machine.detect().cores, _MOST_CHAINS) - 1):
        embed_space.delay(space_id)


@shared_task(name="workers.finish_space")
def finish_space(space_id: int) -> None:
    """Index a space that has all its vectors, and make the profiles follow.

    What is predicted from its vectors is predicted now.
    """
    with _unless_gone(space_id):
        if lifecycle.finish(space_id):
            profile_staleness.note_new_vectors(space_id)
            refresh_profiles.delay(space_id)
            for follower in trained.followers(space_id):
                embed_space.delay(follower, time.time())


@shared_task(name="workers.sweep_words")
def sweep_words() -> None:
    """Count the words of every catalog where that is due."""
    for catalog_id in vocabulary.due():
        count_words.delay(catalog_id)


@shared_task(name="workers.count_words")
def count_words(catalog_id: int) -> None:
    """Count the words that a catalog's products are searched by, where that is due."""
    if catalog_id in vocabulary.due():
        vocabulary.count(Catalog.objects.get(pk=catalog_id))


@shared_task(name="workers.sweep_profiles")
def sweep_profiles() -> None:
    """Start the refresh of profiles in every space that serves, or could serve at once."""
    ready = Q(status=Space.Status.ACTIVE) | Q(profiles_at__isnull=False)
    for space_id in lifecycle.living().filter(ready).values_list("pk", flat=True):
        refresh_profiles.delay(space_id)


@shared_task(name="workers.refresh_profiles")
def refresh_profiles(space_id: int, after: int = 0) -> None:
    """Rebuild one batch of stale profiles, then hand over to the next."""
    space = lifecycle.living().select_related("catalog").filter(pk=space_id).first()
    if space is None:
        return
    with _unless_gone(space_id):
        users = profile_staleness.stale_users(space, after=after, limit=_PROFILE_BATCH)
        if users:
            refresh_profiles.delay(space_id, users[-1])
            builder.refresh(space, users)


@shared_task(name="workers.sweep_popularity")
def sweep_popularity() -> None:
    """Count the popularity of every catalog anew."""
    for catalog_id in Catalog.objects.values_list("pk", flat=True):
        refresh_popularity.delay(catalog_id)


@shared_task(name="workers.refresh_popularity")
def refresh_popularity(catalog_id: int) -> None:
    """Count anew how popular a catalog's products are, and what its searches lead to."""
    catalog = Catalog.objects.filter(pk=catalog_id).first()
    if catalog is not None:
        tallies.refresh(catalog)


@shared_task(name="workers.prune_answers")
def prune_answers() -> None:
    """Forget what lists have shown more than an hour ago."""
    answer_log.prune()


@shared_task(name="workers.prune_embedding_cache")
def prune_embedding_cache() -> None:
    """Remove vectors of hosted models that nobody used for long, and syncs left half done."""
    cache.prune()
    sync.prune()
