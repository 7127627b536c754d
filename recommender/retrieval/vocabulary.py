"""The words of a catalog: counted, its language recognised, and what a query's words mean there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils import timezone
from psycopg import sql

from recommender import database
from recommender.models import Catalog

# A language is recognised by its stop words: by this share of all words, and so many of them.
_STOP_WORDS, _MOST_SAMPLED = 0.04, 2000
_FEWEST_STOP_WORDS = 20

# Words that a search by words may ask for: longer texts are descriptions, not questions.
MOST_WORDS = 16
_MOST_CHARACTERS = 500
# So many words of the catalog may stand for one that it does not have.
_ALTERNATIVES = 3
# Of a word that may be two, each half is so long at least.
_SHORTEST_HALF = 3
# Words of up to so many letters are no misspellings; of up to so many they have one edit, longer
# ones two, as Lucene's fuzzy queries have it: at two edits a short word is another word.
_NO_EDIT, _ONE_EDIT = 2, 5
# A word at one edit more is as likely as one that e⁴, some fifty, times fewer products have.
_AN_EDIT = 4.0

_TEXT = sql.SQL("""
concat_ws(' ', left(p.title, 2000), p.brand, replace(p.category, '/', ' '),
    CASE WHEN length(p.attributes::text) <= 20000
         THEN (SELECT string_agg(value #>> '{}', ' ') FROM jsonb_each(p.attributes)
               WHERE jsonb_typeof(value) <> 'object') END,
    left(p.description, 20000))
""")

# Words without a stem are stop words, and nobody finds anything by them.
_COUNT = sql.SQL("""
INSERT INTO recommender_searchword (catalog_id, word, stem, products)
SELECT {catalog}, counted.word, stem.stem, counted.products FROM (
    SELECT word, count(*) AS products
    FROM recommender_product p,
         unnest(tsvector_to_array(to_tsvector('kinship_simple', {text}))) AS word
    WHERE p.catalog_id = {catalog} AND p.deleted_at IS NULL AND length(word) <= 40
    GROUP BY word
) counted, kinship_languages l,
LATERAL (SELECT (tsvector_to_array(to_tsvector(l.config, counted.word)))[1] AS stem) stem
WHERE l.catalog_id = {catalog} AND stem.stem IS NOT NULL
""")

_RECOGNISE = sql.SQL("""
WITH sampled AS (
    SELECT word, count(*) AS times FROM (
        SELECT {text} AS text FROM recommender_product p
        WHERE p.catalog_id = {catalog} AND p.deleted_at IS NULL
        ORDER BY hashint8(p.id) LIMIT {sample}
    ) p, unnest(tsvector_to_array(to_tsvector('pg_catalog.simple', p.text))) AS word
    GROUP BY word
)
SELECT l.name, sum(s.times) FILTER (WHERE ts_lexize(l.stemmer, s.word) = '{{}}'), sum(s.times)
FROM sampled s, (
    SELECT c.cfgname AS name, d.oid::regdictionary AS stemmer
    FROM pg_ts_config c JOIN pg_ts_dict d ON d.dictname = c.cfgname || '_stem'
    WHERE c.cfgnamespace = 'pg_catalog'::regnamespace
) l
GROUP BY l.name ORDER BY 2 DESC NULLS LAST, l.name LIMIT 1
""")

# What a count takes, and how many times as long there is before the next one.
_SECONDS_A_PRODUCT = 60 * 100e-6

_DUE = """
SELECT c.id FROM recommender_catalog c
WHERE (c.words_counted_at IS NULL OR c.words_counted_at
        < now() - greatest(1, %(a_product)s * c.words_counted_of) * interval '1 second')
  AND (c.language NOT IN ('', c.search_language) OR (
    SELECT max(p.updated_at) FROM recommender_product p WHERE p.catalog_id = c.id
  ) >= COALESCE(c.words_counted_at, '-infinity'))
ORDER BY c.id
"""

_REWRITE = """
UPDATE recommender_searchdocument d SET lexemes = kinship_lexemes(p, l.config)
FROM recommender_product p JOIN kinship_languages l ON l.catalog_id = p.catalog_id
WHERE p.id = d.product_id AND p.catalog_id = %s
"""

# A row a word of the query, each with words of the catalog that may be meant, as (word, stem,
# products): one that it makes with the next; where no product has it, those that begin so; else
# two that it is made of; and those that it may be a misspelling of: the likeliest at one or two
# edits (Levenshtein 1966; two letters swapped are one), of those that share trigrams or the first
# letter with it. What a word does not need is told inside each part: a condition of the join would
# have it found first and thrown away then.
_LOOK_UP = sql.SQL("""
SELECT w.token, w.stem, w.products, joined.words AS joined, completed.words AS completed,
    halves.words AS halves, corrected.words AS corrected
FROM (
    SELECT t.place, t.token, t.plain, stem.stem,
        lead(t.plain) OVER (ORDER BY t.place) AS next_plain,
        (SELECT COALESCE(sum(s.products), 0)::bigint FROM recommender_searchword s
         WHERE s.catalog_id = {catalog} AND s.stem = stem.stem) AS products
    FROM (
        SELECT place, token, left(lower(unaccent(token)), 40) AS plain
        FROM ts_parse('default', %(text)s) WITH ORDINALITY AS t(kind, token, place)
        WHERE kind NOT IN (12, 13, 14, 15, 16, 17, 23)
    ) t, kinship_languages l,
        LATERAL (SELECT (tsvector_to_array(to_tsvector(l.config, t.token)))[1] AS stem) stem
    WHERE l.catalog_id = {catalog} AND stem.stem IS NOT NULL
    ORDER BY t.place LIMIT {most}
) w
LEFT JOIN LATERAL (
    SELECT json_build_array(s.word, s.stem, s.products) AS words FROM recommender_searchword s
    WHERE s.catalog_id = {catalog} AND s.word = w.plain || w.next_plain
) joined ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(s.word, s.stem, s.products)) AS words FROM (
        SELECT s.* FROM recommender_searchword s
        WHERE w.products = 0 AND length(w.plain) >= 2
          AND s.catalog_id = {catalog} AND s.word >= w.plain COLLATE "C"
          AND s.word < (w.plain || chr(1114111)) COLLATE "C"
        ORDER BY s.products DESC, s.word LIMIT {alternatives}
    ) s
) completed ON true
LEFT JOIN LATERAL (
    SELECT json_build_array(json_build_array(a.word, a.stem, a.products),
                            json_build_array(b.word, b.stem, b.products)) AS words
    FROM generate_series({half}, length(w.plain) - {half}) i, LATERAL (
        SELECT s.* FROM recommender_searchword s
        WHERE s.catalog_id = {catalog} AND s.word = left(w.plain, i) LIMIT 1
    ) a, LATERAL (
        SELECT s.* FROM recommender_searchword s
        WHERE s.catalog_id = {catalog} AND s.word = substr(w.plain, i + 1) LIMIT 1
    ) b
    WHERE w.products = 0 AND completed.words IS NULL
    ORDER BY least(a.products, b.products) DESC, i LIMIT 1
) halves ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(s.word, s.stem, s.products)) AS words FROM (
        SELECT s.* FROM (
            SELECT s.*,
                CASE WHEN s.word = ANY(swapped.words) THEN 1
                     ELSE levenshtein_less_equal(s.word, w.plain, 2) END AS edits
            FROM (SELECT ARRAY(
                SELECT overlay(w.plain PLACING reverse(substr(w.plain, i, 2)) FROM i FOR 2)
                FROM generate_series(1, length(w.plain) - 1) i) AS words) swapped,
                recommender_searchword s
            WHERE w.products = 0 AND completed.words IS NULL AND halves.words IS NULL
              AND length(w.plain) > {no_edit} AND s.catalog_id = {catalog} AND (
                s.word %% w.plain OR s.word = ANY(swapped.words)
                OR (s.word >= left(w.plain, 1) COLLATE "C"
                    AND s.word < (left(w.plain, 1) || chr(1114111)) COLLATE "C"))
        ) s WHERE s.edits <= CASE WHEN length(w.plain) > {one_edit} THEN 2 ELSE 1 END
        ORDER BY {an_edit} * s.edits - ln(s.products), s.word LIMIT {alternatives}
    ) s
) corrected ON true
ORDER BY w.place
""")

_Known = tuple[str, str, int]  # a word, its stem, and how many products have it


@dataclass(frozen=True, slots=True)
class Term:
    """Stems that a product has to have, all of them, and how many products do, at most."""

    stems: tuple[str, ...]
    products: int


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query, and what of the catalog it may mean: any of the terms."""

    typed: str
    terms: tuple[Term, ...]  # itself first
    meant: str = ""  # what it is taken for, where it is taken for a misspelling
    synonyms: tuple[tuple[str, Term], ...] = ()  # as they were written, and what they are

    @property
    def products(self) -> int:
        """How many products have it, at most."""
        return sum(term.products for term in (*self.terms, *(term for _, term in self.synonyms)))


