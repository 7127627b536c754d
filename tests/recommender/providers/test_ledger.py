from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from embeddings.errors import BudgetSpent
from recommender.models import Catalog, EmbeddingSpend
from recommender.providers import ledger
from recommender.providers.ledger import Account, Consumed, LedgerEntry
from tests.recommender.providers.hosted import SPEC
from tests.shop import Shop
from tests.threads import at_once

TODAY = datetime.now(UTC).date()


def entry(shop: Shop, day: date = TODAY, model: str = "hosted") -> LedgerEntry:
    return LedgerEntry(Account(shop.catalog, shop.space), model, day)


def give_budget(shop: Shop, dollars: str) -> None:
    Catalog.objects.filter(pk=shop.catalog.pk).update(monthly_budget=Decimal(dollars))


def test_a_price_is_exact_to_the_eighth_place() -> None:
    assert ledger.price(SPEC, 3) == Decimal("0.003")
    assert ledger.price(SPEC.__class__(**_fields(price=0.072)), 1) == Decimal("0.00000007")
    assert ledger.price(SPEC.__class__(**_fields(price=0.072)), 1_000_000) == Decimal("0.072")


def _fields(**changed: object) -> dict:
    return {name: getattr(SPEC, name) for name in SPEC.__slots__} | changed


def test_a_day_of_a_space_is_one_row(shop: Shop) -> None:
    for _ in range(3):
        entry(shop).book(Consumed(requests=1, rows=10, tokens=70, cost=Decimal("0.07")))
    entry(shop).book(Consumed(cached_rows=5))
    entry(shop, TODAY - timedelta(days=1)).book(Consumed(rows=1))
    entry(shop, model="other").book(Consumed(rows=1))

    row = EmbeddingSpend.objects.get(day=TODAY, model="hosted")
    assert (row.requests, row.rows, row.cached_rows, row.tokens) == (3, 30, 5, 210)
    assert row.cost == Decimal("0.21")
    assert EmbeddingSpend.objects.count() == 3


def test_bookings_at_once_all_count(committed_shop: Shop) -> None:
    def book(number: int) -> None:
        for _ in range(20):
            entry(committed_shop).book(Consumed(rows=1, cost=Decimal("0.00000001") * (number % 2)))

    at_once(4, book)

    row = EmbeddingSpend.objects.get()
    assert (row.rows, row.cost) == (80, Decimal("0.0000004"))


def test_what_is_reserved_counts_until_it_is_released(shop: Shop) -> None:
    give_budget(shop, "1")
    entry(shop).reserve(Decimal("0.7"))
    assert ledger.left(shop.catalog) == Decimal("0.3")
    with pytest.raises(BudgetSpent):
        entry(shop).reserve(Decimal("0.4"))

    entry(shop).book(Consumed(cost=Decimal("0.5"), released=Decimal("0.7")))

    assert ledger.left(shop.catalog) == Decimal("0.5")
    entry(shop).reserve(Decimal("0.5"))
    assert ledger.left(shop.catalog) == 0


def test_all_spaces_models_and_days_of_the_month_share_the_budget(shop: Shop) -> None:
    give_budget(shop, "1")
    first = TODAY.replace(day=1)
    entry(shop, first, "other").book(Consumed(cost=Decimal("0.5")))
    LedgerEntry(Account(shop.catalog), "hosted", TODAY).book(Consumed(cost=Decimal("0.4")))
    entry(shop, first - timedelta(days=1)).book(Consumed(cost=Decimal(50)))

    assert ledger.left(shop.catalog) == Decimal("0.1")


def test_another_catalog_has_its_own_budget(shop: Shop) -> None:
    give_budget(shop, "1")
    entry(Shop.open("other")).book(Consumed(cost=Decimal(50)))
    assert ledger.left(shop.catalog) == 1


def test_without_a_budget_nothing_is_refused(shop: Shop) -> None:
    entry(shop).reserve(Decimal(1000))
    assert ledger.left(shop.catalog) is None
    assert not ledger.has_budget(shop.catalog)


def test_reservations_of_the_dead_lapse_with_their_day(shop: Shop) -> None:
    give_budget(shop, "1")
    days_ago = TODAY - timedelta(days=2)
    entry(shop, days_ago).reserve(Decimal("0.9"))
    assert ledger.spent(shop.catalog, days_ago) == (0, 0)
    entry(shop, days_ago).reserve(Decimal("0.9"))


def test_reserving_at_once_never_exceeds_the_budget(committed_shop: Shop) -> None:
    give_budget(committed_shop, "1")

    def reserve(_: int) -> int:
        granted = 0
        for _ in range(10):
            try:
                entry(committed_shop).reserve(Decimal("0.03"))
                granted += 1
            except BudgetSpent:
                pass
        return granted

    assert sum(at_once(8, reserve)) == 33


def test_the_error_says_how_to_go_on(shop: Shop) -> None:
    give_budget(shop, "20")
    day = date(2026, 11, 30)
    entry(shop, day).book(Consumed(cost=Decimal("19.988")))

    with pytest.raises(BudgetSpent) as caught:
        entry(shop, day).reserve(Decimal("0.02"))

    assert str(caught.value) == (
        "The monthly budget of catalog shop ($20.00) does not allow another call: $19.99 are spent "
        "in November 2026, $0.00 reserved. Raise it: ./kinship create_catalog shop --update "
        "--monthly-budget AMOUNT, or wait until 1 December."
    )


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 12, 31), date(2027, 1, 1)),
        (date(2027, 1, 1), date(2027, 2, 1)),
        (date(2028, 2, 29), date(2028, 3, 1)),
    ],
)
def test_a_month_ends_where_the_next_begins(day: date, following: date) -> None:
    assert ledger.next_month(day) == following


def test_the_money_outlives_the_space(shop: Shop) -> None:
    entry(shop).book(Consumed(cost=Decimal("0.5")))
    shop.space.delete()
    row = EmbeddingSpend.objects.get()
    assert (row.space_label, row.cost) == ("text@1", Decimal("0.5"))


def test_budget_says_spent_for_what_is_spent_and_reserved_for_the_rest(shop: Shop) -> None:
    Shop.open("unlimited")
    idle = Shop.open("idle")
    give_budget(shop, "20")
    Catalog.objects.filter(pk=idle.catalog.pk).update(monthly_budget=0)
    entry(shop).book(Consumed(cost=Decimal("4")))
    entry(shop).reserve(Decimal("1"))
    entry(shop, TODAY - timedelta(days=40)).book(Consumed(cost=Decimal("8")))

    empty, mine = ledger.budgets(TODAY)

    assert (mine.catalog, mine.limit, mine.spent, mine.reserved) == ("shop", 20, 4, 1)
    assert mine.share == 0.2
    with pytest.raises(BudgetSpent, match=r"\$4.00 are spent in .*, \$1.00 reserved"):
        entry(shop).reserve(Decimal("15.5"))
    assert (empty.catalog, empty.spent, empty.share) == ("idle", 0, 1.0)
