"""What embedding costs: booked by space, model and day, and kept within the month's budget.

A call's price is reserved before it is sent and booked when it is answered. A reservation whose
worker died counts until its day (UTC) has ended, and no longer.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from embeddings.errors import BudgetSpent
from embeddings.spec import ModelSpec
from recommender import database
from recommender.models import Catalog, Space, Webhook
from recommender.webhooks import outbox

_LOCK_BUDGET = 7_310_020
# The ledger's places: a hundred-millionth of a dollar.
_SMALLEST = Decimal("0.00000001")
# No task runs as long: what is still reserved so long after its day, nobody will book.
_LONGEST_TASK = timedelta(hours=1)
# From this share of a budget on, people are warned.
NEARLY_SPENT = 0.8


@dataclass(frozen=True, slots=True)
class Account:
    """Whose budget pays, and where the ledger books it; without a space, to the endpoints."""

    catalog: Catalog
    space: Space | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """A month's budget of a catalog, what of it is spent, and what reserved for calls under way, in
    US dollars."""

    catalog_id: int
    catalog: str
    limit: Decimal
    spent: Decimal
    reserved: Decimal

    @property
    def share(self) -> float:
        """The part that is spent, from 0 on; all of nothing."""
        return float(self.spent / self.limit) if self.limit else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """What is booked at once.

    `requests` were answered; `rows` were embedded by the model, `cached_rows` answered without
    it. `cost`, and `released` of what was reserved, are US dollars.
    """

    requests: int = 0
    rows: int = 0
    cached_rows: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    released: Decimal = Decimal(0)


_UPSERT = sql.SQL("""
    ON CONFLICT (catalog_id, day, model, space_id) DO UPDATE SET
        requests = s.requests + excluded.requests,
        rows = s.rows + excluded.rows,
        cached_rows = s.cached_rows + excluded.cached_rows,
        tokens = s.tokens + excluded.tokens,
        cost = s.cost + excluded.cost,
        reserved = greatest(0, s.reserved + excluded.reserved - %(released)s)
""")
_INSERT = sql.SQL("""
    INSERT INTO recommender_embeddingspend AS s (catalog_id, space_id, space_label, model, day,
        requests, rows, cached_rows, tokens, cost, reserved)
    SELECT %(catalog)s, %(space)s, %(label)s, %(model)s, %(day)s,
        %(requests)s, %(rows)s, %(cached_rows)s, %(tokens)s, %(cost)s, %(reserved)s
""")
_BOOK = _INSERT + _UPSERT
# What costs nothing must not wait for the disk: a crash of the server may lose its last second.
_BOOK_LAZILY = _INSERT + sql.SQL("FROM set_config('synchronous_commit', 'off', true)") + _UPSERT

_SPENT = sql.SQL("""
    SELECT coalesce(sum(cost), 0) AS cost,
        coalesce(sum(CASE WHEN day >= %(alive)s THEN reserved ELSE 0 END), 0) AS reserved
    FROM recommender_embeddingspend
    WHERE catalog_id = %(catalog)s AND day >= %(first)s AND day < %(next)s
""")
_BUDGETS = """
    SELECT c.id, c.name, c.monthly_budget,
        coalesce(sum(s.cost), 0),
        coalesce(sum(CASE WHEN s.day >= %(alive)s THEN s.reserved ELSE 0 END), 0)
    FROM recommender_catalog c LEFT JOIN recommender_embeddingspend s
        ON s.catalog_id = c.id AND s.day >= %(first)s AND s.day < %(next)s
    WHERE c.monthly_budget IS NOT NULL
    GROUP BY c.id ORDER BY c.name
"""
# Nor must a reservation wait: a server that crashes ends the call it is for.
_LOCK = """
    SELECT pg_advisory_xact_lock(%s::int, %s::int), set_config('synchronous_commit', 'off', true)
"""
_RESERVE = (
    _INSERT
    + sql.SQL("FROM recommender_catalog c, ({spent}) AS spent ").format(spent=_SPENT)
    + sql.SQL("""
        WHERE c.id = %(catalog)s
          AND (c.monthly_budget IS NULL
               OR spent.cost + spent.reserved + %(reserved)s <= c.monthly_budget)
    """)
    + _UPSERT
)


def price(spec: ModelSpec, tokens: int) -> Decimal:
    """What so many tokens cost, in US dollars, to the ledger's eighth decimal place."""
    return (Decimal(str(spec.price)) * tokens / 1_000_000).quantize(_SMALLEST)


