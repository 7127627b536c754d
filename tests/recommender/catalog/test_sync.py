import threading
import time
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from recommender import database
from recommender.catalog import catalogs, sync
from recommender.models import Product, SeenProduct, Sync
from tests.shop import Shop, numbered


def on_sale(shop: Shop) -> set[str]:
    products = Product.objects.filter(catalog=shop.catalog, deleted_at=None)
    return set(products.values_list("external_id", flat=True))


def received(shop: Shop, *ids: str, token: str = "t") -> Sync:
    under_way = sync.begin(shop.catalog, token)
    sync.see(under_way, ids, has_products=True)
    return under_way


def ended(under_way: Sync, **options: bool) -> sync.Removal:
    return sync.finish(under_way, sync.seen(under_way), **options)


def test_what_was_written_since_it_began_stays(committed_shop: Shop) -> None:
    committed_shop.stock(**numbered(10))
    Product.objects.filter(external_id="p8").update(deleted_at=timezone.now())
    under_way = received(committed_shop, *(f"p{n}" for n in range(7)))
    committed_shop.stock(new="Lamp", p8="Brought back", p9="Changed")

    assert ended(under_way) == sync.Removal(1, 9)
    assert on_sale(committed_shop) == {*(f"p{n}" for n in range(7)), "p8", "p9", "new"}


def test_a_fifth_may_go_and_no_more(shop: Shop) -> None:
    shop.stock(**numbered(10))
    seven = received(shop, *(f"p{n}" for n in range(7)))

    assert ended(seven) == sync.Removal(3, 10, is_refused=True)
    assert len(on_sale(shop)) == 10

    received(shop, "p7")
    assert ended(seven) == sync.Removal(2, 10)
    assert on_sale(shop) == {f"p{n}" for n in range(8)}
    # Done again, it says what it did.
    shop.stock(p8="Mug")
    assert ended(seven) == sync.Removal(2, 10)
    assert "p8" in on_sale(shop)


def test_what_a_refused_one_has_added_does_not_count(shop: Shop) -> None:
    shop.stock(**numbered(10))
    assert ended(received(shop, "q0", token="first")).is_refused
    shop.stock(**{f"q{n}": "Lamp" for n in range(90)})

    second = received(shop, *(f"q{n}" for n in range(90)), token="second")

    refused = ended(second)
    assert refused == sync.Removal(10, 100, is_refused=True, before_refusal=10)
    assert "10 of the 100 products on sale" in refused.why_refused("in the file")
    assert "20% of the 10 that were" in refused.why_refused("in the file")
    assert ended(second, force=True) == sync.Removal(10, 100)
    assert ended(received(shop, *(f"q{n}" for n in range(75)), token="third")).removed == 15


def test_another_catalog_is_left_alone(shop: Shop) -> None:
    other = Shop.open("other")
    for each in (shop, other):
        each.stock(**numbered(10))

    ended(received(shop, *(f"p{n}" for n in range(9))))

    assert len(on_sale(other)) == 10


def test_a_product_stays_whose_id_stands_as_a_word_in_what_could_not_be_read(shop: Shop) -> None:
    shop.stock(**numbered(13), **{"a-1": "Mug", "(b)": "Mug"})
    under_way = received(shop, *(f"p{n}" for n in range(12)))

    removal = sync.finish(under_way, sync.seen(under_way), texts=["xp12,a-1;p123", '"(b)"'])

    assert removal == sync.Removal(1, 15, kept=2)
    assert on_sale(shop) == {*(f"p{n}" for n in range(12)), "a-1", "(b)"}


def test_what_nobody_goes_on_with_is_forgotten(shop: Shop) -> None:
    shop.stock(**numbered(10))
    for token in ("old", "refused", "new"):
        received(shop, "p0", token=token)
    old = timezone.now() - timedelta(days=9)
    Sync.objects.exclude(token="new").update(used_at=old, began_at=old)
    Sync.objects.filter(token="refused").update(is_refused=True, on_sale=7)

    sync.prune()

    assert set(Sync.objects.values_list("token", flat=True)) == {"refused", "new"}
    assert SeenProduct.objects.count() == 1
    # A late page begins anew, measured by what was on sale before.
    again = received(shop, "p1", token="refused")
    assert again.began_at > old
    assert (again.on_sale, again.before_refusal) == (10, 7)
    assert sync.preview(shop.catalog, sql.SQL("SELECT 'p1' AS id")) == sync.Removal(
        9, 10, is_refused=True, before_refusal=7
    )


def test_a_page_that_waits_for_the_end_does_not_begin_another(committed_shop: Shop) -> None:
    committed_shop.stock(**numbered(10))
    under_way = received(committed_shop, *(f"p{n}" for n in range(9)))
    late: list[Sync] = []

    def send_again() -> None:
        late.append(sync.begin_page(committed_shop.catalog, "t", ["p0"]))
        connection.close()

    sender = threading.Thread(target=send_again)
    with transaction.atomic():
        ended(under_way)
        sender.start()
        # It waits for the row that the end has locked.
        while not database.fetch("SELECT 1 FROM pg_locks WHERE NOT granted"):
            time.sleep(0.01)
    sender.join()

    assert late[0].done_at is not None
    assert sync.count_seen(under_way) == 9
    assert ended(under_way).removed == 1


def test_a_deleted_catalog_leaves_nothing_behind(committed_shop: Shop) -> None:
    received(committed_shop, "p0")
    catalogs.delete_catalog(committed_shop.catalog)
    assert database.fetch("SELECT count(*) FROM recommender_seenproduct") == [(0,)]
