"""Whether the parts of the service work and embedding goes on, for the dashboard.

What stops embedding: providers that are down, spaces that wait, budgets near their end.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from django_celery_beat.models import PeriodicTask

from recommender import database
from recommender.admin import access, fragments
from recommender.admin.spend_month import dollars
from recommender.models import Space
from recommender.monitoring import service
from recommender.providers import ledger
from recommender.providers.circuit import OpenCircuit, open_circuits
from recommender.providers.ledger import NEARLY_SPENT, Budget
from recommender.spaces.lifecycle import living
from recommender.stack import archive

# Beat notes what it sent at least every three minutes.
_BEAT_AGE = timedelta(minutes=5)

_VERSIONS = """
SELECT current_setting('server_version'), extversion FROM pg_extension WHERE extname = 'vector'
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the service: whether it works, what shows it, and the word for when it does not."""

    name: str
    works: bool
    detail: str
    trouble: str = "Down"


def health_parts() -> list[Part]:
    """Database, broker, workers, beat and, where there is one, the archive."""
    now = timezone.now()
    beats, seen = service.workers_alive(), service.latest_heartbeat()
    sent = PeriodicTask.objects.aggregate(latest=Max("last_run_at"))["latest"]
    beat_works = beats > 0 or (sent is not None and now - sent < _BEAT_AGE)
    return [
        _database(),
        _broker(),
        Part("Workers", beats > 0, f"{beats} alive, {_ago('heartbeat', seen, now)}"),
        Part("Beat", beat_works, _ago("task sent", sent, now)),
        *([] if settings.STACK.wal_archive is None else [_archive()]),
    ]


def _archive() -> Part:
    run = service.archive_slot()
    late = archive.lateness(run) if run else "has not begun"
    return Part("Archive", late is None, late or "follows the database", "Behind")


def _database() -> Part:
    version, pgvector = database.fetch(_VERSIONS)[0]
    return Part("Database", True, f"PostgreSQL {version.split()[0]}, pgvector {pgvector}")


def _broker() -> Part:
    reason = service.broker_problem()
    return Part("Broker", reason is None, f"does not answer: {reason}" if reason else "answers")


def _ago(event: str, at: datetime | None, now: datetime) -> str:
    if at is None:
        return f"no {event} yet"
    seconds = max(0, int((now - at).total_seconds()))
    age = f"{seconds} s" if seconds < 120 else timesince(at, now)
    return f"last {event} {age} ago"


# More would push the dashboard off the screen.
_SPACES_SHOWN = 100
_NOTICES_SHOWN = 8
_LINKS_SHOWN = 12
_GOES_ON = (
    "Recommendations go on with the vectors there are. Embedding is tried again every minute and "
    "goes on by itself once the cause is gone."
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A banner: what is the matter, and the pages where something can be done about it."""

    kind: str  # danger or warning
    title: str
    text: str
    links: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Embedding:
    """How embedding is at present, of all catalogs."""

    circuits: Sequence[OpenCircuit]
    spaces: int
    paused: Sequence[Space]
    nearly_spent: Sequence[Budget]


def state() -> Embedding:
    """How embedding is now; four queries. What is trained is not embedded."""
    embedded = living().exclude(kind=Space.Kind.BEHAVIOUR)
    paused = embedded.exclude(paused_reason="").select_related("catalog").order_by("paused_at")
    budgets = [budget for budget in ledger.budgets(ledger.today()) if _is_nearly_spent(budget)]
    return Embedding(open_circuits(), embedded.count(), list(paused[:_SPACES_SHOWN]), budgets)


def parts(now: Embedding) -> list[Part]:
    """Providers and embedding, as the dashboard shows parts."""
    down = "; ".join(map(_circuit_text, now.circuits))
    embedding = f"{len(now.paused)} of {now.spaces} spaces paused"
    if budgets := len(now.nearly_spent):
        embedding += f", {budgets} {'budget' if budgets == 1 else 'budgets'} nearly spent"
    return [
        Part("Providers", not down, down or "none is down"),
        Part("Embedding", not now.paused, embedding, trouble="Paused"),
    ]


