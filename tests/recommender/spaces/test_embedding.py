from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from django.utils import timezone

from embeddings.base import Embedder
from embeddings.errors import (
    BudgetSpent,
    EmbeddingError,
    MediaUnavailable,
    Misconfigured,
    Rejected,
    TooLong,
    Unavailable,
)
from embeddings.local.fake import FakeEmbedder
from embeddings.spec import ModelSpec
from embeddings.types import Embeddings, Input, Output, Role
from recommender.models import EmbeddingClaim, Product, ProductVector, QuarantinedProduct, Space
from recommender.spaces import embedding, lifecycle, quarantine, staleness
from recommender.spaces.embedding import Step
from recommender.spaces.partitions import load_vectors
from recommender.spaces.staleness import StaleProduct
from tests.shop import Shop, numbered

ROW = StaleProduct(1, UUID(int=1), "Mug", "", "", "", {}, [], [])
AWAY = Unavailable("The model is being restarted; try again in a minute.", retry_after=0)


class Refusing:
    """A model that answers some texts with an error; it counts its calls.

    More words than `longest` in a text are too many for it, whatever its spec says.
    """

    def __init__(
        self,
        refused: Sequence[str] = (),
        error: Exception | None = None,
        *,
        longest: int = 10_000,
        output: Output = Output.DENSE,
    ) -> None:
        self._fake = FakeEmbedder(output=output)
        self._refused = frozenset(refused)
        self._error = error or Rejected("A text is of a kind that the model does not take.")
        self._longest = longest
        self.calls = 0

    @property
    def spec(self) -> ModelSpec:
        return self._fake.spec

    @property
    def output(self) -> Output:
        return self._fake.output

    @property
    def instruction(self) -> str:
        return ""

    def embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        self.calls += 1
        if any(row.text in self._refused for row in inputs):
            raise self._error
        if any(len(row.text.split()) > self._longest for row in inputs):
            raise TooLong("A text is too long.", code="TooManyTokens")
        return self._fake.embed(inputs, role)


class Hosted(Refusing):
    """The same far away: texts are cut here, not by it."""

    @property
    def spec(self) -> ModelSpec:
        return replace(super().spec, is_hosted=True, provider="far away")


def embed_all(shop: Shop, embedder: Embedder | None = None, space: Space | None = None) -> Step:
    return embedding.embed_claimed(
        space or shop.space, embedder or FakeEmbedder(), owner="test", after=0, limit=1000
    )


def space_of(shop: Shop, **options: str) -> Space:
    """Another space of the shop."""
    return lifecycle.create_space(shop.catalog, name="other", model="fake", **options)


def quarantined(shop: Shop) -> dict[str, tuple[str, str]]:
    """By product, the code and the reason."""
    rows = QuarantinedProduct.objects.select_related("product")
    return {row.product.external_id: (row.code, row.reason) for row in rows}


def stored(shop: Shop, space: Space | None = None) -> dict[str, ProductVector]:
    rows = ProductVector.objects.filter(space=space or shop.space).select_related("product")
    return {row.product.external_id: row for row in rows}


def test_every_product_gets_one_vector_of_unit_length(shop: Shop) -> None:
    shop.stock(**numbered(40))

    shop.embed()

    ids, matrix = load_vectors(shop.space.pk, list(Product.objects.values_list("pk", flat=True)))
    assert len(set(ids.tolist())) == ProductVector.objects.filter(space=shop.space).count() == 40
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-3)


def test_the_vector_is_the_model_s_for_the_text_of_the_template(shop: Shop) -> None:
    shop.put({"id": "mug", "title": "Blue mug", "brand": "Hearth", "category": "Home/Kitchen"})

    shop.embed()

    text = Input(text="Blue mug. Hearth. Home, Kitchen")
    expected = FakeEmbedder().embed([text], Role.DOCUMENT).vectors[0]
    _, matrix = load_vectors(shop.space.pk, [shop.product("mug").pk])
    np.testing.assert_allclose(matrix[0], expected, atol=1e-3)


