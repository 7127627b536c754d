"""What becomes of a text that has more tokens than a model takes."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from embeddings.errors import TooLong
from embeddings.spec import ModelSpec
from embeddings.tokens import estimate

# The longest token of the vocabularies in use: no more of a text need be looked at for a part.
_TOKEN_CHARACTERS = 18
# A part ends between words where that costs no more than this share of it.
_LOST = 4


class Policy(StrEnum):
    """What is done with a text over the limit."""

    TRUNCATE = "truncate"
    SPLIT = "split"
    REJECT = "reject"


class Treatment(StrEnum):
    """What was done with it."""

    TRUNCATED = "truncated"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text in parts that a model takes; `treatment` is None where nothing had to be done."""

    parts: tuple[str, ...]
    treatment: Treatment | None = None


def is_short(text: str, spec: ModelSpec, max_tokens: int | None = None) -> bool:
    """Whether a text fits for certain, without a look at it: no character is over a token."""
    return len(text) <= (max_tokens or spec.max_tokens)


def fit(text: str, spec: ModelSpec, policy: Policy, max_tokens: int | None = None) -> Fitted:
    """Make a text fit a model, by the estimate of its tokens.

    A model that runs here cuts by its own tokens, more exactly: for it a text to truncate is
    only said to be.

    Args:
        max_tokens: instead of the model's, where that turned out to be too many.

    Raises:
        TooLong: it does not fit, and the policy is to reject it.
    """
    limit = max_tokens or spec.max_tokens
    if is_short(text, spec, max_tokens) or estimate(text) <= limit:
        return Fitted((text,))
    if policy is Policy.REJECT:
        raise TooLong(
            f"The text has about {estimate(text)} tokens, but {spec.key} takes {limit}; "
            "shorten it, or let the space truncate or split it."
        )
    if policy is Policy.SPLIT:
        return Fitted(tuple(_parts(text, limit)), Treatment.SPLIT)
    kept = text[: _end(text, limit)] if spec.is_hosted else text
    return Fitted((kept,), Treatment.TRUNCATED)


def _parts(text: str, limit: int) -> Iterator[str]:
    rest = text.strip()
    while rest:
        end = _end(rest, limit)
        yield rest[:end].rstrip()
        rest = rest[end:].lstrip()


def _end(text: str, limit: int) -> int:
    """How many characters make the first part: a whole number of words where it can be."""
    window = text[: limit * _TOKEN_CHARACTERS]
    most = bisect_right(range(len(window)), limit, key=lambda end: estimate(window[: end + 1]))
    if most == len(text):
        return most
    # Not where a text is written without spaces.
    boundary = max(window.rfind(space, 0, most + 1) for space in " \n\t")
    return boundary if boundary >= most - most // _LOST and boundary > 0 else max(1, most)
