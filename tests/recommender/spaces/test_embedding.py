from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from embeddings.base import Embedder
from embeddings.errors import Rejected, Unavailable
from embeddings.fake import FakeEmbedder
from embeddings.types import Embeddings, Input, ModelSpec, Role
from recommender.models import EmbeddingClaim, Product, ProductVector, Space
from recommender.spaces import embedding, staleness, vectors
from recommender.spaces.staleness import StaleProduct
from tests.shop import Shop, numbered

ROW = StaleProduct(1, UUID(int=1), "Mug", "", "", "", {})


class Refusing:
    """A model that never takes some texts, and may be away; it counts its calls."""

    def __init__(self, refused: Sequence[str] = (), *, away: bool = False) -> None:
        self._fake = FakeEmbedder()
        self._refused = frozenset(refused)
        self._away = away
        self.calls = 0

    @property
    def spec(self) -> ModelSpec:
        return self._fake.spec

    def embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        self.calls += 1
        if self._away:
            raise Unavailable("The model is being restarted; try again in a minute.")
        if any(row.text in self._refused for row in inputs):
            raise Rejected("A text is of a kind that the model does not take.")
        return self._fake.embed(inputs, role)


def embed_all(shop: Shop, embedder: Embedder | None = None) -> int:
    return embedding.embed_claimed(
        shop.space, embedder or FakeEmbedder(), owner="test", after=0, limit=1000
    )


def stored(shop: Shop) -> dict[str, ProductVector]:
    rows = ProductVector.objects.filter(space=shop.space).select_related("product")
    return {row.product.external_id: row for row in rows}


def test_every_product_gets_one_vector_of_unit_length(shop: Shop) -> None:
    shop.stock(**numbered(40))

    shop.embed()

    ids, matrix = vectors.load(shop.space.pk, list(Product.objects.values_list("pk", flat=True)))
    assert len(set(ids.tolist())) == ProductVector.objects.filter(space=shop.space).count() == 40
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-3)


def test_the_vector_is_the_model_s_for_the_text_of_the_template(shop: Shop) -> None:
    shop.put({"id": "mug", "title": "Blue mug", "brand": "Hearth", "category": "Home/Kitchen"})

    shop.embed()

    text = Input(text="Blue mug. Hearth. Home, Kitchen")
    expected = FakeEmbedder().embed([text], Role.DOCUMENT).vectors[0]
    _, matrix = vectors.load(shop.space.pk, [shop.product("mug").pk])
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
    calls = embedder.calls
    assert embed_all(shop, embedder) == 0
    assert embedder.calls == calls


@given(refused=st.lists(st.booleans(), max_size=40))
def test_whatever_is_refused_all_others_get_the_vector_they_would_get_alone(
    refused: list[bool],
) -> None:
    products = [replace(ROW, id=n, title=f"Title {n}") for n in range(len(refused))]
    embedder = Refusing([p.title for p, bad in zip(products, refused, strict=True) if bad])

    found = embedding.embed(Space(template="{title}"), embedder, products)

    assert [row.product_id for row in found] == [product.id for product in products]
    for row, product, bad in zip(found, products, refused, strict=True):
        if bad:
            assert row.vector is None
        else:
            alone = FakeEmbedder().embed([Input(text=product.title)], Role.DOCUMENT).vectors[0]
            np.testing.assert_array_equal(row.vector, alone)


def test_one_refused_row_in_many_takes_few_calls_to_find() -> None:
    products = [replace(ROW, id=n, title=f"Title {n}") for n in range(512)]
    embedder = Refusing(["Title 300"])

    embedding.embed(Space(template="{title}"), embedder, products)

    assert embedder.calls == 1 + 2 * 9  # two halves at each of log2(512) levels


def test_a_model_that_is_away_leaves_the_products_stale_and_unclaimed(shop: Shop) -> None:
    shop.stock(mug="Blue mug")

    with pytest.raises(Unavailable):
        embed_all(shop, Refusing(away=True))

    assert staleness.count(shop.space) == 1
    assert not EmbeddingClaim.objects.exists()


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
    found = embedding.embed(space, FakeEmbedder(), claimed)
    embedding.write(space, found)
    first = stored(committed_shop)["mug"].embedded_at

    embedding.write(space, found)

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

    embedding.write(shop.space, embedding.embed(shop.space, FakeEmbedder(), claimed))

    assert staleness.count(shop.space) == 1
    shop.embed()
    assert staleness.count(shop.space) == 0
    assert stored(shop)["mug"].content_hash == shop.product("mug").content_hash


def test_the_last_id_says_where_to_go_on_and_zero_that_nothing_is_left(shop: Shop) -> None:
    shop.stock(**numbered(3))
    last = Product.objects.order_by("-pk").values_list("pk", flat=True)[0]

    assert embed_all(shop) == last
    assert embed_all(shop) == 0
