import pytest
from django.utils import timezone

from embeddings.errors import Misconfigured
from recommender import database
from recommender.catalog import catalogs
from recommender.models import Catalog, EmbeddingClaim, QuarantinedProduct, Space
from recommender.spaces import lifecycle, partitions, staleness, switching
from recommender.spaces.lifecycle import (
    active_space,
    create_space,
    delete_space,
    find_space,
    finish,
    retire,
)
from recommender.spaces.partitions import SpaceError
from recommender.spaces.template import TemplateError
from tests.shop import Shop, numbered
from tests.threads import at_once, beside


def index_oid(space: Space) -> int | None:
    name = f"recommender_productvector_{space.pk}_hnsw"
    return database.fetch("SELECT to_regclass(%s)::oid::int", (name,))[0][0]


def tables(space: Space) -> set[str]:
    names = [f"recommender_{kind}vector_{space.pk}" for kind in ("product", "profile")]
    query = "SELECT relname::text FROM pg_class WHERE relname = ANY(%s)"
    return {row[0] for row in database.fetch(query, (names,))}


def test_the_first_version_of_a_space_serves_at_once(shop: Shop) -> None:
    space = create_space(shop.catalog, name="image", model="fake", dimension=8)

    assert (space.version, space.status) == (1, Space.Status.ACTIVE)
    assert space.activated_at is not None
    assert active_space(shop.catalog.pk, "image") == space


def test_a_later_version_is_built_beside_the_one_that_serves(shop: Shop) -> None:
    first = shop.space

    second = create_space(shop.catalog, model="fake", dimension=128)

    assert (second.version, second.status) == (2, Space.Status.BUILDING)
    assert second.activated_at is None
    assert active_space(shop.catalog.pk) == first


def test_a_catalog_without_such_a_space_has_none_active(shop: Shop) -> None:
    assert active_space(shop.catalog.pk, "image") is None


def test_versions_made_at_once_are_numbered_one_by_one(committed_shop: Shop) -> None:
    made = at_once(
        3, lambda _: create_space(committed_shop.catalog, name="x", model="fake", dimension=8)
    )

    assert sorted(space.version for space in made) == [1, 2, 3]
    assert sum(space.status == Space.Status.ACTIVE for space in made) == 1


def test_a_template_with_an_unknown_field_makes_no_space(shop: Shop) -> None:
    with pytest.raises(TemplateError, match="colour"):
        create_space(shop.catalog, model="fake", dimension=8, template="{title} {colour}")

    assert Space.objects.count() == 1


def test_a_space_is_not_finished_while_a_product_is_stale(shop: Shop) -> None:
    shop.stock(**numbered(3))
    shop.embed()
    shop.stock(late="Desk lamp")

    assert not finish(shop.space.pk)
    assert shop.space.indexed_rows == 0


def test_finishing_indexes_and_measures_and_a_second_time_does_nothing(shop: Shop) -> None:
    shop.stock(**numbered(30))
    shop.embed()

    assert finish(shop.space.pk)
    done, built = shop.space, index_oid(shop.space)
    assert (done.indexed_rows, done.recall) == (30, 1.0)
    assert built is not None

    assert finish(shop.space.pk)
    assert index_oid(shop.space) == built


def test_a_space_that_doubled_gets_a_new_index(shop: Shop) -> None:
    shop.stock(**numbered(30))
    shop.embed()
    finish(shop.space.pk)
    built = index_oid(shop.space)

    shop.stock(**numbered(60))
    shop.embed()
    finish(shop.space.pk)

    assert index_oid(shop.space) not in {None, built}
    assert shop.space.indexed_rows == 60


def test_finishing_at_once_builds_one_index(committed_shop: Shop) -> None:
    committed_shop.stock(**numbered(60))
    committed_shop.embed()
    space = committed_shop.space

    assert any(at_once(3, lambda _: finish(space.pk)))

    assert index_oid(space) is not None
    assert committed_shop.space.indexed_rows == 60


def test_nobody_waits_for_an_index_that_another_worker_builds(committed_shop: Shop) -> None:
    committed_shop.stock(**numbered(3))
    committed_shop.embed()
    space = committed_shop.space

    assert beside(lambda: finish(space.pk), holding=lambda: finish(space.pk)) is False

    assert finish(space.pk)


def test_an_empty_space_is_finished_without_an_index(shop: Shop) -> None:
    assert finish(shop.space.pk)
    assert index_oid(shop.space) is None


def test_finishing_a_space_that_is_gone_does_nothing(shop: Shop) -> None:
    assert not finish(shop.space.pk + 1)


def test_a_space_keeps_what_was_chosen_for_it(shop: Shop) -> None:
    space = create_space(
        shop.catalog,
        model="fake",
        name="picture",
        kind="multimodal",
        template="{title}",
        instruction="Find what looks alike.",
        output="dense&sparse",
        long_text="split",
    )

    space.refresh_from_db()
    assert (space.kind, space.output, space.long_text) == ("multimodal", "dense&sparse", "split")
    assert (space.template, space.instruction) == ("{title}", "Find what looks alike.")
    assert space.dimension == 64, "not the model's own"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"model": "wordllama-256", "dimension": 100}, "wordllama-256 does not give 100 dim"),
        ({"model": "wordllama-256", "output": "sparse"}, "gives no sparse vectors"),
        ({"model": "wordllama-256", "instruction": "Find it"}, "takes no instruction"),
        ({"model": "wordllama-256", "kind": "image"}, "does not read image"),
        ({"model": "wordllama-256", "kind": "multimodal"}, "does not read image"),
        ({"model": "no-such-model"}, "There is no embedding model 'no-such-model'"),
        ({"model": "fake", "dimension": 4001}, "more than an index takes"),
    ],
)
def test_what_the_model_cannot_do_makes_no_space(
    shop: Shop, wanted: dict[str, str], words: str
) -> None:
    with pytest.raises(Misconfigured, match=words):
        create_space(shop.catalog, **wanted)

    assert Space.objects.count() == 1


