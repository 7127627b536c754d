"""The partitions that hold a space's vectors. Queries name them directly: nothing to prune.

A SELECT that names a partition locks nothing but it; who writes into one locks its parent too, in
the weakest way, until it commits. So neither making nor dropping a partition may wait for long
with a strong lock on a parent asked for: all that write would queue up behind.
"""

from psycopg import sql

from recommender import database


def product_vectors(space_id: int) -> sql.Identifier:
    """The table of a space's product vectors."""
    return sql.Identifier(f"recommender_productvector_{space_id}")


def profile_vectors(space_id: int) -> sql.Identifier:
    """The table of a space's profile vectors."""
    return sql.Identifier(f"recommender_profilevector_{space_id}")


def create(space_id: int) -> None:
    """Make both partitions of a new space, beside whoever reads and writes others.

    CREATE TABLE … PARTITION OF would lock the parent against all of them; attaching does not.
    """
    for parent, partition in (
        ("recommender_productvector", product_vectors(space_id)),
        ("recommender_profilevector", profile_vectors(space_id)),
    ):
        names = {"parent": sql.Identifier(parent), "partition": partition}
        database.execute(
            sql.SQL("CREATE TABLE {partition} (LIKE {parent} INCLUDING STORAGE)").format(**names)
        )
        database.execute(
            sql.SQL(
                "ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES IN ({id})"
            ).format(**names, id=sql.Literal(space_id))
        )


def drop(space_id: int) -> None:
    """Drop both partitions of a space, where they are, and all that is in them, at once.

    Their parents stay locked until the transaction ends: call it late, in
    `locks.retry_on_lock_timeout`.
    """
    if not size(space_id):
        return
    names = sql.SQL(", ").join((product_vectors(space_id), profile_vectors(space_id)))
    # Before their parents, which dropping locks first: who writes locks in this order.
    database.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
    database.execute(sql.SQL("DROP TABLE {}").format(names))


def size(space_id: int) -> int:
    """Bytes on disk of a space's vectors, profiles and indexes; 0 where it has no partitions."""
    query = """
        SELECT COALESCE(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint
        FROM unnest(%s::text[]) AS partition(name)
    """
    names = [f"recommender_{kind}vector_{space_id}" for kind in ("product", "profile")]
    return int(database.fetch(query, (names,))[0][0])
