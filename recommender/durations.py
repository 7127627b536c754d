"""Spans of time as people write them: `90m`, `12h`, `30d`, `2w`, `1y`."""

import re

_SECONDS = {
    "s": 1.0,
    "m": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "y": 31_536_000.0,
}
_LONGEST_YEARS = 1000
PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,6})?[smhdwy]$"
_WRITTEN = re.compile(PATTERN, re.ASCII)


def seconds(text: str) -> float:
    """The length of a span of time in seconds.

    Raises:
        ValueError: where the text is no number with a unit, is 0, or over a thousand years.
    """
    if not _WRITTEN.match(text):
        raise ValueError(f"{text[:40]!r} is no span of time; write one as 90m, 12h, 30d, 2w or 1y.")
    span = float(text[:-1]) * _SECONDS[text[-1]]
    if not 0 < span <= _LONGEST_YEARS * _SECONDS["y"]:
        raise ValueError(f"{text!r} is not a span of time above 0 and up to {_LONGEST_YEARS}y.")
    return span
