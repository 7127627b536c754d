"""Forgetting a user."""

from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.models import Space, User
from recommender.spaces import partitions


def erase(user: User) -> None:
    """Remove a user, their events and their profiles, as if they had never been."""
    with transaction.atomic():
        # First: an event that arrives meanwhile waits, and then makes the user anew.
        User.objects.select_for_update().filter(pk=user.pk).first()
        database.execute(
            "WITH gone AS (DELETE FROM recommender_event WHERE user_id = %s RETURNING id) "
            "DELETE FROM recommender_eventkey WHERE id IN (SELECT id FROM gone)",
            (user.pk,),
        )
        for space_id in Space.objects.filter(catalog=user.catalog_id).values_list("pk", flat=True):
            table = partitions.profile_vectors(space_id)
            database.execute(sql.SQL("DELETE FROM {} WHERE user_id = %s").format(table), (user.pk,))
        user.delete()
