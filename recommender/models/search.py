"""What search by words reads: the lexemes of each product, and the words of each catalog."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.product import Product


class SearchDocument(models.Model):
    """The lexemes of a product, by weight: title A, brand and category B, attributes C, text D.

    A trigger on the products writes it with every change of what they say (migration 0015), in
    the language of the catalog; a change of a price touches no index of words. No foreign key in
    the database: a deleted catalog empties both tables at once.
    """

    product = models.OneToOneField(
        Product, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="+"
    )
    catalog = models.ForeignKey(
        Catalog, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    lexemes = SearchVectorField()

    class Meta:
        # The catalog first: a word that many catalogs have is looked up in one. What waits to be
        # sorted into the index is read by every search, so little may wait.
        indexes = (
            GinIndex(
                fields=["catalog", "lexemes"],
                name="search_document_lexemes",
                gin_pending_list_limit=1024,
            ),
        )

    def __str__(self) -> str:
        return f"lexemes of product {self.product_id}"


class SearchWord(models.Model):
    """A word of a catalog's products, its stem, and how many products have it.

    Counted anew some time after products have changed: it says how rare a word is and what a
    misspelt one may mean, never what is found.
    """

    pk = models.CompositePrimaryKey("catalog_id", "word")
    catalog = models.ForeignKey(
        Catalog, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    word = models.TextField(db_collation="C")
    stem = models.TextField(db_collation="C")
    products = models.PositiveIntegerField()

    class Meta:
        indexes = (
            models.Index(fields=["catalog", "stem"], name="search_word_stem"),
            GinIndex(
                fields=["catalog", "word"],
                name="search_word_trigrams",
                opclasses=["int8_ops", "gin_trgm_ops"],
            ),
        )

    def __str__(self) -> str:
        return self.word


class SearchOutcome(models.Model):
    """A product that users chose after a search, and its share of all that they chose.

    Counted anew with popularity. The query is its lexemes, in alphabetical order.
    """

    pk = models.CompositePrimaryKey("catalog_id", "query", "product_id")
    catalog = models.ForeignKey(
        Catalog, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    query = models.TextField(db_collation="C")
    product = models.ForeignKey(
        Product, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    share = models.FloatField()

    def __str__(self) -> str:
        return self.query
