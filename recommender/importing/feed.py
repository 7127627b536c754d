"""Fetching and importing a feed that was claimed."""

from typing import Any

from django.conf import settings
from django.utils import timezone

from recommender.catalog import feeds
from recommender.catalog.feeds import Claim
from recommender.importing import command, product_arguments
from recommender.importing.fetching import UnreachableError
from recommender.importing.progress import Summary
from recommender.importing.row import RefusedError
from recommender.models import Feed


def fetch(claim: Claim) -> None:
    """Fetch a feed and import it; what came of it is written to the feed.

    Raises:
        LockLostError: another process may be at it.
    """
    feed, said = claim.feed, list[str]()
    try:
        options = _options(feed)
        make_intake = product_arguments.make_intake(options)
        summary = command.imported(
            product_arguments.FORMATS, options, feed.catalog, make_intake, said.append
        )
    except UnreachableError as exc:
        feeds.fail(feed, str(exc), may_pass=True)
    except RefusedError as exc:
        feeds.fail(feed, str(exc), "\n".join(said))
    else:
        claim.check()
        _keep(feed, summary, "\n".join(said))


def _options(feed: Feed) -> dict[str, Any]:
    """What the command would be told.

    Raises:
        RefusedError: the feed's own options are not right.
    """
    rejects = settings.STACK.data_dir / "rejects" / f"{feed.catalog.name}-feed.csv"
    return product_arguments.parse(feed.options) | {
        "file": feed.url,
        "format": feed.format,
        "replace": feed.replace,
        "force": feed.is_forced,
        "anew": feed.is_forced,
        "rejects": rejects,
        "dry_run": False,
    }


def _keep(feed: Feed, summary: Summary | None, report: str) -> None:
    """Write the result, of which a part may have been withheld."""
    if summary is None:
        feeds.succeed(feed, Feed.Status.UNCHANGED, report)
        return
    result: dict[str, Any] = {"counts": summary.counts, "imported_at": timezone.now()}
    if summary.failure:
        feeds.fail(feed, summary.failure, report, **result)
    else:
        feeds.succeed(feed, Feed.Status.DONE, report, **result)
