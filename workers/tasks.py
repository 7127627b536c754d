"""The tasks: an id in, one plain function called. Each may run twice or die anywhere."""

import math
import os
import socket
import time
from typing import Any

import structlog
from celery import Task, shared_task
from django.db.utils import OperationalError
from django.utils import timezone

from embeddings.errors import Unavailable
from embeddings.factory import create_embedder
from recommender.history import popularity
from recommender.models import Catalog, EmbeddingClaim, Heartbeat, Space
from recommender.profiles import builder
from recommender.profiles import staleness as profile_staleness
from recommender.spaces import embedding, lifecycle

log = structlog.get_logger()

# A task hands over to the next after so long, so that no other kind of work starves.
_SLICE_SECONDS = 5.0
_EMBED_BATCH = 512
_PROFILE_BATCH = 500
_LIVE = (Space.Status.BUILDING, Space.Status.ACTIVE)

# When this process last began to look through a space and found nothing stale. What was asked
# for before that is done: of a burst of changes one task looks, and the others end at once.
_seen_fresh: dict[int, float] = {}
_CLOCK_TOLERANCE_SECONDS = 1.0


@shared_task(name="workers.heartbeat")
def heartbeat() -> None:
    """Prove that this worker takes tasks and reaches the database."""
    Heartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"at": timezone.now()})


@shared_task(name="workers.sweep_embeddings")
def sweep_embeddings() -> None:
    """Start the embedding of every living space; one with nothing stale ends at once.

    Not where a worker is at it: it hands over to itself until nothing is left, and a second
    such chain each minute would crowd out all other work.
    """
    at_work = EmbeddingClaim.objects.filter(until__gt=timezone.now()).values("space_id")
    living = Space.objects.filter(status__in=_LIVE).exclude(pk__in=at_work)
    for space_id in living.values_list("pk", flat=True):
        embed_space.delay(space_id, time.time())


@shared_task(
    name="workers.embed_space",
    bind=True,
    autoretry_for=(Unavailable, OperationalError),
    max_retries=5,
    retry_backoff=2,
    retry_backoff_max=120,
)
def embed_space(self: "Task[Any, Any]", space_id: int, asked_at: float = math.inf) -> None:
    """Embed a space's stale products for a few seconds, then hand over; at the end, finish it.

    Args:
        asked_at: the Unix time before which everything was committed that this is to embed.
    """
    if asked_at < _seen_fresh.get(space_id, 0.0) - _CLOCK_TOLERANCE_SECONDS:
        return
    space = Space.objects.filter(pk=space_id, status__in=_LIVE).first()
    if space is None:
        return
    embedder = create_embedder(space.model, space.dimension)
    owner = f"{self.request.hostname}:{os.getpid()}"
    until, after = time.monotonic() + _SLICE_SECONDS, 0
    while time.monotonic() < until:
        began = time.time()
        last = embedding.embed_claimed(
            space, embedder, owner=owner, after=after, limit=_EMBED_BATCH
        )
        if not last and not after:
            _seen_fresh[space_id] = began
            finish_space.delay(space_id)
            return
        # At the end once more from the start: what changed behind us while we went on.
        after = last
    embed_space.delay(space_id)


@shared_task(name="workers.finish_space")
def finish_space(space_id: int) -> None:
    """Index a space that has all its vectors, and make the profiles follow."""
    if lifecycle.finish(space_id):
        profile_staleness.note_new_vectors(space_id)
        refresh_profiles.delay(space_id)


@shared_task(name="workers.sweep_profiles")
def sweep_profiles() -> None:
    """Start the refresh of profiles in every active space."""
    for space_id in Space.objects.filter(status=Space.Status.ACTIVE).values_list("pk", flat=True):
        refresh_profiles.delay(space_id)


@shared_task(name="workers.refresh_profiles")
def refresh_profiles(space_id: int, after: int = 0) -> None:
    """Rebuild one batch of stale profiles, then hand over to the next."""
    space = Space.objects.select_related("catalog").filter(pk=space_id).first()
    if space is None:
        return
    users = profile_staleness.stale_users(space, after=after, limit=_PROFILE_BATCH)
    if users:
        refresh_profiles.delay(space_id, users[-1])
        builder.refresh(space, users)


@shared_task(name="workers.sweep_popularity")
def sweep_popularity() -> None:
    """Count the popularity of every catalogue anew."""
    for catalog_id in Catalog.objects.values_list("pk", flat=True):
        refresh_popularity.delay(catalog_id)


@shared_task(name="workers.refresh_popularity")
def refresh_popularity(catalog_id: int) -> None:
    """Count a catalogue's popularity anew."""
    catalog = Catalog.objects.filter(pk=catalog_id).first()
    if catalog is not None:
        popularity.refresh(catalog)
