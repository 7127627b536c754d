"""Search redirects: words that lead to a place of the shop."""

from django.contrib import admin

from recommender.admin.base import BoundedListAdmin, RelatedDropdownFilter
from recommender.models import SearchRedirect


@admin.register(SearchRedirect)
class SearchRedirectAdmin(BoundedListAdmin[SearchRedirect]):
    """The redirects of all catalogs; searches know of a change within ten seconds."""

    list_display = ("shown_words", "place", "catalog")
    list_filter = (("catalog", RelatedDropdownFilter),)
    list_select_related = ("catalog",)
    sortable_by = ()
    search_fields = ("words__icontains", "address", "category")
    search_help_text = "A part of a word or a place"
    fields = ("catalog", "words", "address", "category")

    @admin.display(description="Searches")
    def shown_words(self, redirect: SearchRedirect) -> str:
        """The searches."""
        return ", ".join(redirect.words)

    @admin.display(description="Lead to")
    def place(self, redirect: SearchRedirect) -> str:
        """The address, or the category."""
        return redirect.address or redirect.category
