from collections.abc import Sequence

import numpy as np

from recommender.analysis.cluster_names import names

TITLES = [
    *(f"The red mug of {maker}, 350 ml" for maker in ("Ann", "Ben", "Cleo", "Dan")),
    *(f"The two-man tent by {maker}, 4 kg" for maker in ("Ann", "Ben", "Cleo", "Dan")),
]
GROUPS = np.repeat([0, 1], 4)


def test_a_group_is_called_by_what_tells_it_from_the_others() -> None:
    mugs, tents = names(TITLES, GROUPS, 2)

    assert {"mug", "red"} <= set(mugs.split(", "))
    assert "tent" in tents
    assert not {"the", "ml", "kg"} & {*mugs.split(", "), *tents.split(", ")}


def test_what_is_a_stop_word_names_nothing() -> None:
    asked: list[str] = []

    def stop_words(words: Sequence[str]) -> set[str]:
        asked.extend(words)
        return {"of", "by", "red"}

    mugs, tents = names(TITLES, GROUPS, 2, stop_words=stop_words)

    assert mugs == "mug"
    assert set(tents.split(", ")) == {"two", "man", "tent"}
    assert "mug" in asked


def test_forms_of_a_word_are_told_once() -> None:
    (name,) = names(["Mug", "Mugs", "Mug", "Mugs"], np.zeros(4, dtype=int), 1)

    assert name in ("mug", "mugs")


def test_texts_without_words_have_no_names() -> None:
    assert names(["", "350", "12 x 4"], np.array([0, 1, 1]), 2) == ["", ""]


def test_rows_of_no_group_and_groups_of_no_rows_are_no_trouble() -> None:
    assert names(["mug", "tent"], np.array([-1, 1]), 3) == ["", "tent", ""]


def test_other_alphabets_are_words_too() -> None:
    assert names(["чашка", "чашка", "茶碗 青", "茶碗 赤"], np.array([0, 0, 1, 1]), 2) == [
        "чашка",
        "茶碗",
    ]
