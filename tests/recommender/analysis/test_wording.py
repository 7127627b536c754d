import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.analysis.items import check_digit, gtin_of
from recommender.analysis.wording import is_misspelt, wording


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Coffee beans, 1 kg", "COFFEE BEANS 1000g"),
        ("Olive oil 0,75 l", "Oil (olive), 750 ml"),
        ("Napkins, pack of 20", "20 pieces napkin"),
        ("Café crème", "cafe creme"),
        ("The mug for tea", "Tea mug"),
    ],
)
def test_titles_written_in_two_ways_say_the_same(one: str, other: str) -> None:
    assert wording(one) == wording(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Coffee beans, 500 g", "Coffee beans, 1 kg"),
        ("Napkins, pack of 20", "Napkins, pack of 50"),
        ("Trainers, size 42", "Trainers, size 43"),
        ('Letter "A" key ring', 'Letter "Y" key ring'),
        ("Mug, red", "Mug, blue"),
    ],
)
def test_titles_of_two_products_do_not(one: str, other: str) -> None:
    assert wording(one) != wording(other)


@given(st.text(alphabet="abcdefgh", min_size=5), st.data())
def test_a_swapped_changed_or_lost_letter_is_a_spelling(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 2))
    lost = word[:place] + word[place + 1 :]
    swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    assert is_misspelt(word, word[:place] + "z" + word[place + 1 :])
    assert is_misspelt(word, swapped) is (word != swapped)
    assert is_misspelt(word, lost) is (len(lost) >= 5)


def test_a_gtin_is_found_under_a_usual_name_and_checked() -> None:
    assert gtin_of({"EAN": "4006381333931"}) == "04006381333931"
    assert gtin_of({"gtin-13": 4006381333931}) == "04006381333931"
    assert gtin_of({"ean": "4006381333932"}) == ""
    assert gtin_of({"ean": "0000000000000"}) == ""
    assert gtin_of({"model": "4006381333931"}) == ""
    assert gtin_of({"ean": "\u0664\u0660\u0660\u0666"}) == ""


@given(st.text(alphabet="0123456789", min_size=12, max_size=12).filter(lambda d: int(d) > 0))
def test_digits_with_their_check_digit_are_a_gtin(digits: str) -> None:
    assert gtin_of({"gtin": f"{digits}{check_digit(digits)}"}) == f"0{digits}{check_digit(digits)}"