def look_up(catalog: Catalog, text: str) -> Sequence[QueryWord]:
    """The words of a query, without stop words: each as the catalog has it.

    A word that no product has stands for those that begin with it, or for the two that it is made
    of, or for the nearest by spelling; two words in a row also for the one that they make. The
    words of a product that came in since words were counted are not known yet, and stand for
    themselves. Remembered until words are counted anew.
    """
    text, counted_at = text[:_MOST_CHARACTERS], catalog.words_counted_at
    if counted_at is None:
        return _look_up(catalog.pk, text)
    return _known(catalog.pk, counted_at, text)


@lru_cache(maxsize=10_000)  # some 20 MB a process
def _known(catalog_id: int, counted_at: datetime, text: str) -> Sequence[QueryWord]:  # noqa: ARG001
    return _look_up(catalog_id, text)


def _look_up(catalog_id: int, text: str) -> Sequence[QueryWord]:
    rows = database.fetch_named(_statement(catalog_id), {"text": text})
    words: dict[tuple[str, ...], QueryWord] = {}
    before: list[Term] = []
    for row in rows:
        joined = [_term(row.joined)] if row.joined else []
        word = _query_word(row, [*before, *joined])
        words.setdefault(word.terms[0].stems, word)
        before = joined
    return tuple(words.values())


