"""Staged products: the one row of each that counts, and what becomes of those the file lacks."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from recommender import database
from recommender.catalog import sync, upsert, values
from recommender.catalog.sync import Removal
from recommender.importing.formats import Format
from recommender.importing.progress import Outcomes
from recommender.importing.staging import Staging
from recommender.models import Catalog

# Of several rows with one id, one with the title that most of them have, and of those the last.
_BEST = sql.SQL("""
SELECT DISTINCT ON (id) * FROM (
    SELECT *, count(*) OVER (PARTITION BY id, title) AS votes FROM {staging} WHERE reason IS NULL
) s ORDER BY id, title IS NOT NULL DESC, votes DESC, row DESC
""")

# Of the rows of one product, the first value of each column, and what all of them say together:
# the lowest price, whether any variant is in stock, and the pictures of all.
_OF_VARIANTS = sql.SQL("""
WITH pictures AS (
    SELECT id, url, min(place) AS place,
        row_number() OVER (PARTITION BY id ORDER BY min(place)) AS rank
    FROM (
        SELECT id, u.url, row * 100 + u.place AS place
        FROM {staging}, jsonb_array_elements_text(image_urls) WITH ORDINALITY u(url, place)
        WHERE reason IS NULL
    ) p GROUP BY id, url
)
SELECT id, {firsts},
    COALESCE(min(price) FILTER (WHERE variant), min(price)) AS price,
    COALESCE(bool_or(in_stock) FILTER (WHERE variant), bool_or(in_stock)) AS in_stock,
    (SELECT jsonb_agg(url ORDER BY place) FROM pictures p WHERE p.id = s.id AND rank <= {most})
        AS image_urls
FROM {staging} s WHERE reason IS NULL
GROUP BY id HAVING bool_and(hidden IS NULL) AND NOT bool_and(variant)
""")
_FIRST = "(array_agg({0} ORDER BY variant, row) FILTER (WHERE {0} IS NOT NULL))[1] AS {0}"
_TOGETHER = {"price", "in_stock", "image_urls"}

# A rejected row is of a product that the shop has; what its format leaves out is not for sale.
_SEEN = sql.SQL(
    "SELECT id FROM {staging} WHERE id IS NOT NULL GROUP BY id HAVING count(hidden) = 0"
)
_UNNAMED = sql.SQL("""
SELECT text, total FROM (
    SELECT left(raw, {row}) AS text, sum(length(left(raw, {row}))) OVER (ORDER BY row) AS total
    FROM {staging} WHERE reason IS NOT NULL AND id IS NULL
) unnamed WHERE total <= {all} + {row} ORDER BY total
""")
# Of rows without an id: every product that is not seen is looked for in all of them.
_MOST_OF_ROW, _MOST_UNNAMED = 10_000, 200_000  # characters
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def best(staging: Staging, form: Format | None) -> sql.Composed:
    """A SELECT of one row for each product."""
    if not (form and form.variant):
        return _BEST.format(staging=staging.table)
    names = [name for name in upsert.COLUMNS if name not in _TOGETHER]
    return _OF_VARIANTS.format(
        staging=staging.table,
        firsts=sql.SQL(", ").join(sql.SQL(_FIRST).format(sql.Identifier(name)) for name in names),
        most=sql.Literal(values.MAX_URLS),
    )


@dataclass(frozen=True, slots=True)
class _Unnamed:
    """The texts of rows whose id cannot be read, as they are and without escapes.

    Attributes:
        is_whole: whether they are all of them, and not only as many as can be searched.
    """

    texts: Sequence[str]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Replacement:
    """What happens to the products that a file no longer has.

    Attributes:
        force: however many they are.
    """

    catalog: Catalog
    force: bool

    def begin(self, staging: Staging) -> None:
        """Note what is on sale, and until when; a killed import's beginning counts."""
        if not staging.temporary:
            sync.begin(self.catalog, staging.name)

    def finish(self, staging: Staging, products: int) -> Outcomes:
        """Take off sale what was not in the file.

        Args:
            products: that were taken from it.
        """
        unnamed = _unnamed(staging)
        doubt = self._doubt(products, unnamed)
        under_way = sync.begin(self.catalog, staging.name)
        if doubt:
            sync.close(under_way)
            return Outcomes({}, withheld=f"{doubt} Nothing was taken off sale.")
        removal = sync.finish(under_way, _seen(staging), force=self.force, texts=unnamed.texts)
        sync.close(under_way)
        if removal.is_refused:
            return Outcomes({}, withheld=_refusal(removal, "Nothing was taken off sale."))
        return Outcomes(_counts("products taken off sale", removal), notes=_notes(unnamed))

    def preview(self, staging: Staging, products: int) -> Outcomes:
        """How many would go; writes nothing."""
        unnamed = _unnamed(staging)
        if doubt := self._doubt(products, unnamed):
            return Outcomes({}, notes=(f"{doubt} Nothing would be taken off sale.",))
        removal = sync.preview(self.catalog, _seen(staging), unnamed.texts)
        notes = _notes(unnamed)
        if removal.is_refused and not self.force:
            notes = (_refusal(removal, "Nothing would be taken off sale."),)
        return Outcomes(_counts("products would be taken off sale", removal), notes=notes)

    def _doubt(self, products: int, unnamed: _Unnamed) -> str:
        """Why nothing can be told of what the file lacks; empty where it can."""
        if not products:
            return "The file gives no product."
        if not (self.force or unnamed.is_whole):
            return (
                "Too many of the rejected rows have no id that can be read, so the products that "
                "the file lacks may be among them. Correct the rows, or say --force."
            )
        return ""


def _seen(staging: Staging) -> sql.Composed:
    return _SEEN.format(staging=staging.table)


def _unnamed(staging: Staging) -> _Unnamed:
    query = _UNNAMED.format(
        staging=staging.table, row=sql.Literal(_MOST_OF_ROW), all=sql.Literal(_MOST_UNNAMED)
    )
    rows = database.fetch(query)
    texts = [raw for raw, total in rows if total <= _MOST_UNNAMED]
    plain = [plain for raw in texts if (plain := _unescaped(raw)) != raw]
    return _Unnamed([*texts, *plain], is_whole=len(texts) == len(rows))


def _unescaped(raw: str) -> str:
    """A row of JSON, XML or CSV as it reads."""
    plain = _UNICODE_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), raw).replace('""', '"')
    plain = html.unescape(plain.replace("\\/", "/").replace('\\"', '"'))
    return plain.encode(errors="ignore").decode().replace("\x00", "")


def _refusal(removal: Removal, said: str) -> str:
    return (
        f"{removal.why_refused('in the file')}: it may be cut off, or another catalog's. {said} If "
        "they are to go, say --force."
    )


def _counts(what: str, removal: Removal) -> dict[str, int]:
    kept = {"products kept, which rows without a readable id name": removal.kept}
    return {what: removal.removed} | (kept if removal.kept else {})


def _notes(unnamed: _Unnamed) -> tuple[str, ...]:
    if not unnamed.texts:
        return ()
    return (
        "Of some rejected rows the id cannot be read. Products whose ids stand in them were kept; "
        "if another was meant, it is off sale until its row is corrected and imported again.",
    )
