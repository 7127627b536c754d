import json
from dataclasses import replace

import pytest

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
    assert first["by_history"][0]["segment"] == "0"
    assert first["by_history"][0]["users"] == 12
    assert first["by_age"][1] == {"segment": "untouched", "users": 2, "recall": None}


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


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (0.181, 0.148, "22 % better than the best simple method (NDCG@20 .181 against .148)"),
        (0.1, 0.2, "50 % worse than the best simple method (NDCG@20 .100 against .200)"),
        (0.181, 0.18, "neither clearly better nor worse than the best simple method (NDCG@20 .181"),
        (0.2, 0.0, "better than the best simple method (NDCG@20 .200 against .000)"),
    ],
)
def test_the_verdict_is_a_sentence_about_the_rank_and_the_best_of_the_others(
    ours: float, theirs: float, said: str
) -> None:
    methods = [
        method("als", theirs, "channel"),
        method("blend", ours, "ranker"),
        method("kNN", theirs / 2),
    ]

    assert said in evaluation(*methods).verdict
