"""Public sets of products, and the products that are named in public sets of events."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from recommender.catalog import values
from recommender.importing.converters import digits_of, words
from recommender.importing.formats import (
    Format,
    Headless,
    beside,
    category,
    made,
    one_of,
    texts,
)
from recommender.importing.mapping import column, path
from recommender.importing.row import Row, Values

# Amazon: https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2/ and https://amazon-reviews-2023.github.io


def _amazon_price(row: Values) -> Any:
    """The price, or the lower end of a range; what is no price is none."""
    written = str(row.get("price") or "").split(" - ")[0].strip()
    return written if digits_of(written) else None


def _amazon_images(row: Values) -> list[str]:
    given = row.get("images") or row.get("imageURLHighRes") or row.get("imageURL") or []
    if isinstance(given, dict):  # lists by size, as the Parquet files have them
        images = zip(*given.values(), strict=False)
        given = [dict(zip(given, image, strict=False)) for image in images]
    if isinstance(given, str):
        given = [given]
    addresses = [
        image
        if isinstance(image, str)
        else next((image[size] for size in ("hi_res", "large", "thumb") if image.get(size)), None)
        for image in given
    ]
    return [address for address in addresses if address][: values.MAX_URLS]


def _amazon_category(row: Values) -> str | None:
    given = row.get("categories") or row.get("category") or row.get("main_category")
    if isinstance(given, list) and given and isinstance(given[0], list):
        given = given[0]
    path = category(given if isinstance(given, list) else [given] if given else [])
    return path[: values.MAX_LABEL] if path else None


AMAZON = Format(
    name="amazon",
    title="Amazon product metadata of 2018 or 2023",
    kind="products",
    marks=(
        frozenset({"parent_asin", "title"}),
        frozenset({"asin", "title"}),
    ),
    fields={
        "id": one_of("parent_asin", "asin"),
        "title": column("title"),
        "description": made(
            lambda row: texts(row.get("description"), row.get("features") or row.get("feature")),
            *("description", "features", "feature"),
        ),
        "category": made(_amazon_category, "categories", "category", "main_category"),
        "brand": one_of("brand", "store"),
        "price": made(_amazon_price, "price"),
        "currency": made(lambda row: "USD" if _amazon_price(row) else None, "price"),
        "image_urls": made(_amazon_images, "images", "imageURLHighRes", "imageURL"),
    },
)

# MovieLens, H&M and Instacart: https://grouplens.org/datasets/movielens/,
# https://www.kaggle.com/c/h-and-m-personalized-fashion-recommendations,
# https://www.kaggle.com/c/instacart-market-basket-analysis
_GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance"),
    *("Sci-Fi", "Thriller", "War", "Western"),
)


def _genres(row: Values) -> list[str] | None:
    if "genres" in row:
        return [name for name in words(row["genres"], "|") or () if "no genres" not in name] or None
    return [name for name in _GENRES if row.get(name) == "1"] or None


MOVIELENS_MOVIES = Format(
    name="movielens",
    title="the films of MovieLens",
    kind="products",
    marks=(frozenset({"movieId", "title", "genres"}),),
    headless=(
        Headless(("movieId", "title", "genres"), "::", (r"\d+", r".*\(\d{4}\)", r"[\w|' -]+")),
        Headless(
            ("movieId", "title", "release date", "video release date", "IMDb URL", *_GENRES),
            "|",
            (r"\d+", ".+", r"(\d\d-\w{3}-\d{4})?", ".*", ".*", *["[01]"] * len(_GENRES)),
        ),
    ),
    fields={
        "id": column("movieId"),
        "title": column("title"),
        "category": made(lambda row: next(iter(_genres(row) or ()), None), "genres", "unknown"),
        "released_at": column("release date"),
        "attributes.genres": made(_genres, "genres", "unknown"),
    },
)

HM_ARTICLES = Format(
    name="hm",
    title="the articles of H&M",
    kind="products",
    marks=(frozenset({"article_id", "prod_name", "product_type_name"}),),
    fields={
        "id": column("article_id"),
        "title": column("prod_name"),
        "description": column("detail_desc"),
        "category": made(
            lambda row: category(
                [row.get(name) or "" for name in ("product_group_name", "product_type_name")]
            ),
            *("product_group_name", "product_type_name"),
        ),
        "attributes.color": column("colour_group_name"),
        "attributes.pattern": column("graphical_appearance_name"),
        "attributes.department": column("department_name"),
        "attributes.section": column("section_name"),
    },
)


def _instacart_rows(rows: Iterator[Row], file: Path) -> Iterator[Row]:
    """The rows with the names of their aisle and department, which have files of their own."""
    aisles = {row["aisle_id"]: row["aisle"] for row in beside(file, "aisles.csv")}
    parts = {row["department_id"]: row["department"] for row in beside(file, "departments.csv")}
    for row in rows:
        names = [
            parts.get(row.values.get("department_id", ""), ""),
            aisles.get(row.values.get("aisle_id", ""), ""),
        ]
        yield replace(row, values={**row.values, "path": category(names)})


INSTACART_PRODUCTS = Format(
    name="instacart",
    title="the products of Instacart",
    kind="products",
    marks=(frozenset({"product_id", "product_name", "aisle_id", "department_id"}),),
    fields={
        "id": column("product_id"),
        "title": column("product_name"),
        "category": made(lambda row: row.get("path"), "aisle_id"),
    },
    rows=_instacart_rows,
    note="products.csv, with aisles.csv and departments.csv beside it.",
)


# One item of an event, in a row that was made of it.
GA4_ITEM = path("items[]", each=True)


def ga4_left_out(row: Values) -> str | None:
    """Why an item of an event is none: such as analytics write it where they know none."""
    item = GA4_ITEM.value(row)
    is_one = isinstance(item, dict) and item.get("item_id") not in (None, "", "(not set)")
    return None if is_one else "events without items"


RETAILROCKET_ITEMS = Format(
    name="retailrocket",
    title="events of RetailRocket, for the products in them",
    kind="products",
    marks=(frozenset({"visitorid", "itemid", "event"}),),
    fields={"id": column("itemid")},
    note="events.csv names the products; they get no titles.",
)


def _ga4_category(row: Values) -> str | None:
    item = GA4_ITEM.value(row) or {}
    return category([item.get(f"item_category{level}") or "" for level in ("", "2", "3", "4", "5")])


GA4_ITEMS = Format(
    name="ga4",
    title="a BigQuery export of Google Analytics 4, for the products in it",
    kind="products",
    marks=(frozenset({"event_name", "event_timestamp", "items"}),),
    fields={
        "id": path("items[].item_id", each=True),
        "title": path("items[].item_name", each=True),
        "brand": path("items[].item_brand", each=True),
        "price": path("items[].price", each=True),
        "category": replace(GA4_ITEM, value=_ga4_category),
    },
    left_out=ga4_left_out,
)

FORMATS = (
    *(AMAZON, MOVIELENS_MOVIES, HM_ARTICLES, INSTACART_PRODUCTS, RETAILROCKET_ITEMS, GA4_ITEMS),
)