def test_a_product_without_text_is_done_and_has_no_vector(shop: Shop) -> None:
    shop.stock(blank="", mug="Blue mug")

    shop.embed()

    assert staleness.count(shop.space) == 0
    assert stored(shop)["blank"].embedding is None
    assert stored(shop)["mug"].embedding is not None


def test_a_refused_product_costs_only_itself_and_is_not_tried_again(shop: Shop) -> None:
    shop.stock(**numbered(20), bad="Forbidden")
    embedder = Refusing(["Forbidden"])

    embed_all(shop, embedder)

    assert {key for key, row in stored(shop).items() if row.embedding is None} == {"bad"}
    assert quarantined(shop) == {"bad": ("", "A text is of a kind that the model does not take.")}
    calls = embedder.calls
    assert embed_all(shop, embedder).products == 0
    assert embedder.calls == calls


def test_a_picture_that_cannot_be_had_is_quarantined_and_pauses_nothing(
    shop: Shop,
) -> None:
    shop.stock(bad="No picture")
    error = MediaUnavailable("Its host is away.", retry_after=300, code=MediaUnavailable.__name__)

    assert not embed_all(shop, Refusing(["No picture"], error)).is_paused

    assert staleness.count(shop.space) == 0
    assert quarantined(shop) == {"bad": ("MediaUnavailable", "Its host is away.")}


def test_a_model_that_is_away_leaves_the_products_stale_and_unclaimed_and_says_so(
    shop: Shop,
) -> None:
    shop.stock(mug="Blue mug")
    before = timezone.now()

    assert embed_all(shop, Refusing(["Blue mug"], AWAY)).is_paused

    assert staleness.count(shop.space) == 1
    assert not EmbeddingClaim.objects.exists()
    assert shop.space.paused_reason == str(AWAY)
    assert shop.space.paused_at is not None
    assert shop.space.paused_at >= before