@lru_cache(maxsize=1000)
def _statement(catalog_id: int) -> bytes:
    return _LOOK_UP.format(
        catalog=sql.Literal(catalog_id),
        most=sql.Literal(MOST_WORDS),
        alternatives=sql.Literal(_ALTERNATIVES),
        half=sql.Literal(_SHORTEST_HALF),
        an_edit=sql.Literal(_AN_EDIT),
        no_edit=sql.Literal(_NO_EDIT),
        one_edit=sql.Literal(_ONE_EDIT),
    ).as_bytes(None)


def _query_word(row: Any, compounds: Sequence[Term]) -> QueryWord:
    itself = Term((row.stem,), row.products)
    corrected: Sequence[_Known] = row.corrected or ()
    terms = [itself, *compounds, *map(_term, row.completed or ()), *map(_term, corrected)]
    if row.halves:
        terms.append(
            Term(
                tuple(stem for _, stem, _ in row.halves),
                min(products for *_, products in row.halves),
            )
        )
    return QueryWord(row.token, tuple(dict.fromkeys(terms)), corrected[0][0] if corrected else "")


def _term(known: _Known) -> Term:
    _, stem, products = known
    return Term((stem,), products)


def meant(text: str, words: Sequence[QueryWord]) -> str:
    """The text with the words that its misspelt ones are taken for."""
    for word in words:
        if word.meant:
            # Doubled: in what is put in, a backslash is no letter.
            meaning = word.meant.replace("\\", r"\\")
            text = re.sub(rf"\b{re.escape(word.typed)}\b", meaning, text)
    return text


def count(catalog: Catalog) -> None:
    """Count the catalog's words anew, and recognise its language where none is set.

    In another language the lexemes of all products are made anew; until that is done, they are
    found by the old ones. Each takes some 5 seconds of 100,000 products.
    """
    with transaction.atomic():
        # One at a time; no_key: products of the catalog can be added meanwhile.
        row = Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        started = timezone.now()
        language = row.language or _recognise(row)
        if language != row.search_language:
            row.search_language = language
            row.save(update_fields=["search_language"])
            database.execute(_REWRITE, (row.pk,))
        database.execute("DELETE FROM recommender_searchword WHERE catalog_id = %s", (row.pk,))
        database.execute(_COUNT.format(catalog=sql.Literal(row.pk), text=_TEXT))
        products = row.products.filter(deleted_at=None).count()
        Catalog.objects.filter(pk=row.pk).update(
            words_counted_at=started, words_counted_of=products
        )


def _recognise(catalog: Catalog) -> str:
    """The language of the products' texts by their stop words; where they have few, as it was."""
    query = _RECOGNISE.format(
        catalog=sql.Literal(catalog.pk), text=_TEXT, sample=sql.Literal(_MOST_SAMPLED)
    )
    for language, stop_words, words in database.fetch(query):
        if stop_words and stop_words >= max(_FEWEST_STOP_WORDS, _STOP_WORDS * float(words)):
            return str(language)
    return catalog.search_language


def due() -> list[int]:
    """Keys of the catalogs whose words are to be counted: products have changed since, and counting
    again takes no more than a sixtieth of a core."""
    return [row[0] for row in database.fetch(_DUE, {"a_product": _SECONDS_A_PRODUCT})]
