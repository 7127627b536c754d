"""Progress of long tasks, as lines of the log."""

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from recommender.training.fitting import Progress

log = structlog.get_logger()


def logged(**context: int | str) -> "Progress":
    """Progress as lines of the log: one for each activity."""
    last = ""

    def report(text: str, _done: int = 0, _total: int = 0, /) -> None:
        nonlocal last
        if text != last:
            last = text
            log.info(text, **context)

    return report
