from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from embeddings.calls.outcome import EmbeddedRow
from embeddings.errors import BudgetSpent, Misconfigured, Rejected, Unavailable
from embeddings.local.fake import FakeEmbedder
from embeddings.types import Input, Output, Role
from recommender.models import CachedEmbedding, Catalog, EmbeddingSpend
from recommender.providers import ledger
from recommender.providers.metered import Account, embed_rows
from tests.recommender.providers.hosted import SPEC, Hosted, numbered, texts
from tests.shop import Shop
from tests.threads import at_once


def embed(shop: Shop, hosted: Hosted, inputs: list[Input], role: Role = Role.DOCUMENT):
    return embed_rows(hosted, inputs, role, Account(shop.catalog, shop.space))


def give_budget(shop: Shop, dollars: str) -> None:
    Catalog.objects.filter(pk=shop.catalog.pk).update(monthly_budget=Decimal(dollars))


def test_every_row_gets_its_vector_in_its_place(shop: Shop) -> None:
    inputs = numbered(25)

    outcomes = embed(shop, Hosted(), inputs)

    expected = FakeEmbedder(8).embed(inputs, Role.DOCUMENT).vectors
    np.testing.assert_array_equal([made.vector for made in outcomes], expected)
    assert sum(made.tokens for made in outcomes) == EmbeddingSpend.objects.get().tokens == 50


def test_what_was_bought_is_not_bought_again(shop: Shop) -> None:
    hosted = Hosted()
    first = embed(shop, hosted, numbered(12))
    again = embed(shop, hosted, numbered(15))

    assert hosted.asked == Counter(row.text for row in numbered(15))
    np.testing.assert_array_equal(
        [made.vector for made in first], [made.vector for made in again[:12]]
    )
    assert [made.tokens for made in first] == [made.tokens for made in again[:12]]
    row = EmbeddingSpend.objects.get()
    assert (row.rows, row.cached_rows, row.requests) == (15, 12, 3)


def test_identical_inputs_are_asked_once(shop: Shop) -> None:
    hosted = Hosted()

    outcomes = embed(shop, hosted, texts("mug", "lamp", "mug", "mug"))

    assert hosted.asked == Counter({"mug": 1, "lamp": 1})
    np.testing.assert_array_equal(outcomes[0].vector, outcomes[3].vector)
    row = EmbeddingSpend.objects.get()
    assert (row.rows, row.cached_rows) == (2, 2)


def test_another_catalog_pays_nothing_for_the_same_input(shop: Shop) -> None:
    other = Shop.open("other")
    hosted = Hosted()
    embed(shop, hosted, numbered(10))

    embed(other, hosted, numbered(10))

    assert hosted.calls == 1
    spend = {row.catalog.name: row for row in EmbeddingSpend.objects.select_related("catalog")}
    assert spend["shop"].cost == ledger.price(SPEC, hosted.tokens) > 0
    assert (spend["other"].cost, spend["other"].cached_rows) == (0, 10)


def test_two_catalogs_at_once_pay_once(committed_shop: Shop) -> None:
    shops = [committed_shop, Shop.open("other")]
    hosted = Hosted(seconds=0.05)

    results = at_once(4, lambda number: embed(shops[number % 2], hosted, numbered(60)))

    assert hosted.asked == Counter(row.text for row in numbered(60))
    for outcomes in results:
        assert all(isinstance(outcome, EmbeddedRow) for outcome in outcomes)
    rows = list(EmbeddingSpend.objects.all())
    assert (sum(row.rows for row in rows), sum(row.cached_rows for row in rows)) == (60, 180)
    assert sum(row.tokens for row in rows) == hosted.tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Hosted(), Hosted(replace(SPEC, dimension=16))),
        (Hosted(), Hosted(replace(SPEC, key="newer"))),
        (Hosted(), Hosted(replace(SPEC, provider="elsewhere"))),
        (Hosted(), Hosted(output=Output.BOTH)),
        (Hosted(), Hosted(instruction="Find gifts")),
    ],
)
def test_another_kind_of_vector_is_another_purchase(shop: Shop, one: Hosted, other: Hosted) -> None:
    embed(shop, one, texts("mug"))
    embed(shop, other, texts("mug"))
    assert (one.calls, other.calls) == (1, 1)