def today() -> date:
    """The day of the ledger, in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Where of the ledger a run books: its account, its model, and the day it began."""

    account: Account
    model: str
    day: date

    def book(self, consumed: Consumed) -> None:
        """Add to what is booked here."""
        lazily = not consumed.cost and not connection.in_atomic_block
        parameters = {
            "requests": consumed.requests,
            "rows": consumed.rows,
            "cached_rows": consumed.cached_rows,
            "tokens": consumed.tokens,
            "cost": consumed.cost,
            "released": consumed.released,
        }
        database.execute(_BOOK_LAZILY if lazily else _BOOK, self._keys() | parameters)

    def reserve(self, cost: Decimal) -> None:
        """Set money aside for a call, in US dollars.

        However many workers do it at once, what is booked and set aside stays within the budget.

        Raises:
            BudgetSpent: the month's budget does not allow it.
        """
        catalog = self.account.catalog
        nothing = dict.fromkeys(("requests", "rows", "cached_rows", "tokens", "cost"), 0)
        parameters = self._keys() | nothing | _month_of(self.day) | {"reserved": cost}
        with transaction.atomic(durable=True):
            # A statement sees what was committed before it began: the lock must come first.
            database.fetch(_LOCK, (_LOCK_BUDGET, catalog.pk))
            reserved = database.execute(_RESERVE, parameters)
        if not reserved:
            raise _spent_error(catalog.pk, self.day)

    def _keys(self) -> dict[str, Any]:
        space = self.account.space
        return {
            "catalog": self.account.catalog.pk,
            "space": space.pk if space else None,
            "label": str(space) if space else "",
            "model": self.model,
            "day": self.day,
            "reserved": Decimal(0),
            "released": Decimal(0),
        }


def has_budget(catalog: Catalog) -> bool:
    """Whether the catalog's spending is limited, as it is now."""
    return Catalog.objects.filter(pk=catalog.pk, monthly_budget__isnull=False).exists()


def spent(catalog: Catalog, day: date) -> tuple[Decimal, Decimal]:
    """What the day's month has cost so far, and what is reserved for calls, in US dollars."""
    parameters = {"catalog": catalog.pk} | _month_of(day)
    cost, reserved = database.fetch(_SPENT, parameters)[0]
    return Decimal(cost), Decimal(reserved)


def left(catalog: Catalog) -> Decimal | None:
    """What this month's budget still allows, in US dollars; None where there is no limit."""
    catalog.refresh_from_db(fields=["monthly_budget"])
    if catalog.monthly_budget is None:
        return None
    return max(Decimal(0), catalog.monthly_budget - sum(spent(catalog, today())))


def budgets(day: date) -> list[Budget]:
    """The budgets that catalogs have, by name, with what of them is spent in the day's month."""
    return [Budget(*row) for row in database.fetch(_BUDGETS, _month_of(day))]


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _month_of(day: date) -> dict[str, date]:
    """The bounds of a day's month, and from which day on a reservation counts."""
    alive = (datetime.now(UTC) - _LONGEST_TASK).date()
    return {"first": day.replace(day=1), "next": next_month(day), "alive": alive}


def _spent_error(catalog_id: int, day: date) -> BudgetSpent:
    catalog = Catalog.objects.get(pk=catalog_id)
    until = next_month(day)
    cost, reserved = spent(catalog, day)
    limit = catalog.monthly_budget
    told = {"month": f"{day:%Y-%m}", "budget": str(limit), "spent": str(cost), "currency": "USD"}
    key = f"budget {day:%Y-%m} {limit}"  # of each budget, once a month
    outbox.tell(catalog_id, Webhook.Kind.BUDGET, told, key=key)
    return BudgetSpent(
        f"The monthly budget of catalog {catalog} (${catalog.monthly_budget}) does not allow "
        f"another call: ${cost:.2f} are spent in {day:%B %Y}, ${reserved:.2f} reserved. Raise it: "
        f"./kinship create_catalog {catalog} --update --monthly-budget AMOUNT, or wait until "
        f"{until.day} {until:%B}."
    )
