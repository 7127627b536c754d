"""Where products say a query's words: their texts as HTML that is safe, the words in <em>."""

import html
from collections.abc import Mapping, Sequence

from psycopg import sql

from recommender import database
from recommender.models import Catalog
from recommender.retrieval import text_search
from recommender.retrieval.vocabulary import QueryWord

# Marks that no text has: they are of the private use area, and taken out before.
_START, _STOP = "\ue000", "\ue001"
_FIELDS = ("title", "brand", "description")
# Of a long text a passage around the words.
_WHOLE = f"HighlightAll=true, StartSel={_START}, StopSel={_STOP}"
_PASSAGE = f"MaxWords=30, MinWords=15, StartSel={_START}, StopSel={_STOP}"
# Each costs some 100 microseconds a 1,000 characters.
MOST_PRODUCTS = 100
_MOST_CHARACTERS = 5000

# A row a product: its id, and each field with its words marked.
_MARKED = sql.SQL("""
SELECT p.external_id, {fields} FROM recommender_product p, kinship_languages l
WHERE p.catalog_id = %(catalog)s AND l.catalog_id = p.catalog_id AND p.external_id = ANY(%(ids)s)
""")
_FIELD = sql.SQL(
    "ts_headline(l.config, left(translate(p.{field}, {marks}, ''), {most}), %(words)s::tsquery, "
    "{options})"
)


def highlights(
    catalog: Catalog, words: Sequence[QueryWord], ids: Sequence[str]
) -> Mapping[str, Mapping[str, str]]:
    """By id of the first hundred products, their fields that have a word of the query.

    All is escaped but the tags around the words, which may be other words than were typed: those
    that a misspelt one is taken for, and synonyms.
    """
    if not words or not ids:
        return {}
    parameters = {
        "catalog": catalog.pk,
        "ids": list(ids[:MOST_PRODUCTS]),
        "words": text_search.having(words, all_of_them=False),
    }
    rows = database.fetch(
        _MARKED.format(fields=sql.SQL(", ").join(map(_marked, _FIELDS))), parameters
    )
    return {
        external_id: {
            name: _safe(text) for name, text in zip(_FIELDS, texts, strict=True) if _START in text
        }
        for external_id, *texts in rows
    }


def _marked(field: str) -> sql.Composed:
    return _FIELD.format(
        field=sql.Identifier(field),
        marks=sql.Literal(_START + _STOP),
        most=sql.Literal(_MOST_CHARACTERS),
        options=sql.Literal(_PASSAGE if field == "description" else _WHOLE),
    )


def _safe(text: str) -> str:
    escaped = html.escape(text)
    return escaped.replace(_START, "<em>").replace(_STOP, "</em>")
