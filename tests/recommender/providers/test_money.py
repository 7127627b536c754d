"""What is paid is booked, kept and said, whatever became of the answer."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from embeddings.calls.outcome import EmbeddedRow
from embeddings.errors import BudgetSpent, EmbeddingError, Misconfigured, Rejected, Unavailable
from embeddings.providers.dashscope import DashScopeTextEmbedder
from embeddings.providers.openai_compatible import OpenAICompatibleEmbedder
from embeddings.providers.table import ProviderOptions
from embeddings.spec import ModelSpec
from embeddings.types import Role
from recommender.models import CachedEmbedding, Catalog, EmbeddingSpend
from recommender.providers import ledger
from recommender.providers.metered import Account, Effort, embed_rows
from tests.recommender.providers.hosted import SPEC, Hosted, numbered, texts
from tests.shop import Shop
from tests.stub import Behaviour, Reply, Stub, faults
from tests.stub.faults import Rows
from tests.stub.vectors import count_tokens

_MODEL = ModelSpec(
    key="m",
    provider="tests",
    dimension=64,
    dimensions=(64,),
    max_rows=10,
    max_tokens=8192,
    price=1000.0,
    is_hosted=True,
)
_QUICK = Effort(attempts=3, patience=5.0)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(Behaviour(dimension=64)) as stub:
        yield stub


def openai(stub: Stub) -> OpenAICompatibleEmbedder:
    return OpenAICompatibleEmbedder(
        _MODEL,
        name="m",
        base_url=stub.compatible_url,
        api_key="key",
        options=ProviderOptions(),
    )


def dashscope(stub: Stub) -> DashScopeTextEmbedder:
    return DashScopeTextEmbedder(_MODEL, name="m", base_url=stub.native_url, api_key="key")


def embed(shop: Shop, model: OpenAICompatibleEmbedder | DashScopeTextEmbedder, count: int = 10):
    account = Account(shop.catalog, shop.space)
    return embed_rows(model, numbered(count), Role.DOCUMENT, account, _QUICK)


def paid_tokens(stub: Stub) -> int:
    return sum(times * count_tokens(text) for text, times in stub.record.paid.items())


def give_budget(shop: Shop, dollars: str) -> None:
    Catalog.objects.filter(pk=shop.catalog.pk).update(monthly_budget=Decimal(dollars))


FAULTS = (faults.one_short, faults.one_more, faults.not_a_number, faults.zero, faults.too_short)


@pytest.mark.parametrize("make", [openai, dashscope])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_paid_answer_that_cannot_be_used_is_booked_and_its_good_rows_are_not_bought_again(
    shop: Shop,
    stub: Stub,
    make: Callable[[Stub], OpenAICompatibleEmbedder],
    fault: Callable[[Rows], Rows],
) -> None:
    stub.script(Reply(rows=fault))

    outcomes = embed(shop, make(stub))

    assert all(isinstance(outcome, EmbeddedRow) for outcome in outcomes)
    again = Counter(stub.record.paid) - Counter(row.text for row in numbered(10))
    assert again.total() == (fault is not faults.one_more)
    row = EmbeddingSpend.objects.get()
    assert (row.tokens, row.requests) == (paid_tokens(stub), stub.record.requests)
    assert row.cost == ledger.price(_MODEL, paid_tokens(stub))
    assert row.reserved == 0
    right = make(stub).embed(numbered(10), Role.DOCUMENT).vectors
    np.testing.assert_array_equal([outcome.vector for outcome in outcomes], right)
    assert CachedEmbedding.objects.count() == 10


@pytest.mark.parametrize("make", [openai, dashscope])
def test_an_answer_of_which_nothing_can_be_used_is_booked_each_time(
    shop: Shop, stub: Stub, make: Callable[[Stub], OpenAICompatibleEmbedder]
) -> None:
    give_budget(shop, "100")
    stub.script(*[Reply(rows=faults.same_index)] * 3)

    outcomes = embed(shop, make(stub))

    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    row = EmbeddingSpend.objects.get()
    assert (row.requests, row.rows, row.reserved) == (3, 0, 0)
    assert row.cost == ledger.price(_MODEL, paid_tokens(stub)) > 0


def test_an_answer_of_another_dimension_is_booked_and_not_asked_for_again(
    shop: Shop, stub: Stub
) -> None:
    halved = Reply(rows=lambda rows: [r | {"embedding": r["embedding"][:32]} for r in rows])
    stub.script(*[halved] * 9)

    outcomes = embed(shop, openai(stub), count=30)

    assert {type(outcome) for outcome in outcomes} == {Misconfigured}
    assert stub.record.requests == EmbeddingSpend.objects.get().requests <= 3
    assert EmbeddingSpend.objects.get().cost == ledger.price(_MODEL, paid_tokens(stub))


def test_a_row_that_never_gets_a_vector_is_refused_alone(shop: Shop, stub: Stub) -> None:
    stub.script(*[Reply(rows=faults.not_a_number)] * 2)

    outcomes = embed(shop, openai(stub))

    refused: list[EmbeddingError] = [o for o in outcomes if isinstance(o, EmbeddingError)]
    assert [type(outcome) for outcome in refused] == [Rejected]
    assert Counter(stub.record.paid.values()) == Counter({1: 9, 2: 1})
    assert EmbeddingSpend.objects.get().tokens == paid_tokens(stub)


def test_the_budget_does_not_pause_early_by_twice_a_calls_estimate(shop: Shop) -> None:
    hosted = Hosted(replace(SPEC, max_rows=100))
    (one,) = embed_rows(hosted, texts("mug 0"), Role.QUERY, Account(shop.catalog))
    price_of_row = ledger.price(SPEC, one.tokens)
    limit = 101 * price_of_row
    give_budget(shop, str(limit))

    outcomes = embed_rows(hosted, numbered(500), Role.DOCUMENT, Account(shop.catalog))

    made = sum(isinstance(outcome, EmbeddedRow) for outcome in outcomes)
    assert 95 <= made <= 100
    assert sum(isinstance(outcome, BudgetSpent) for outcome in outcomes) == 500 - made
    cost, reserved = ledger.spent(shop.catalog, ledger.today())
    assert cost <= limit
    assert reserved == 0