def test_a_space_is_paused_since_it_first_was_until_something_is_embedded(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    embed_all(shop, Refusing(["Blue mug"], AWAY))
    first = shop.space.paused_at

    embed_all(shop, Refusing(["Blue mug"], AWAY))
    assert shop.space.paused_at == first

    embed_all(shop)
    assert (shop.space.paused_reason, shop.space.paused_at) == ("", None)


def test_a_product_without_text_does_not_end_a_pause(shop: Shop) -> None:
    shop.stock(blank="", mug="Blue mug")

    assert embed_all(shop, Refusing(["Blue mug"], AWAY)).is_paused

    assert shop.space.paused_reason
    assert set(stored(shop)) == {"blank"}


@pytest.mark.parametrize(
    "error", [Misconfigured("No key."), BudgetSpent("The budget of July is spent.")], ids=repr
)
def test_what_a_person_must_change_pauses_and_keeps_what_was_made_before(
    shop: Shop, error: EmbeddingError
) -> None:
    shop.stock(**numbered(600), zero="Blue mug")  # more than a call takes

    step = embed_all(shop, Refusing(["Blue mug"], error))

    assert step.is_paused
    assert shop.space.paused_reason == str(error)
    assert len(stored(shop)) == 512
    assert staleness.count(shop.space) == 89
    assert quarantined(shop) == {}


def test_some_that_could_not_be_answered_are_left_for_later_and_nothing_pauses(shop: Shop) -> None:
    shop.stock(**numbered(600), zero="Blue mug")

    step = embed_all(shop, Refusing(["Blue mug"], AWAY))

    assert not step.is_paused
    assert shop.space.paused_reason == ""
    assert staleness.count(shop.space) == 89


def test_an_unexpected_error_gives_the_claims_back(shop: Shop) -> None:
    shop.stock(mug="Blue mug")

    with pytest.raises(MemoryError):
        embed_all(shop, Refusing(["Blue mug"], MemoryError()))

    assert not EmbeddingClaim.objects.exists()
    assert staleness.count(shop.space) == 1


def test_a_product_that_workers_die_of_is_quarantined_and_the_others_are_embedded(
    shop: Shop,
) -> None:
    shop.stock(**numbered(5))
    for _ in range(3):
        (killer,) = staleness.claim(shop.space, owner="worker:1", after=0, limit=1)
        staleness.release_owner("worker")

    shop.embed()

    refused = QuarantinedProduct.objects.get()
    assert (refused.product_id, refused.code) == (killer.id, "WorkerDied")
    assert "died 3 times" in refused.reason
    assert ProductVector.objects.exclude(embedding=None).count() == 4

    assert quarantine.retry(shop.space) == 1
    shop.embed()
    assert ProductVector.objects.exclude(embedding=None).count() == 5


def test_embedding_gives_its_claims_back_and_notes_when_it_wrote(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    assert shop.space.embedded_at is None

    before = timezone.now()
    embed_all(shop)

    assert not EmbeddingClaim.objects.exists()
    assert shop.space.embedded_at is not None
    assert shop.space.embedded_at > before


def test_writing_the_same_vectors_again_changes_nothing(committed_shop: Shop) -> None:
    committed_shop.stock(mug="Blue mug")
    space = committed_shop.space
    claimed = staleness.claim(space, owner="test", after=0, limit=10)
    embedded = embedding.embed(space, FakeEmbedder(), claimed).embedded
    embedding.write(space, embedded)
    first = stored(committed_shop)["mug"].embedded_at

    embedding.write(space, embedded)

    assert stored(committed_shop)["mug"].embedded_at == first


def test_a_changed_product_gets_a_new_vector_in_place_of_the_old(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    shop.embed()
    first = stored(shop)["mug"]

    shop.stock(mug="Garden chair")
    shop.embed()

    second = stored(shop)["mug"]
    assert len(stored(shop)) == 1
    assert second.content_hash == shop.product("mug").content_hash != first.content_hash
    assert second.embedding != first.embedding


def test_a_product_that_changes_while_it_is_embedded_stays_stale(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    claimed = staleness.claim(shop.space, owner="test", after=0, limit=10)
    shop.stock(mug="Garden chair")

    embedding.write(shop.space, embedding.embed(shop.space, FakeEmbedder(), claimed).embedded)
    staleness.release(shop.space.pk, [row.id for row in claimed])

    assert staleness.count(shop.space) == 1
    shop.embed()
    assert staleness.count(shop.space) == 0
    assert stored(shop)["mug"].content_hash == shop.product("mug").content_hash


def test_a_step_says_how_many_it_had_and_where_to_go_on(shop: Shop) -> None:
    shop.stock(**numbered(3))
    last = Product.objects.order_by("-pk").values_list("pk", flat=True)[0]

    assert embed_all(shop) == Step(3, last, is_paused=False)
    assert embed_all(shop) == Step(0, 0, is_paused=False)


@pytest.mark.parametrize("output", Output)
def test_a_space_stores_the_kinds_of_vectors_it_asks_for(shop: Shop, output: Output) -> None:
    shop.stock(mug="Blue mug with a blue lid")
    space = space_of(shop, output=output)

    shop.embed(space)

    expected = FakeEmbedder(output=output).embed(
        [Input(text="Blue mug with a blue lid")], Role.DOCUMENT
    )
    row = stored(shop, space)["mug"]
    assert (row.embedding is not None) == output.is_dense
    assert (row.sparse is not None) == output.is_sparse
    if row.embedding is not None:
        np.testing.assert_allclose(row.embedding, expected.vectors[0], atol=1e-3)
    if row.sparse is not None:
        assert row.sparse.indices() == list(expected.sparse[0].indices)
        assert row.sparse.values() == pytest.approx(expected.sparse[0].values)


@pytest.mark.parametrize("kind", ["image", "multimodal"])
def test_pictures_make_the_vector_of_a_space_that_reads_them(shop: Shop, kind: str) -> None:
    picture = "https://img.example/mug.jpg"
    shop.put({"id": "mug", "title": "Blue mug", "image_urls": [picture]}, {"id": "bare"})
    space = space_of(shop, kind=kind)

    shop.embed(space)

    source = Input(text="Blue mug" if kind == "multimodal" else "", images=(picture,))
    expected = FakeEmbedder().embed([source], Role.DOCUMENT).vectors[0]
    rows = stored(shop, space)
    assert rows["mug"].embedding is not None
    np.testing.assert_allclose(rows["mug"].embedding, expected, atol=1e-3)
    assert rows["bare"].embedding is None


LONG = " ".join(f"word{number}" for number in range(2_000))


@pytest.mark.parametrize("policy", ["truncate", "split"])
def test_what_became_of_a_long_text_is_recorded(shop: Shop, policy: str) -> None:
    shop.stock(mug="Blue mug", tome=LONG)
    space = space_of(shop, long_text=policy)

    shop.embed(space)

    rows = stored(shop, space)
    assert rows["mug"].treatment is None
    assert rows["tome"].treatment == {"truncate": "truncated", "split": "split"}[policy]
    assert rows["tome"].embedding is not None
    assert np.linalg.norm(rows["tome"].embedding) == pytest.approx(1, abs=1e-3)


def test_a_split_text_is_like_each_of_its_parts_and_a_truncated_one_like_its_beginning(
    shop: Shop,
) -> None:
    topics = ("coffee mug kettle " * 700, "tent lantern rope " * 700)
    shop.stock(both=" ".join(topics), second=topics[1][:3_000])

    def likeness(policy: str) -> float:
        space = lifecycle.create_space(
            shop.catalog, name=policy, model="fake", long_text=policy, template="{title}"
        )
        shop.embed(space)
        pair = [shop.product(key).pk for key in ("both", "second")]
        _, (one, other) = load_vectors(space.pk, pair)
        return float(one @ other)

    assert likeness("split") > likeness("truncate") + 0.2


def test_a_long_text_of_a_space_that_rejects_such_is_quarantined(shop: Shop) -> None:
    shop.stock(mug="Blue mug", tome=LONG)
    space = space_of(shop, long_text="reject")

    shop.embed(space)

    assert stored(shop, space)["tome"].embedding is None
    assert set(quarantined(shop)) == {"tome"}
    assert "shorten it" in quarantined(shop)["tome"][1]


@pytest.mark.parametrize("policy", ["truncate", "split"])
def test_a_text_that_the_model_finds_too_long_is_cut_shorter(
    committed_shop: Shop, policy: str
) -> None:
    committed_shop.stock(mug="Blue mug", tome="many words " * 2_000)
    space = space_of(committed_shop, long_text=policy)
    # The estimate gives these words fewer tokens than this model counts.
    embedder = Hosted(longest=300)

    embed_all(committed_shop, embedder, space)

    assert stored(committed_shop, space)["tome"].embedding is not None
    assert stored(committed_shop, space)["tome"].treatment in {"truncated", "split"}
    assert quarantined(committed_shop) == {}


def test_what_stays_too_long_is_quarantined_with_the_model_s_reason(
    committed_shop: Shop,
) -> None:
    committed_shop.stock(mug="Blue mug", tome="many words " * 2_000)
    space = space_of(committed_shop)
    embedder = Hosted(longest=3)

    embed_all(committed_shop, embedder, space)

    assert quarantined(committed_shop) == {"tome": ("TooManyTokens", "A text is too long.")}
    assert stored(committed_shop, space)["mug"].embedding is not None
    calls = embedder.calls
    assert embed_all(committed_shop, embedder, space).products == 0
    assert embedder.calls == calls


def test_a_quarantined_product_that_changes_leaves_when_it_is_embedded(shop: Shop) -> None:
    shop.stock(mug="Forbidden", lamp="Also forbidden")
    embedder = Refusing(["Forbidden", "Also forbidden"])
    embed_all(shop, embedder)
    assert set(quarantined(shop)) == {"mug", "lamp"}

    shop.stock(mug="Blue mug")
    embed_all(shop, embedder)

    assert set(quarantined(shop)) == {"lamp"}
    assert stored(shop)["mug"].embedding is not None
