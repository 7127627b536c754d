from dataclasses import replace

import pytest

from recommender.insight.comparison import compare
from recommender.management.table import comparison_report
from recommender.models import Space
from recommender.spaces import lifecycle, plain_text
from recommender.spaces.plain_text import shared_sentences, without_boilerplate
from recommender.spaces.template import content
from tests.recommender.spaces.test_template_content import MUG, SPEC
from tests.shop import Shop

DELIVERY = "Free delivery on all orders over 50 euros"
RETURNS = "You may send it back within 30 days!"
KINDS = ("mug", "lamp", "tent", "soap", "rope", "vase", "fork", "sofa")


def own(number: int) -> str:
    return f"The {KINDS[number % 8]} number {number} is unlike any other of its kind"


@pytest.mark.parametrize(
    "form",
    [
        "{own}. {delivery}. {returns} Machine washable.",
        "{own}\n{delivery}\n  {returns}\nMachine washable",
        "<p>{own}.</p><ul><li>{delivery}</li><li>{returns}</li></ul><div>Machine washable</div>",
        "<p>{own}</p>\n<p>FREE delivery\n   on all orders over 50 euros.</p>{returns}<br>"
        "Machine washable",
        "## {own}\n\n- {delivery}\n- {returns}\n- Machine washable",
    ],
    ids=["sentences", "lines", "HTML", "wrapped HTML", "Markdown"],
)
def test_what_many_descriptions_share_is_found_and_left_out(form: str) -> None:
    written = [form.format(own=own(n), delivery=DELIVERY, returns=RETURNS) for n in range(24)]

    found = shared_sentences([*written, *(own(n) for n in range(24, 60))])

    assert {sentence.casefold().strip(".!") for sentence in found} == {
        DELIVERY.casefold(),
        RETURNS.casefold().strip("!"),
    }
    left = without_boilerplate(written[3], found)
    assert left.rstrip(".").split(".")[0].split(" Machine")[0] == own(3)
    assert "Machine washable" in left, "an attribute"
    assert without_boilerplate(own(3), found) == own(3)


def test_variants_of_one_product_and_small_catalogs_keep_their_sentences() -> None:
    variants = ["A comfortable jumper with ribbed cuffs for cold days."] * 12

    assert shared_sentences([*variants, *(own(n) for n in range(40))]) == []
    assert shared_sentences([DELIVERY] * 4) == []
    assert shared_sentences([]) == []


def test_a_version_settles_once_and_embeds_without_them(shop: Shop) -> None:
    def stocked(*numbers: int, end: str) -> None:
        shop.put(
            *(
                {"id": f"p{n}", "title": f"{KINDS[n % 8]} {n}", "description": f"{own(n)}. {end}."}
                for n in numbers
            )
        )

    assert shop.space.boilerplate is None, "it is older than the products"
    stocked(*range(8), end=DELIVERY)
    shop.embed()
    shop.space.refresh_from_db()
    assert shop.space.boilerplate == [f"{DELIVERY}."]

    stocked(*range(8, 40), end="Gift wrapping is free of charge all year")
    shop.embed()
    plain_text.settle_boilerplate(shop.space)
    assert shop.space.boilerplate == [f"{DELIVERY}."], "a version keeps to what it left out"
    second = lifecycle.create_space(shop.catalog, model=shop.space.model)
    gifts = "Gift wrapping is free of charge all year."
    assert second.boilerplate == [gifts], "a fifth of them, but only eight products"

    (embedded,) = content(second, SPEC, replace(MUG, description=f"Blue. {gifts}")).inputs
    assert embedded.text.endswith("Blue")
    report = comparison_report(compare(shop.space, second))
    assert f"text@1 leaves out what many descriptions share: “{DELIVERY}.”" in report
    assert f"text@2 leaves out what many descriptions share: “{gifts}”" in report


def test_a_product_with_nothing_else_to_say_keeps_its_sentences() -> None:
    space = Space(kind="text", template="{description}", boilerplate=[DELIVERY])

    (embedded,) = content(space, SPEC, replace(MUG, description=f"{DELIVERY}.")).inputs
    assert embedded.text == DELIVERY