def notices(now: Embedding, request: HttpRequest) -> list[Notice]:
    """What a person who may see spaces and catalogs should know, the gravest first."""
    now = _seen_by(request, now)
    all_notices: list[Notice] = []
    if request.user.has_perm("recommender.view_space"):
        all_notices += _pauses(now)
    if request.user.has_perm("recommender.view_catalog"):
        # A space that waits for money says so itself.
        waiting = {space.catalog_id for space in now.paused}
        all_notices += [
            _budget(budget) for budget in now.nearly_spent if budget.catalog_id not in waiting
        ]
    return all_notices[:_NOTICES_SHOWN]


def _seen_by(request: HttpRequest, now: Embedding) -> Embedding:
    """What of it is of the catalogs that the person sees."""
    spaces, budgets = now.paused, now.nearly_spent
    seen = access.of(
        request, [space.catalog_id for space in spaces] + [budget.catalog_id for budget in budgets]
    )
    return replace(
        now,
        paused=[space for space in spaces if space.catalog_id in seen],
        nearly_spent=[budget for budget in budgets if budget.catalog_id in seen],
    )


def _pauses(now: Embedding) -> Iterable[Notice]:
    """One for each cause: a provider that is down, or what the spaces themselves say."""
    causes: dict[str, list[Space]] = defaultdict(list)
    for space in now.paused:
        causes[_cause(space, now.circuits)].append(space)
    spent = {budget.catalog_id for budget in now.nearly_spent}
    return [_pause(cause, spaces, spent) for cause, spaces in causes.items()]


def _pause(cause: str, spaces: Sequence[Space], spent: set[int]) -> Notice:
    first = spaces[0]
    number = f"{first.catalog} {first}" if len(spaces) == 1 else f"{len(spaces)} spaces"
    since = f"Since {fragments.time(first.paused_at)}. " if first.paused_at else ""
    shown = spaces[:_LINKS_SHOWN]
    links = [(f"{space.catalog} {space}", _address("space", space.pk)) for space in shown]
    links += {
        f"Budget of {space.catalog}": _address("catalog", space.catalog_id)
        for space in shown
        if space.catalog_id in spent
    }.items()
    return Notice("danger", f"Embedding of {number} is paused", f"{cause} {since}{_GOES_ON}", links)


def _budget(budget: Budget) -> Notice:
    text = (
        f"{dollars(budget.spent)} of {dollars(budget.limit)} in {ledger.today():%B %Y}. Embedding "
        "pauses where the next product would cost more than is left; raise the budget to avoid it."
    )
    title = f"{budget.catalog} has spent {budget.share:.0%} of its budget"
    return Notice(
        "warning", title, text, [(budget.catalog, _address("catalog", budget.catalog_id))]
    )


def _circuit_text(circuit: OpenCircuit) -> str:
    age = timesince(circuit.opened_at, timezone.now())
    following = f"in {circuit.seconds:.0f} s" if circuit.seconds else "with the next call"
    return f"{circuit.provider} has been down for {age}, next try {following}: {circuit.reason}."


def _cause(space: Space, circuits: Sequence[OpenCircuit]) -> str:
    """The space's own reason; where that is an open circuit, as this is now."""
    for circuit in circuits:
        if space.paused_reason.startswith(f"{circuit.provider} is down"):
            return _circuit_text(circuit)
    return space.paused_reason


def _is_nearly_spent(budget: Budget) -> bool:
    """A budget of nothing is meant: it says that nothing be spent."""
    return budget.limit > 0 and budget.share >= NEARLY_SPENT


def _address(model: str, key: int) -> str:
    return reverse(f"admin:recommender_{model}_change", args=[key])
