"""Forgetting a user."""

from django.db import transaction

from recommender import database
from recommender.models import Space, User


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
        spaces = list(Space.objects.filter(catalog=user.catalog_id).values_list("pk", flat=True))
        # Not partition by partition: one may have been retired, and its table be gone.
        database.execute(
            "DELETE FROM recommender_profilevector WHERE space_id = ANY(%s) AND user_id = %s",
            (spaces, user.pk),
        )
        user.delete()
