import re
from pathlib import Path

import pytest

from recommender import engine
from recommender.api import reasons
from recommender.engine.answer import Item
from recommender.engine.candidates import SEED, Cause
from recommender.models.catalog import DEFAULT_EVENT_WEIGHTS

MUG = Cause("mug", "Red mug", "purchase")


def item(cause: Cause | None = MUG, **contributions: float) -> Item:
    return Item("lamp", 1.0, max(contributions, key=contributions.__getitem__), contributions,
                cause=cause)  # fmt: skip


def told(item: Item, language: str = "en") -> str:
    return reasons.sentence(reasons.code_of(item), item.cause, language)


@pytest.mark.parametrize(
    ("event", "code", "english", "german"),
    [
        ("purchase", "bought", "Because you bought Red mug", "Weil Sie „Red mug“ gekauft haben"),
        ("view", "viewed", "Because you viewed Red mug", "Weil Sie „Red mug“ angesehen haben"),
        ("click", "viewed", "Because you viewed Red mug", "Weil Sie „Red mug“ angesehen haben"),
        ("view_portion", "viewed", "Because you viewed Red mug",
         "Weil Sie „Red mug“ angesehen haben"),
        ("add_to_cart", "added_to_cart", "Because you put Red mug into your cart",
         "Weil Sie „Red mug“ in den Warenkorb gelegt haben"),
        ("bookmark", "saved", "Because you saved Red mug", "Weil Sie sich „Red mug“ gemerkt haben"),
        ("like", "liked", "Because you liked Red mug", "Weil Ihnen „Red mug“ gefällt"),
        ("rating", "rated", "Because you rated Red mug", "Weil Sie „Red mug“ bewertet haben"),
        ("lent", "chosen", "Because you chose Red mug", "Weil Sie „Red mug“ ausgewählt haben"),
    ],
)  # fmt: skip
def test_the_reason_says_what_the_user_did(event, code, english, german):
    cause = Cause("mug", "Red mug", event)
    for source in ("text", "image", "multimodal", "behaviour", "together", "ease"):
        led = item(cause, **{source: 0.5, "popular": 0.4, "product": 0.3})
        assert reasons.code_of(led) == f"because_{code}"
        assert (told(led), told(led, "de")) == (english, german)
    again = Item("mug", 1.0, "repeat", {"repeat": 1.0}, cause=cause)
    assert reasons.code_of(again) == f"{code}_before"
    assert "Red mug" not in told(again)


def test_each_type_of_event_that_speaks_well_has_a_verb_of_its_own():
    for kind, weight in DEFAULT_EVENT_WEIGHTS.items():
        code = reasons.code_of(item(Cause("mug", "Red mug", kind), text=1.0))
        assert (code != "because_chosen") == (weight > 0), kind


@pytest.mark.parametrize(
    ("contributions", "code"),
    [
        ({"popular": 0.9}, "popular"),
        ({"newest": 0.9}, "new"),
        ({"product": 0.9, "popular": 0.1}, "fits_taste"),
        ({"behaviour": 0.9}, "for_you"),
        ({"repeat": 0.9}, "for_you"),
    ],
)
def test_a_product_that_no_other_led_to_has_a_reason(contributions, code):
    assert reasons.code_of(item(None, **contributions)) == code


def test_what_is_popular_is_the_reason_where_it_outweighs_the_rest_by_far():
    assert reasons.code_of(item(popular=0.3, text=0.1, behaviour=0.1)) == "because_bought"
    assert reasons.code_of(item(popular=0.5, text=0.1, behaviour=0.1)) == "popular"
    assert reasons.code_of(item(popular=0.3, text=0.2, behaviour=-0.1)) == "because_bought"


def test_a_similar_product_names_the_one_that_was_asked_for():
    similar = item(Cause("mug", "Red mug", SEED), text=-0.1)
    assert reasons.code_of(similar) == "similar_to"
    assert told(similar) == "Similar to Red mug"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("  Red \n mug ", "Red mug"),
        ("Salt &amp; <b>pepper</b> mill", "Salt & pepper mill"),
        ("{title} {0} %s 5 {", "{title} {0} %s 5 {"),
        ("word " * 40, "word " * 14 + "word word…"),
        ("x" * 200, "x" * 79 + "…"),
    ],
)
def test_a_title_is_readable(title, shown):
    assert told(item(Cause("mug", title, "view"), text=1.0)) == f"Because you viewed {shown}"


@pytest.mark.parametrize("title", ["", "  ", "<br>"])
def test_a_missing_title_is_no_id(title):
    nameless = item(Cause("mug", title, "purchase"), text=1.0)
    assert told(nameless) == "Because of something you bought"
    assert told(nameless, "de") == "Weil Sie etwas Ähnliches gekauft haben"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("fr-CH, fr;q=0.9, de;q=0.7, en;q=0.2", "de"),
        ("en, de;q=0.9", "en"),
        ("en;q=0.3, de;q=0.9", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("de;q=much", "en"),
        (";;,,==\x00", "en"),
        ("../de", "en"),
        ("ü" * 5000, "en"),
    ],
)
def test_the_language_is_the_first_accepted_of_those_there_are(accepted, language):
    assert reasons.language_of(accepted) == language


def test_the_compiled_translations_are_those_of_the_source():
    catalogs = Path(engine.__file__).parent.parent.glob("locale/*/LC_MESSAGES/kinship.po")
    for source in catalogs:
        language = source.parent.parent.name
        written = dict(re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', source.read_text(), re.M))
        for code in reasons.CODES:
            for title in ("{title}", ""):
                cause = Cause("mug", title)
                english, translated = (
                    reasons.sentence(code, cause, name) for name in ("en", language)
                )
                assert written.get(english) == translated, "run msgfmt on the .po"
        assert language in reasons.languages()


def test_the_documented_codes_are_those_there_are():
    page = Path(engine.__file__).parents[2] / "docs" / "recommend.md"
    section = page.read_text().partition("#### Codes\n")[2].partition("\n#")[0]
    documented = re.findall(r"^\| `([a-z_]+)` \|", section, re.M)
    assert sorted(documented) == sorted(reasons.CODES)
