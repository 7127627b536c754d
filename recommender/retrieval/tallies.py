"""What is counted of all that a catalog's users did, some time after they did it."""

from django.db import transaction

from recommender.history import popularity
from recommender.models import Catalog
from recommender.retrieval import search_outcomes


def refresh(catalog: Catalog) -> None:
    """Count anew how popular products are, and what searches lead to; readers see both at once."""
    with transaction.atomic():
        popularity.refresh(catalog)
        search_outcomes.learn(catalog)
