from datetime import timedelta

import pytest

from recommender.insight import search_quality
from recommender.insight.search_quality import JudgedQuery, JudgementsError, read_judgements
from recommender.retrieval import vocabulary
from tests.shop import NOON, event

HEADER = "query,product,grade\n"


def test_judgements_are_read_by_query(tmp_path):
    queries = read_judgements(["kind,query,product,grade\n", "a,red,p1,3\n", "a,red,p2,1\n"])
    assert queries == [JudgedQuery("red", {"p1": 3, "p2": 1}, "a")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no column grade, product, query"),
        (["query,product\n"], "no column grade"),
        ([HEADER], "no judged query"),
        ([HEADER, "red,p1,high\n"], "Line 2: the grade 'high'"),
        ([HEADER, "red,p1,0\n"], "Line 2: the grade '0'"),
        ([HEADER, "red,p1\n"], "Line 2: the grade ''"),
        ([HEADER, ",p1,1\n"], "Line 2: the query or the product is empty"),
    ],
)
def test_a_file_that_is_not_right_says_where(lines, message):
    with pytest.raises(JudgementsError, match=message):
        read_judgements(lines)


def test_a_list_is_worth_more_the_higher_its_good_products_are(stocked):
    vocabulary.count(stocked.catalog)
    stocked.catalog.refresh_from_db()
    best = search_quality.ask(stocked.catalog, JudgedQuery("red puzzle", {"puzzle-red": 3}), k=10)
    assert (best.ndcg, best.reciprocal_rank, best.recall, best.success) == (1.0, 1.0, 1.0, 1.0)
    judged = JudgedQuery("red puzzle", {"puzzle-red": 1, "puzzle-blue": 3, "gone": 3})
    mixed = search_quality.ask(stocked.catalog, judged, k=10)
    assert 0 < mixed.ndcg < 1
    assert mixed.recall == pytest.approx(2 / 3)
    none = search_quality.ask(
        stocked.catalog, JudgedQuery("red puzzle", {"puzzle-red": 3}), k=10, lists={"id"}
    )
    assert (none.ndcg, none.success) == (0.0, 0.0)
    figures = search_quality.summary("search", [best, none])
    assert (figures.queries, figures.ndcg, figures.mrr) == (2, 0.5, 0.5)


def test_purchases_are_replayed_as_searches_of_their_moment(stocked):
    stocked.visit("u1", "mug-red", "mug-green")
    later = NOON + timedelta(days=1)
    stocked.post(event("u1", "mug-blue", type="purchase", at=later))
    stocked.visit("u1", "mug-blue", at=later + timedelta(days=1))
    plain, personal = search_quality.replay(stocked.catalog, most=10, k=10)
    assert len(plain) == len(personal) == 1
    assert plain[0].recall == personal[0].recall == 1.0
