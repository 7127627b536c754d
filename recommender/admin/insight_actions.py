"""What a person does with a run of insight: asks for another like it, or cancels it."""

from django.urls import reverse
from django.utils.html import format_html

from recommender.admin.confirmation import ActionError, Question
from recommender.insight import runs
from recommender.insight.kind import InsightError
from recommender.insight.kinds import KINDS
from recommender.models import InsightRun


def address(run: InsightRun) -> str:
    """Of the run's page."""
    return reverse("admin:recommender_insightrun_change", args=[run.pk])


def title(run: InsightRun) -> str:
    """What its kind is called; a kind that is gone by its name."""
    return KINDS[run.kind].title if run.kind in KINDS else run.kind


def question_again(run: InsightRun) -> Question:
    """What a person confirms who asks again."""
    return Question(
        title=f"{title(run)} of {run.catalog} again",
        text=f"Workers do it with the same parameters and the vectors of now. Of each kind the "
        f"latest {runs.KEPT} runs are kept.",
        button="Run again",
    )


def question_cancel(run: InsightRun) -> Question:
    """What a person confirms who cancels."""
    return Question(
        title=f"Cancel {title(run).lower()} of {run.catalog}",
        text="It ends within seconds and keeps nothing.",
        button="Cancel the run",
    )


def again(run: InsightRun) -> str:
    """Ask for a run with the same parameters; what was done, in words.

    Raises:
        ActionError: it cannot be.
    """
    kind = KINDS.get(run.kind)
    if kind is None:
        raise ActionError(f"There is no kind {run.kind!r} any more.")
    try:
        new = runs.request(run.catalog, kind, kind.read(run.parameters))
    except (InsightError, runs.AlreadyRunningError, ValueError) as exc:
        raise ActionError(str(exc)) from exc
    return format_html('<a href="{}" class="underline">The new run</a> waits.', address(new))


def cancel(run: InsightRun) -> str:
    """End a run; what was done, in words."""
    return "It is cancelled." if runs.cancel(run) else "It had ended already."
