"""The partitions that hold a space's vectors. Queries name them directly: nothing to prune."""

from psycopg import sql

from recommender import database


def product_vectors(space_id: int) -> sql.Identifier:
    """The table of a space's product vectors."""
    return sql.Identifier(f"recommender_productvector_{space_id}")


def profile_vectors(space_id: int) -> sql.Identifier:
    """The table of a space's profile vectors."""
    return sql.Identifier(f"recommender_profilevector_{space_id}")


def create(space_id: int) -> None:
    """Make both partitions of a new space; harmless where they are there."""
    for parent, partition in (
        ("recommender_productvector", product_vectors(space_id)),
        ("recommender_profilevector", profile_vectors(space_id)),
    ):
        database.execute(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS {partition} PARTITION OF {parent} FOR VALUES IN ({id})"
            ).format(partition=partition, parent=sql.Identifier(parent), id=sql.Literal(space_id))
        )


def drop(space_id: int) -> None:
    """Drop both partitions of a space and all that is in them, at once."""
    database.execute(
        sql.SQL("DROP TABLE IF EXISTS {}, {}").format(
            product_vectors(space_id), profile_vectors(space_id)
        )
    )
