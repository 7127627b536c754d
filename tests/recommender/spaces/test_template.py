import re
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.models.space import DEFAULT_TEMPLATE
from recommender.spaces.staleness import StaleProduct
from recommender.spaces.template import TemplateError, check, render

MUG = StaleProduct(
    id=1,
    content_hash=UUID(int=1),
    title="Stoneware mug",
    description="Holds 350 ml. Dishwasher safe.",
    category="Home/Kitchen",
    brand="Hearth",
    attributes={"colour": "blue", "materials": ["clay", "cork"], "no. of pieces": 2, "wide": None},
    image_urls=[],
    video_urls=[],
)
NOTHING = replace(MUG, title="", description="", category="", brand="", attributes={})

FIELDS = ["title", "brand", "category", "description", "attributes.colour", "attributes.no. of x"]
SEPARATORS = [". ", ", ", " - ", "/", ": ", "; ", " | ", " ", " – "]
SHAPES = ["{}", "({})", "size: {}"]

words = st.text("abcXYZ019äß", min_size=1, max_size=5)
values = st.one_of(st.sampled_from(["", "  ", "-", "...", "?!"]), words)


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Fields in any order, between any separators, some of them in brackets."""
    shaped = [
        draw(st.sampled_from(SHAPES)).replace("{}", f"{{{name}}}")
        for name in draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=6, unique=True))
    ]
    between = [draw(st.sampled_from(SEPARATORS)) for _ in shaped[1:]]
    text = shaped[0] + "".join(a + b for a, b in zip(between, shaped[1:], strict=True))
    return text + draw(st.sampled_from(["", "."]))


@st.composite
def products(draw: st.DrawFn) -> StaleProduct:
    title, brand, category, description, colour, number = (draw(values) for _ in FIELDS)
    return StaleProduct(
        id=1,
        content_hash=UUID(int=1),
        title=title,
        description=description,
        category=category,
        brand=brand,
        attributes={"colour": colour, "no. of x": number},
        image_urls=[],
        video_urls=[],
    )


def test_the_default_template_reads_as_sentences() -> None:
    assert render(DEFAULT_TEMPLATE, MUG) == (
        "Stoneware mug. Hearth. Home, Kitchen. Holds 350 ml. Dishwasher safe"
    )


def test_attributes_are_rendered_whatever_their_type_and_name() -> None:
    template = "{attributes.colour}, {attributes.materials}. Pieces: {attributes.no. of pieces}"

    assert render(template, MUG) == "blue, clay, cork. Pieces: 2"


def test_a_sentence_without_a_value_goes_with_its_label() -> None:
    assert render("{title}. Width: {attributes.wide}. By {brand}.", MUG) == (
        "Stoneware mug. By Hearth."
    )


def test_an_empty_field_takes_its_label_and_brackets_with_it() -> None:
    plain = replace(MUG, brand="", category="")

    assert render("{brand}, {title} ({category}), by {brand}", plain) == "Stoneware mug"


def test_a_product_with_none_of_the_fields_has_no_text_whatever_the_template_adds() -> None:
    assert render("A gift shop's product. {title}. {brand}", NOTHING) == ""


@given(template=templates(), product=products())
def test_no_stray_punctuation_is_left(template: str, product: StaleProduct) -> None:
    text = render(template, product)

    assert not re.search(r"[-,;:/|–.]\s*[-,;:/|–.]|\(\s*\)|\s\s", text), text
    assert not re.match(r"[\s,;:/|–.-]", text), text
    assert not re.search(r"[\s,;:/|–-]$", text), text


@given(template=templates(), product=products())
def test_every_value_is_in_the_text_and_in_the_template_s_order(
    template: str, product: StaleProduct
) -> None:
    by_name = {
        name: str(product.attributes[name[11:]] if "." in name else getattr(product, name))
        for name in FIELDS
    }
    wanted = [by_name[name] for name in re.findall(r"\{([^}]*)\}", template)]
    text = render(template, product)

    place = 0
    for value in wanted:
        if any(character.isalnum() for character in value):
            place = text.index(value, place) + len(value)


@given(description=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200))
def test_text_that_looks_like_a_template_is_taken_as_it_is(description: str) -> None:
    odd = replace(NOTHING, title="{brand} (){}", description=description)

    assert render("{title}. {description}", odd).startswith("{brand} (){}")


def test_any_known_field_may_be_named() -> None:
    check(DEFAULT_TEMPLATE)
    check("{attributes.no. of pieces} of {title}")


@pytest.mark.parametrize(
    "template",
    [
        "{Title}",
        "{title}. {colour}",
        "{title.en}",
        "{attributes}",
        "{attributes.}",
        "{}",
        "{ title }",
    ],
)
def test_an_unknown_field_is_refused_and_the_known_ones_are_named(template: str) -> None:
    with pytest.raises(TemplateError, match=r"is no field of a product; use title, brand"):
        check(template)


def test_a_template_without_a_field_is_refused() -> None:
    with pytest.raises(TemplateError, match="names no field"):
        check("A product of our shop")
