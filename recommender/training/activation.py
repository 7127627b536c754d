"""Which ranker of a catalogue and mode serves."""

from django.db import transaction

from recommender.models import Catalog, Ranker


def activate(ranker: Ranker) -> None:
    """Have a ranker serve; the one that did is kept and can be activated again. May run twice."""
    with transaction.atomic():
        # Nobody else switches meanwhile, and no query sees two active ones.
        Catalog.objects.select_for_update(no_key=True).get(pk=ranker.catalog_id)
        others = Ranker.objects.filter(catalog=ranker.catalog_id, mode=ranker.mode)
        others.filter(is_active=True).exclude(pk=ranker.pk).update(is_active=False)
        Ranker.objects.filter(pk=ranker.pk).update(is_active=True)
        ranker.is_active = True