def test_a_query_is_no_document(shop: Shop) -> None:
    hosted = Hosted()
    embed(shop, hosted, texts("mug"), Role.DOCUMENT)
    embed(shop, hosted, texts("mug"), Role.QUERY)
    assert hosted.calls == 2


@pytest.mark.parametrize("output", list(Output))
def test_a_kept_vector_is_the_one_that_was_given(shop: Shop, output: Output) -> None:
    hosted = Hosted(output=output)
    (given,) = embed(shop, hosted, texts("blue mug, blue lamp"))
    (kept,) = embed(shop, hosted, texts("blue mug, blue lamp"))

    assert hosted.calls == 1
    assert (kept.vector is not None) == output.is_dense
    assert (kept.sparse is not None) == output.is_sparse
    assert kept.sparse == given.sparse
    np.testing.assert_array_equal(kept.vector, given.vector)


def test_a_refused_row_costs_the_others_nothing(shop: Shop) -> None:
    hosted = Hosted(refused=["mug 3"])

    outcomes = embed(shop, hosted, numbered(10))

    assert isinstance(outcomes[3], Rejected)
    assert outcomes[3].code == "DataInspectionFailed"
    assert sum(isinstance(outcome, EmbeddedRow) for outcome in outcomes) == 9
    assert hosted.asked.total() == EmbeddingSpend.objects.get().rows == 9
    assert CachedEmbedding.objects.count() == 9


def test_the_ledger_says_what_the_model_counted(shop: Shop) -> None:
    hosted = Hosted(refused=["mug 7"])
    embed(shop, hosted, numbered(37))
    embed(shop, hosted, numbered(50))

    row = EmbeddingSpend.objects.get()

    assert (row.requests, row.tokens) == (hosted.calls, hosted.tokens)
    assert row.cost == ledger.price(SPEC, hosted.tokens)
    assert (row.rows, row.cached_rows) == (49, 36)
    assert (row.space_label, row.model, row.reserved) == ("text@1", "hosted", 0)


def test_nothing_is_sent_beyond_the_budget_and_it_is_said(shop: Shop) -> None:
    give_budget(shop, "0.06")
    hosted = Hosted()

    outcomes = embed(shop, hosted, numbered(100))

    made = [outcome for outcome in outcomes if isinstance(outcome, EmbeddedRow)]
    spent = [outcome for outcome in outcomes if isinstance(outcome, BudgetSpent)]
    assert len(made) + len(spent) == 100
    assert 0 < len(made) < 100
    assert EmbeddingSpend.objects.get().cost == ledger.price(SPEC, hosted.tokens) <= Decimal("0.06")
    assert EmbeddingSpend.objects.get().reserved == 0
    assert "The monthly budget of catalog shop ($0.06) does not allow another call" in str(spent[0])
    assert "./kinship create_catalog shop --update --monthly-budget" in str(spent[0])


def test_a_raised_budget_counts_at_once(shop: Shop) -> None:
    give_budget(shop, "0")
    hosted = Hosted()
    (refused,) = embed(shop, hosted, texts("mug"))
    assert isinstance(refused, BudgetSpent)

    give_budget(shop, "1")

    (made,) = embed(shop, hosted, texts("mug"))
    assert isinstance(made, EmbeddedRow)


def test_what_is_kept_is_given_when_the_budget_is_spent(shop: Shop) -> None:
    hosted = Hosted()
    embed(shop, hosted, texts("mug"))
    give_budget(shop, "0")

    kept, new = embed(shop, hosted, texts("mug", "lamp"))

    assert isinstance(kept, EmbeddedRow)
    assert isinstance(new, BudgetSpent)
    assert EmbeddingSpend.objects.get().cached_rows == 1


