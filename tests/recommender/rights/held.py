"""Something of a user in every table that holds anything of users."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from recommender import database
from recommender.history.merge import merge_users
from recommender.models import InsightFinding, InsightRun, Recommendation, User, UserMerge
from recommender.profiles import builder
from tests.recommender.effect.shown import show
from tests.shop import Shop, event

NOW = datetime.now(UTC).replace(microsecond=0)
YESTERDAY = NOW - timedelta(days=1)
# In all that is held of a user, and in nothing else.
MARKER = "zebrafish"

Column = tuple[str, str]

# Columns that name a user, by their names or as foreign keys; a partition is not told apart.
_COLUMNS = """
SELECT t.relname, a.attname
FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid
LEFT JOIN pg_constraint f
    ON f.conrelid = t.oid AND f.contype = 'f' AND a.attnum = ANY(f.conkey)
WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND t.relname LIKE 'recommender\\_%%'
  AND a.attnum > 0 AND NOT a.attisdropped
  -- Who signs in to the admin is no user of a shop.
  AND f.confrelid IS DISTINCT FROM 'auth_user'::regclass
  AND (a.attname ~ '(^|_)(user|visitor|shopper|unit)(_id)?$'
       OR f.confrelid = 'recommender_user'::regclass)
"""


def columns() -> set[Column]:
    """Every column of the database that names a user."""
    return {(table, column) for table, column in database.fetch(_COLUMNS)}


def _did(shop: Shop, user: str) -> None:
    shop.post(event(user, "mug", type="search", at=YESTERDAY, id=f"{MARKER} {user}"))
    database.execute(
        "UPDATE recommender_event SET query = %s WHERE user_id = %s", (MARKER, shop.user(user).pk)
    )


def _profile(shop: Shop, user: str) -> None:
    shop.visit(user, "lamp", at=YESTERDAY)
    builder.refresh(shop.space, [shop.user(user).pk])


def _finding(shop: Shop, user: str) -> None:
    run = InsightRun.objects.create(catalog=shop.catalog, kind="events", status="done")
    InsightFinding.objects.create(
        run=run, user=shop.user(user), score=1.0, group=MARKER, data={"reason": "too many"}
    )


def _merge(shop: Shop, user: str) -> None:
    shop.visit(f"visitor of {user}", "mug", at=YESTERDAY)
    merge_users(shop.catalog, user, f"visitor of {user}")


def _merged(shop: Shop, user: str) -> None:
    UserMerge.objects.create(catalog=shop.catalog, user="somebody", visitor=user, at=YESTERDAY)


# By column, what puts something of a user there.
SEEDS: Mapping[Column, Callable[[Shop, str], object]] = {
    ("recommender_usermerge", "user"): _merge,
    ("recommender_usermerge", "visitor"): _merged,
    ("recommender_event", "user_id"): _did,
    ("recommender_profilevector", "user_id"): _profile,
    ("recommender_insightfinding", "user_id"): _finding,
    ("recommender_recommendation", "user"): lambda shop, user: show(
        shop, YESTERDAY, "mug", user=user, placement=MARKER
    ),
}
# By column, the part of an export that has it.
PARTS: Mapping[Column, str] = {
    ("recommender_usermerge", "user"): "merges",
    ("recommender_usermerge", "visitor"): "merges",
    ("recommender_event", "user_id"): "events",
    ("recommender_profilevector", "user_id"): "profiles",
    ("recommender_insightfinding", "user_id"): "findings",
    ("recommender_recommendation", "user"): "shown",
}


def seed(shop: Shop, user: str) -> User:
    """Something of a user everywhere."""
    row, _ = User.objects.get_or_create(
        catalog=shop.catalog, external_id=user, defaults={"attributes": {"name": MARKER}}
    )
    for put in SEEDS.values():
        put(shop, user)
    assert Recommendation.objects.filter(user=user).exists()
    return row


def rows(column: Column, user: User) -> int:
    """How many rows of a table are the user's, by key or by id."""
    table, name = column
    query = f"""SELECT count(*) FROM {table} WHERE "{name}"::text = ANY(%s)"""
    named = [str(user.pk), user.external_id]
    return int(database.fetch(query.encode(), (named,))[0][0])
