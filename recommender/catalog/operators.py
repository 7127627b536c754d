"""The groups of operators that an installation has from the beginning.

A person may change them afterwards: a group that is there is left as it is.
"""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

# Everything that an analyst looks at.
_LOOKS = (
    *("catalog", "product", "user", "placement", "synonyms", "feed", "upload", "experiment"),
    *("effectfigure", "space", "trainingrun", "ranker", "evaluationrun", "insightrun"),
    *("quarantinedproduct", "embeddingspend"),
)
_ANALYST = (*(f"view_{name}" for name in _LOOKS), "add_evaluationrun", "add_insightrun")
# What a shop shows, and what it is made of; no keys, no spaces, no money, no people.
_MERCHANDISER = (
    *(f"view_{name}" for name in _LOOKS if name not in ("user", "ranker", "embeddingspend")),
    *("add_placement", "change_placement", "delete_placement"),
    *("add_synonyms", "change_synonyms", "delete_synonyms"),
    *("change_product", "add_upload", "delete_upload", "change_feed", "change_experiment"),
    *("change_quarantinedproduct", "add_trainingrun"),
)
GROUPS = {"Analyst": frozenset(_ANALYST), "Merchandiser": frozenset(_MERCHANDISER)}


def make_groups(**_: object) -> None:
    """Add the groups that are missing; the permissions must be there."""
    for name, codenames in GROUPS.items():
        with transaction.atomic():
            group, is_new = Group.objects.get_or_create(name=name)
            if is_new:
                group.permissions.set(
                    Permission.objects.filter(
                        content_type__app_label="recommender", codename__in=codenames
                    )
                )