def test_many_workers_at_once_stay_within_the_budget(committed_shop: Shop) -> None:
    give_budget(committed_shop, "0.5")
    hosted = Hosted(seconds=0.01)

    results = at_once(8, lambda number: embed(committed_shop, hosted, numbered(90, f"mug{number}")))

    row = EmbeddingSpend.objects.get()
    assert 0 < row.cost == ledger.price(SPEC, hosted.tokens) <= Decimal("0.5")
    assert row.reserved == 0
    refused = [o for outcomes in results for o in outcomes if isinstance(o, BudgetSpent)]
    assert len(refused) == 8 * 90 - row.rows > 0


def test_what_calls_under_way_did_not_need_is_spent_later(shop: Shop) -> None:
    give_budget(shop, "0.5")
    hosted = Hosted()
    rows = 0

    while (
        len(made := [o for o in embed(shop, hosted, numbered(400)) if isinstance(o, EmbeddedRow)])
        > rows
    ):
        rows = len(made)

    assert Decimal("0.4") < EmbeddingSpend.objects.get().cost <= Decimal("0.5")


def test_a_call_that_fails_gives_back_what_was_reserved(shop: Shop) -> None:
    give_budget(shop, "1")
    hosted = Hosted()
    hosted.error = Misconfigured("The key is not valid; set another.")

    (outcome,) = embed(shop, hosted, texts("mug"))

    assert outcome is hosted.error
    row = EmbeddingSpend.objects.get()
    assert (row.cost, row.reserved, row.requests) == (0, 0, 0)


def test_what_was_bought_outlives_the_callers_rollback(committed_shop: Shop) -> None:
    hosted = Hosted()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        embed(committed_shop, hosted, texts("mug"))
    assert hosted.calls == 0


def test_a_hosted_model_needs_someone_who_pays(db: None) -> None:
    with pytest.raises(ValueError, match="costs money"):
        embed_rows(Hosted(), texts("mug"), Role.QUERY, None)


def test_a_local_model_is_counted_and_costs_nothing(shop: Shop) -> None:
    embed_rows(FakeEmbedder(8), numbered(600), Role.DOCUMENT, Account(shop.catalog, shop.space))

    row = EmbeddingSpend.objects.get()
    assert (row.model, row.requests, row.rows, row.tokens) == ("fake", 2, 600, 1200)
    assert (row.cost, row.cached_rows) == (0, 0)
    assert not CachedEmbedding.objects.exists()


def test_a_local_model_needs_no_account(db: None) -> None:
    (made,) = embed_rows(FakeEmbedder(8), texts("mug"), Role.QUERY, None)
    assert isinstance(made, EmbeddedRow)
    assert not EmbeddingSpend.objects.exists()


def test_without_a_space_the_endpoints_are_booked(shop: Shop) -> None:
    for _ in range(2):
        embed_rows(FakeEmbedder(8), texts("mug"), Role.QUERY, Account(shop.catalog))
    row = EmbeddingSpend.objects.get()
    assert (row.space_id, row.space_label, row.rows) == (None, "", 2)


def test_no_inputs_cost_nothing(shop: Shop, django_assert_num_queries) -> None:
    account = Account(shop.catalog)
    with django_assert_num_queries(0):
        assert embed_rows(Hosted(), [], Role.DOCUMENT, account) == []


def test_statements_do_not_grow_with_the_rows(shop: Shop) -> None:
    hosted, account = Hosted(replace(SPEC, max_rows=500)), Account(shop.catalog, shop.space)

    def count(word: str, rows: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            embed_rows(hosted, numbered(rows, word), Role.DOCUMENT, account)
        # Only a test has a transaction around it.
        return sum("SAVEPOINT" not in query["sql"] for query in queries)

    assert count("mug", 2) == count("lamp", 500)
    assert count("lamp", 500) == 2  # all kept: a lookup and a booking
    with CaptureQueriesContext(connection) as local:
        embed_rows(FakeEmbedder(8), numbered(500), Role.DOCUMENT, account)
    assert len(local) == 1


def test_a_model_that_is_away_is_an_outcome(shop: Shop) -> None:
    hosted = Hosted()
    hosted.error = Unavailable("Away; try again.", retry_after=500.0)

    outcomes = embed(shop, hosted, numbered(3))

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert not CachedEmbedding.objects.exists()
