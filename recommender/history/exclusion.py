"""Users who do not count: what bots did is learnt from by nothing, and makes nothing popular.

Their events stay, so that taking an exclusion back takes it back whole: the next training and the
next count of popularity read them again. What such a user is shown is not changed.
"""

from collections.abc import Collection

from psycopg import sql

from recommender.models import Catalog, User


def is_excluded(user: str, exclude_bots: str) -> sql.Composed:
    """Whether a user, a row of this name, does not count, as SQL; NULL where there is none.

    Args:
        exclude_bots: SQL of what the catalog says of bots.
    """
    return sql.SQL("({user}.exclusion = 'person' OR {user}.exclusion = 'bot' AND {bots})").format(
        user=sql.Identifier(user), bots=sql.SQL(exclude_bots)
    )


# Whether the user of an event `e` counts.
COUNTS = sql.SQL("""
NOT EXISTS (
    SELECT FROM recommender_user x JOIN recommender_catalog xc ON xc.id = x.catalog_id
    WHERE x.id = e.user_id AND x.exclusion <> '' AND {excluded}
)
""").format(excluded=is_excluded("x", "xc.exclude_bots"))


def mark_bots(catalog: Catalog, users: Collection[int]) -> int:
    """Say which users look like bots now, in the place of those that did before.

    Whether they count is for the catalog's setting `exclude_bots` to say. A person's decision on
    a user stands.

    Returns:
        How many are marked.
    """
    own = User.objects.filter(catalog=catalog)
    own.filter(exclusion=User.Exclusion.BOT).exclude(pk__in=users).update(
        exclusion=User.Exclusion.NONE
    )
    own.filter(exclusion=User.Exclusion.NONE, pk__in=users).update(exclusion=User.Exclusion.BOT)
    return own.filter(exclusion=User.Exclusion.BOT).count()
