from prometheus_client import REGISTRY

from recommender.engine import trace
from recommender.engine.answer import Answer, Item
from recommender.monitoring import lists


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def answer(number: int, **degraded: str) -> Answer:
    items = tuple(Item(f"p{place}", 1.0, "text", {}) for place in range(number))
    return Answer(items=items, degraded=degraded)


def test_a_list_counts_as_full_short_or_empty():
    for number in (3, 3, 2, 0):
        lists.count("of_test", answer(number), 3, None)
    counted = [
        value("kinship_lists_total", operation="of_test", **{"is": state})
        for state in ("full", "short", "empty")
    ]
    assert counted == [2, 1, 1]


def test_what_did_not_run_is_counted_by_its_reason():
    lists.count("of_degraded", answer(1, diversity="no_space"), 1, None)
    labels = {"operation": "of_degraded", "part": "diversity", "reason": "no_space"}
    assert value("kinship_degraded_lists_total", **labels) == 1


def test_stages_and_sources_are_counted_of_a_recorded_list():
    with trace.recording() as recorder, trace.stage("sources"):
        trace.note(popular=40, text=100)
    lists.count("of_stages", answer(1), 1, recorder)

    stage = {"operation": "of_stages", "stage": "sources"}
    assert value("kinship_stage_seconds_count", **stage) == 1
    proposed = {"operation": "of_stages", "source": "text"}
    assert value("kinship_candidates_sum", **proposed) == 100
