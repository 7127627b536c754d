"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How grave it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it."""

    check: str
    level: Level
    text: str = ""
    mend: str = ""


def warning(check: str, text: str, mend: str) -> Finding:
    """What may go wrong, or does for a part."""
    return Finding(check, Level.WARNING, text, mend)


def error(check: str, text: str, mend: str) -> Finding:
    """What is wrong now."""
    return Finding(check, Level.ERROR, text, mend)
