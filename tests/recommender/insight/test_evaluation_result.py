import json
from dataclasses import replace

from recommender.insight.evaluation_result import as_document
from tests.recommender.insight.evaluations import EVALUATION, evaluation, method


def test_the_document_is_json_that_says_all() -> None:
    document = json.loads(json.dumps(as_document(EVALUATION)))

    assert set(document) == {
        "catalog",
        "mode",
        "k",
        "split",
        "cut_off",
        "users",
        "products",
        "made_at",
        "command",
        "notes",
        "methods",
    }
    assert document["cut_off"] == "2011-10-01T00:00:00+00:00"
    first = document["methods"][0]
    assert (first["name"], first["kind"], first["seconds"]) == ("learned rank", "ranker", 2.25)
    assert list(first["metrics"]) == [
        "ndcg",
        "recall",
        "mrr",
        "hit_rate",
        "coverage",
        "novelty",
        "diversity",
        "popularity_bias",
    ]
    assert first["metrics"]["ndcg"] == {"mean": 0.12, "low": 0.11, "high": 0.13}
    assert first["by_history"][0]["segment"] == "1"
    assert first["by_history"][0]["users"] == 12
    assert first["by_age"][1] == {"segment": "unknown", "users": 2, "recall": None}


def test_methods_stand_best_first_and_unmeasured_last() -> None:
    document = json.loads(json.dumps(as_document(EVALUATION)))

    assert [entry["name"][:12] for entry in document["methods"]] == [
        "learned rank",
        "text@1 a$b n",
        "popular",
        "EASE",
    ]
    unmeasured = document["methods"][-1]
    assert set(unmeasured["metrics"].values()) == {None}
    assert unmeasured["note"] == "too many products"


def test_users_with_a_cut_off_each_have_none_in_common() -> None:
    assert as_document(replace(evaluation(method("one", 0.1)), cut_off=None))["cut_off"] is None
