import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from recommender.insight import plots
from recommender.insight.evaluation_result import Evaluation
from tests.recommender.insight.evaluations import EVALUATION, evaluation, method

Draw = Callable[[Evaluation], str]

DRAWINGS = (plots.accuracy, plots.by_history, plots.by_age, plots.trade_offs)


@pytest.mark.parametrize("draw", DRAWINGS)
def test_a_drawing_is_one_element_with_words_for_who_does_not_see_it(draw: Draw) -> None:
    root = ET.fromstring(draw(EVALUATION))

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert "@20" in root.get("aria-label", "")


@pytest.mark.parametrize("draw", DRAWINGS)
def test_the_same_evaluation_is_drawn_alike(draw: Draw) -> None:
    assert draw(EVALUATION) == draw(EVALUATION)


@pytest.mark.parametrize("draw", DRAWINGS)
def test_one_method_alone_can_be_drawn(draw: Draw) -> None:
    assert draw(evaluation(method("one", 0.1))).startswith("<svg")


def test_drawings_of_one_page_share_no_id() -> None:
    ids = [re.findall(r'\bid="([^"]+)"', draw(EVALUATION)) for draw in DRAWINGS]

    assert all(ids)
    assert len(set().union(*ids)) == sum(len(set(drawn)) for drawn in ids)


@pytest.mark.parametrize("draw", DRAWINGS)
def test_every_reference_in_a_drawing_is_to_something_in_it(draw: Draw) -> None:
    drawing = draw(EVALUATION)

    targets = re.findall(r'(?:href="#|url\(#)([^")]+)', drawing)
    assert targets
    assert set(targets) <= set(re.findall(r'\bid="([^"]+)"', drawing))


def test_nothing_is_drawn_beyond_the_edge_of_the_picture() -> None:
    drawing = plots.accuracy(EVALUATION)
    _, _, width, height = ET.fromstring(drawing).attrib["viewBox"].split()

    texts = re.findall(r'<g transform="translate\((-?[\d.]+) (-?[\d.]+)\)', drawing)

    assert texts
    for x, y in texts:
        assert 0 <= float(x) <= float(width)
        assert 0 <= float(y) <= float(height)


def test_only_the_best_methods_are_drawn_by_band() -> None:
    many = evaluation(*(method(f"number {number}", 0.01 * number) for number in range(1, 12)))

    alt = ET.fromstring(plots.by_history(many)).get("aria-label", "")

    assert "number 11, number 10, number 9, number 8, number 7, number 6." in alt
