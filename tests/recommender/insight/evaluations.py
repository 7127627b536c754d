"""An evaluation to document and to draw, of made-up numbers."""

from datetime import UTC, datetime

from recommender.insight.evaluation_result import METRICS, Evaluation, Kind, MethodResult, Segment
from recommender.ranking.metrics import Interval


def method(name: str, ndcg: float, kind: Kind = "channel", note: str = "") -> MethodResult:
    """Whose every metric is around its NDCG."""
    interval = Interval(ndcg, ndcg - 0.01, ndcg + 0.01)
    return MethodResult(
        name=name,
        kind=kind,
        metrics=dict.fromkeys(METRICS, interval),
        by_history=(
            Segment("0", 12, {"ndcg": interval, "recall": interval}),
            Segment("1-3", 30, {"ndcg": interval, "recall": interval}),
        ),
        by_age=(Segment("<30", 8, {"recall": interval}), Segment("untouched", 2, {"recall": None})),
        seconds=2.25,
        note=note,
    )


def evaluation(*methods: MethodResult) -> Evaluation:
    return Evaluation(
        catalog="tea & cups",
        mode="new",
        k=20,
        split="2011-10-01",
        cut_off=datetime(2011, 10, 1, tzinfo=UTC),
        users=1768,
        products=3502,
        methods=methods,
        made_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        command="./kinship evaluate --catalog 'tea & cups'",
        notes=("A sample of <users>.",),
    )


UNMEASURED = MethodResult(name="EASE", kind="baseline", metrics={}, note="too many products")
EVALUATION = evaluation(
    method("popular", 0.04, "baseline"),
    method("learned rank", 0.12, "ranker", note="chosen by selection"),
    UNMEASURED,
    method("text@1 a$b neighbours of a very, very long name that goes on and on", 0.08),
)
