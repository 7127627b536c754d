from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from recommender.models import Catalog, EmbeddingSpend
from recommender.providers import ledger
from recommender.providers.ledger import Account, Consumed, LedgerEntry
from tests.shop import Shop

from . import page

LIST = "admin:recommender_embeddingspend_changelist"
THIS = ledger.today().replace(day=1)
LAST = (THIS - timedelta(days=1)).replace(day=1)

Book = Callable[..., None]


@pytest.fixture
def book(shop: Shop) -> Book:
    """Book what one model took on one day in the shop's space."""

    def book(model: str, cost: str = "0", day: date = THIS, **consumed: int) -> None:
        counted = Consumed(**{"rows": 1, **consumed}, cost=Decimal(cost))
        LedgerEntry(Account(shop.catalog, shop.space), model, day).book(counted)

    EmbeddingSpend.objects.all().delete()  # what the shop's own products took
    return book


def test_the_months_figures_stand_above_the_list(admin_client: Client, book: Book) -> None:
    book("hosted", "1.5", tokens=1000, rows=30, cached_rows=10)
    book("local", tokens=9_000_000, rows=500)

    text = page.text(admin_client.get(reverse(LIST)))

    assert f"{THIS:%B %Y}" in text
    figures = (
        "Cost $1.50 Tokens paid for 1,000 Tokens free of charge 9,000,000 Rows embedded 530 "
        "From the cache 25.0%"
    )
    assert figures in text
    assert "9,000,000 500 - $0.00" in text
    assert "shop text@1 hosted 0 30 10 1,000 $1.50" in text


def test_what_cost_something_is_drawn_day_by_day(admin_client: Client, book: Book) -> None:
    book("hosted", "1.5", day=THIS)
    book("hosted", "0.25", day=THIS + timedelta(days=4))
    book("local", tokens=9_000_000)

    response = admin_client.get(reverse(LIST))

    (chart,) = page.charts(response)
    (hosted,) = chart["datasets"]
    assert hosted["data"][:6] == [1.5, 0, 0, 0, 0.25, 0]
    text = page.text(response)
    assert "Cost a day in US dollars shop text@1, hosted at most $1.50" in text
    assert f"{THIS:%-d %B}: 9,000,000 tokens" in text, "the free model has a picture of its own"


def test_the_list_is_of_this_month_unless_another_is_chosen(
    admin_client: Client, book: Book
) -> None:
    book("new", "1")
    book("old", "2", day=LAST)

    now = admin_client.get(reverse(LIST))
    then = admin_client.get(reverse(LIST), {"month": f"{LAST:%Y-%m}"})

    assert "text@1 old" not in page.text(now)
    assert "Cost $2.00" in page.text(then)
    assert "text@1 new" not in page.text(then)
    assert f"?month={LAST:%Y-%m}" in page.hrefs(now)
    assert f"?month={THIS:%Y-%m}" in page.hrefs(then)


@pytest.mark.parametrize("month", ["9999-12", "never", "2000-01"])
def test_a_month_that_is_not_there_is_this_one(
    admin_client: Client, book: Book, month: str
) -> None:
    book("new", "1")
    response = admin_client.get(reverse(LIST), {"month": month})
    assert "Cost $1.00" in page.text(response)


def test_the_figures_follow_the_filters(admin_client: Client, book: Book) -> None:
    book("one", "1")
    book("two", "2")
    other = Catalog.objects.create(name="other", monthly_budget=50)
    LedgerEntry(Account(other), "two", THIS).book(Consumed(rows=1, cost=Decimal(4)))

    def cost(**chosen: object) -> str:
        return page.text(admin_client.get(reverse(LIST), chosen)).split("Cost ")[1].split()[0]

    assert cost() == "$7.00"
    assert cost(model="two") == "$6.00"
    assert cost(catalog__id__exact=other.pk) == "$4.00"


def test_what_no_space_took_is_the_endpoints(admin_client: Client, catalog: Catalog) -> None:
    LedgerEntry(Account(catalog), "hosted", THIS).book(
        Consumed(rows=2, tokens=8, cost=Decimal("0.0003"))
    )
    assert "shop endpoints hosted" in page.text(admin_client.get(reverse(LIST)))


def test_budgets_are_shown_nearest_to_their_end_first(admin_client: Client, book: Book) -> None:
    assert "No budget is set" in page.text(admin_client.get(reverse(LIST)))
    Catalog.objects.create(name="careful", monthly_budget=50)
    Catalog.objects.filter(name="shop").update(monthly_budget=20)
    book("hosted", "19")
    text = page.text(admin_client.get(reverse(LIST)))
    assert "shop $19.00 of $20.00 careful $0.00 of $50.00" in text


def test_a_month_without_entries_says_so(admin_client: Client, book: Book) -> None:
    assert "Nothing was embedded." in page.text(admin_client.get(reverse(LIST)))


def test_a_mere_reservation_is_no_spending(admin_client: Client, shop: Shop, book: Book) -> None:
    LedgerEntry(Account(shop.catalog, shop.space), "reserved", THIS).reserve(Decimal(1))
    assert "text@1 reserved" not in page.text(admin_client.get(reverse(LIST)))


def test_more_entries_take_no_more_queries(admin_client: Client, book: Book) -> None:
    book("hosted", "1")
    few = page.queries(admin_client, reverse(LIST))
    for number in range(15):
        book(f"model-{number}", "1")
        Catalog.objects.create(name=f"more-{number}", monthly_budget=5)
    assert page.queries(admin_client, reverse(LIST)) == few
    assert few <= 9
    text = page.text(admin_client.get(reverse(LIST)))
    assert "The first 12; the list below has 4 more." in text
    assert "Those nearest to their end; 3 more have one." in text


def test_nobody_edits_the_ledger(admin_client: Client, book: Book) -> None:
    book("hosted", "1")
    entry = EmbeddingSpend.objects.get()
    address = reverse("admin:recommender_embeddingspend_change", args=[entry.pk])
    assert admin_client.post(address, {"cost": "0"}).status_code == 403
    delete = reverse("admin:recommender_embeddingspend_delete", args=[entry.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403


def test_who_may_not_see_spending_does_not(client: Client, shop: Shop) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_product"))
    client.force_login(user)
    assert client.get(reverse(LIST)).status_code == 403
