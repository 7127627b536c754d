"""Which pages of the admin read more rows than their bounds, as a catalog grows.

PostgreSQL itself counts the rows that a transaction reads of each table and index; a page may read
as many as its bounded counts do, which is far below what there is.
"""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.shop import Shop

ROWS = 40_000
# Of a page: its paginator counts up to 10,000, and so do a few numbers beside it.
MOST = 15_000

# What may read more, and what of it grows with a catalog.
_EXACT, _SUMS = "counts of products, users and fresh vectors are exact", "sums of a period"
_SEARCH = "a search in a space that has no index yet compares all vectors"
READS_MORE = {
    "index": f"{_EXACT}; {_SUMS}",
    "recommender_catalog_changelist": _EXACT,
    "recommender_catalog_change": _EXACT,
    "recommender_space_changelist": _EXACT,
    "recommender_space_change": _EXACT,
    "recommender_effectfigure_changelist": _SUMS,
    "recommender_quarantinedproduct_changelist": "all of a catalog is in quarantine here",
    "recommender_product_change": _SEARCH,
    "recommender_user_change": _SEARCH,
}

_FILL = """
INSERT INTO recommender_product (catalog_id, external_id, title, description, category, brand,
    currency, in_stock, image_urls, video_urls, attributes, created_at, updated_at)
SELECT %(catalog)s, 'p' || n, 'Mug number ' || n, '', 'Home/' || n %% 50, 'Brand ' || n %% 400, '',
    true, '[]', '[]', '{}', now(), now()
FROM generate_series(1, %(rows)s) n;
INSERT INTO recommender_user (catalog_id, external_id, attributes, history_version, created_at)
SELECT %(catalog)s, 'u' || n, '{}', 1, now() FROM generate_series(1, %(rows)s) n;
INSERT INTO recommender_event (id, catalog_id, user_id, product_id, type, at)
SELECT gen_random_uuid(), p.catalog_id, u.id, p.id, 'view', now()
FROM recommender_product p JOIN recommender_user u
    ON u.catalog_id = p.catalog_id AND u.external_id = 'u' || substr(p.external_id, 2)
WHERE p.catalog_id = %(catalog)s;
INSERT INTO recommender_productpopularity (product_id, catalog_id, recent, total, week_users,
    month_users, quarter_users, all_users)
SELECT id, catalog_id, 1, 1, 1, 1, 1, 1 FROM recommender_product WHERE catalog_id = %(catalog)s
ON CONFLICT DO NOTHING;
INSERT INTO recommender_quarantinedproduct (space_id, product_id, content_hash, code, reason, at)
SELECT %(space)s, id, content_hash, '', 'No.', now() FROM recommender_product
WHERE catalog_id = %(catalog)s AND external_id LIKE 'p%%';
INSERT INTO recommender_productvector (space_id, product_id, content_hash, embedded_at)
SELECT %(space)s, id, content_hash, now() FROM recommender_product
WHERE catalog_id = %(catalog)s AND external_id LIKE 'p%%';
INSERT INTO recommender_effectfigure (catalog_id, day, operation, product_id, hours, impressions,
    clicks, carts, purchases, revenue, revenue_squares, orders, unknown)
SELECT catalog_id, current_date, 'for_user', id, 0, 10, 1, 0, 0, 0, 0, 0, 0
FROM recommender_product WHERE catalog_id = %(catalog)s;
"""
_READ = """
SELECT c.relname, pg_stat_get_xact_tuples_returned(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i')
  AND c.relname ~ '(product|user|event|effectfigure|quarantined|popularity|_pkey)'
"""


pytestmark = pytest.mark.slow  # fills tables


@pytest.fixture
def large(shop: Shop) -> Shop:
    """A shop with so many products, users, events, vectors and more."""
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"catalog": shop.catalog.pk, "rows": ROWS, "space": shop.space.pk})
        cursor.execute("ANALYZE")
    return shop


def _read() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        return {name: number for name, number in cursor.fetchall() if number}


def _pages() -> Iterator[tuple[str, str]]:
    """Each registered list, and the page of a row in it: name and address."""
    yield "index", reverse("admin:index")
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        yield f"{name}_changelist", reverse(f"admin:{name}_changelist")
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            yield f"{name}_change", reverse(f"admin:{name}_change", args=[row.pk])


def test_no_page_reads_more_than_its_bounds(admin_client: Client, large: Shop) -> None:
    over = set()
    for name, address in _pages():
        before = _read()
        assert admin_client.get(address).status_code == 200, address
        read = {table: number - before.get(table, 0) for table, number in _read().items()}
        if any(number > MOST for number in read.values()):
            over.add(name)
    assert over <= READS_MORE.keys()
