"""Synonyms: what customers call things, and what the catalog does."""

from django.contrib import admin

from recommender.admin.base import BoundedListAdmin, RelatedDropdownFilter
from recommender.models import Synonyms


@admin.register(Synonyms)
class SynonymsAdmin(BoundedListAdmin[Synonyms]):
    """The synonyms of all catalogs; searches know of a change within ten seconds."""

    list_display = ("shown_words", "shown_meaning", "catalog")
    list_filter = (("catalog", RelatedDropdownFilter),)
    list_select_related = ("catalog",)
    sortable_by = ()
    search_fields = ("words__icontains", "meaning__icontains")
    search_help_text = "A part of a word"
    fields = ("catalog", "words", "meaning")

    @admin.display(description="Words")
    def shown_words(self, synonyms: Synonyms) -> str:
        """The words and phrases."""
        return ", ".join(synonyms.words)

    @admin.display(description="Stand for", empty_value="one another")
    def shown_meaning(self, synonyms: Synonyms) -> str | None:
        """What they stand for; nothing where it is one another."""
        return ", ".join(synonyms.meaning) or None