def test_a_sparse_vector_may_be_as_long_as_it_likes(shop: Shop) -> None:
    space = create_space(shop.catalog, name="x", model="fake", dimension=5000, output="sparse")

    assert tables(space)


def test_a_space_that_is_made_to_be_estimated_leaves_nothing(shop: Shop) -> None:
    with lifecycle.undone():
        space = create_space(shop.catalog, model="fake")
        assert tables(space)

    assert tables(space) == set()
    assert Space.objects.get() == shop.space


def test_a_sparse_only_space_is_finished_without_an_index(shop: Shop) -> None:
    space = create_space(shop.catalog, name="words", model="fake", output="sparse")
    shop.stock(mug="Blue mug")
    database.execute(
        "INSERT INTO recommender_productvector (space_id, product_id, sparse, content_hash, "
        "embedded_at) SELECT %s, id, '{1:0.5}/1000000000', content_hash, now() "
        "FROM recommender_product",
        (space.pk,),
    )

    assert finish(space.pk)
    assert index_oid(space) is None
    space.refresh_from_db()
    assert space.recall is None


@pytest.mark.parametrize("label", ["text@9", "text", "@1", "text@", "text@one", "", "x@1"])
def test_an_unknown_space_is_said_with_those_there_are(shop: Shop, label: str) -> None:
    assert find_space(shop.catalog, "text@1") == shop.space

    with pytest.raises(SpaceError, match="there are: text@1"):
        find_space(shop.catalog, label)


def busy_space(shop: Shop) -> Space:
    """A second version with a claim, a quarantined product, and a reason that it is paused for."""
    shop.stock(mug="Blue mug", lamp="Desk lamp")
    space = create_space(shop.catalog, model="fake", dimension=8)
    staleness.claim(space, owner="w", after=0, limit=10)
    mug = shop.product("mug")
    QuarantinedProduct.objects.create(
        space=space, product=mug, content_hash=mug.content_hash, reason="no", at=timezone.now()
    )
    space.paused_reason, space.paused_at = "no key", timezone.now()
    space.save()
    return space


def test_a_retired_space_gives_its_disk_back_and_keeps_its_row(shop: Shop) -> None:
    space = busy_space(shop)
    size = partitions.size(space.pk)
    assert size > 0

    assert retire(space) == size

    assert tables(space) == set()
    assert partitions.size(space.pk) == 0
    assert not EmbeddingClaim.objects.filter(space=space.pk).exists()
    assert not QuarantinedProduct.objects.filter(space=space.pk).exists()
    left = find_space(shop.catalog, "text@2")
    assert (left.status, left.paused_reason) == (Space.Status.RETIRED, "")
    assert left.retired_at is not None


def test_retiring_twice_is_retiring_once(shop: Shop) -> None:
    space = create_space(shop.catalog, model="fake")
    retire(space)
    retired_at = find_space(shop.catalog, "text@2").retired_at

    assert retire(space) == 0
    assert find_space(shop.catalog, "text@2").retired_at == retired_at


def test_the_space_that_serves_is_not_retired(shop: Shop) -> None:
    with pytest.raises(SpaceError, match="text@1 serves"):
        retire(shop.space)

    assert tables(shop.space)


def test_a_space_that_was_switched_to_meanwhile_is_not_retired(shop: Shop) -> None:
    seen = create_space(shop.catalog, model="fake")
    switching.activate(find_space(shop.catalog, "text@2"))

    with pytest.raises(SpaceError, match="text@2 serves"):
        retire(seen)


def test_a_retired_space_is_no_longer_finished(shop: Shop) -> None:
    space = create_space(shop.catalog, model="fake")
    retire(space)

    assert not finish(space.pk)


def test_the_next_version_after_a_retired_one_has_a_number_of_its_own(shop: Shop) -> None:
    retire(create_space(shop.catalog, model="fake"))

    assert str(create_space(shop.catalog, model="fake")) == "text@3"


def test_a_deleted_space_takes_its_tables_and_work_with_it(shop: Shop) -> None:
    space = busy_space(shop)
    assert len(tables(space)) == 2
    staleness.claim(shop.space, owner="w", after=0, limit=10)

    key = space.pk
    delete_space(space)

    assert tables(Space(pk=key)) == set()
    assert EmbeddingClaim.objects.filter(space=key).count() == 0
    assert EmbeddingClaim.objects.filter(space=shop.space).count() == 2
    assert QuarantinedProduct.objects.count() == 0
    assert not Space.objects.filter(pk=key).exists()
    assert lifecycle.active_space(shop.catalog.pk) == shop.space


def test_a_catalog_goes_with_the_spaces_it_retired(shop: Shop) -> None:
    retire(create_space(shop.catalog, model="fake"))

    catalogs.delete_catalog(shop.catalog)

    assert not Catalog.objects.exists()
    assert not Space.objects.exists()
