"""The errors that calls may answer with, as examples."""

from recommender.api import codec, problems, user_tokens
from recommender.api.problems import Problem

UNKNOWN = "sku-404"
UNKNOWN_ANSWER = "019bf0f4-6a5e-7a57-9c0a-1f9f6d6f5b11"
PRODUCT_ID, USER_ID = "foo-001", "sim-coffee-lover-01"


def invalid(where: str, message: str) -> Problem:
    """A member or a parameter that is not right."""
    errors = [{"where": where, "message": message}]
    return Problem(400, "invalid", f"{where}: {message}", errors=errors)


def unknown(noun: str, name: str = UNKNOWN) -> Problem:
    """There is no such product or user."""
    return Problem(404, f"unknown-{noun}", f"There is no {noun} {name!r}.", missing_ids=[name])


def unknown_answer() -> Problem:
    """No answer of this id is kept."""
    detail = f"There is no answer {UNKNOWN_ANSWER!r}; answers are kept for an hour. Ask anew."
    return Problem(404, "unknown-answer", detail)


def wrong_scope(needed: str) -> Problem:
    """A key that may not do that."""
    detail = f"This needs a key of scope {needed}; yours is of scope embed."
    return Problem(403, "wrong-scope", detail)


NO_KEY = Problem(401, "no-key", "Send your API key as 'Authorization: Bearer KEY'.")
UNKNOWN_KEY = Problem(401, "unknown-key", "The API key is unknown, revoked or expired.")
WRONG_ORIGIN = Problem(
    403, "wrong-origin", "This key is for pages of https://shop.example.org, not others."
)
TOO_OFTEN = Problem(
    429, "too-many-requests", "This key may be used 600 times a minute. Ask again in 7 s."
)
DATABASE = (problems.DATABASE_AWAY, problems.took_too_long(10))
KEY = (NO_KEY, UNKNOWN_KEY, WRONG_ORIGIN, TOO_OFTEN, *DATABASE)
SERVER = (*KEY, wrong_scope("server"))
MANAGING = (*KEY, wrong_scope("admin or server"))
_FIELDS = "This key reads price, title, not 'brand'."
BOUND = (
    Problem(
        403,
        "other-placement",
        "This key is for the placements home; the request names no placement.",
    ),
    Problem(403, "other-field", _FIELDS, errors=[{"where": "fields", "message": _FIELDS}]),
)
ANY = (*KEY, wrong_scope("browser or server"), *BOUND)
SEARCH_KEY = (*KEY, wrong_scope("browser or search or server"), *BOUND)
INSIGHT_KEY = (*KEY, wrong_scope("insight or server"))
NO_TOKEN = Problem(
    401,
    "invalid-user-token",
    "The user token is not valid: it has expired; fetch another from your server.",
)
OTHER_USER = Problem(
    403, "other-user", f"The user token is not of user {USER_ID!r}. {user_tokens.NEEDED}"
)
NEEDS_TOKEN = Problem(
    403, "needs-user-token", f"user is known to the shop's server. {user_tokens.NEEDED}"
)
PARAMETER = Problem(400, "unknown-parameter", "Unknown parameter 'colour'; known: none.")
TOO_LARGE = (
    problems.slow_body(30),
    Problem(
        413, "too-large", "The body is too large; send it in parts, or raise KINSHIP_MAX_BODY_MB."
    ),
    codec.too_many_values(22_369_619),
)
NOT_JSON = Problem(
    400,
    "not-json",
    "The body is not JSON: unexpected end of data: line 1 column 2 (char 1).",
)
EMPTY = Problem(400, "empty-body", "Send a JSON array, or one JSON object a line.")
FILTER_SAYS = "Unknown field 'colr'. Did you mean colour? Known fields: id, title, brand, …."
FILTER = Problem(
    400,
    "invalid-filter",
    FILTER_SAYS,
    errors=[{"where": "filter.colr", "message": FILTER_SAYS}],
)
_NO_PLACEMENT = "There is no placement 'hoem'; there are: cart, home, product, search."
NO_PLACEMENT = Problem(
    400,
    "unknown-placement",
    _NO_PLACEMENT,
    errors=[{"where": "scenario", "message": _NO_PLACEMENT}],
)
NOT_BY_BROWSERS = Problem(
    403,
    "needs-server-key",
    "A browser key has what is published, by its rules: this needs a server key.",
)
TOO_MANY = invalid("body.count", "Input should be less than or equal to 1000")
BAD_PRICE = invalid("body.price", "is negative")
NO_LONGER = invalid("path.product_id", "String should have at most 255 characters")
NO_USER = invalid("path.user_id", "String should have at most 255 characters")
SAME_USER = Problem(400, "same-user", f"`from` is user {USER_ID!r} already; name another.")
UNMERGE_CONFLICTS = (
    Problem(
        409,
        "merge-too-old",
        f"User 'visitor-4f1c2a9e' was merged into {USER_ID!r} at 2026-01-20 10:00 UTC; a merge can "
        "be undone for a day.",
    ),
    Problem(
        409,
        "merged-on",
        f"User {USER_ID!r} was merged into 'customer-7' since; undo that merge first.",
    ),
)
NOT_MERGEABLE = Problem(409, "not-mergeable", "There is no product 'sku-404'.")
NO_TYPE = Problem(400, "invalid", "type Field required; user Field required")
TWO_IDS = Problem(400, "two-ids", "The body says 'foo-002', the address 'foo-001'.")
SYNC = "2026-01-22 nightly"
SYNC_CONFLICTS = (
    Problem(
        409,
        "too-many-removed",
        "90 of the 240 products on sale are not in any page, which is more than 20%. Nothing was "
        "taken off sale. Send the pages that are missing, and `done` again; if these products are "
        "to go, with `force`.",
        accepted=0, rejected=0, removed=0, would_remove=90, on_sale=240,
    ),
    Problem(
        409,
        "nothing-sent",
        f"No page of the sync {SYNC!r} had a product that could be taken, so nothing was taken "
        "off sale. Send the products, and then `done`.",
        accepted=0, rejected=0, removed=0,
    ),
    Problem(
        409,
        "token-used",
        f"The sync {SYNC!r} was done at 2026-01-22 02:10 UTC, and this is not a page of it. "
        "Give the next sync another token, such as the time it begins.",
    ),
)  # fmt: skip
