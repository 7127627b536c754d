from xml.etree import ElementTree

from recommender.demo import load_products, pictures
from recommender.stack.config import PROJECT_DIR

DRAWINGS = PROJECT_DIR / "recommender/static/recommender/shop/kinds.svg"
STYLES = PROJECT_DIR / "recommender/static/recommender/shop/shop.css"


def drawn() -> set[str]:
    root = ElementTree.parse(DRAWINGS).getroot()
    return {symbol.attrib["id"] for symbol in root}


def test_every_product_of_the_sample_store_has_a_drawing_of_its_kind():
    kinds = {pictures.kind_of(one["category"], one["title"]) for one in load_products()}
    assert kinds <= drawn()
    assert pictures.OTHER not in kinds
    assert len(kinds) > 25


def test_what_is_of_no_known_category_is_drawn_too():
    assert pictures.kind_of("") == pictures.kind_of("Cars/Tyres") == pictures.OTHER
    assert pictures.OTHER in drawn()


def test_a_colour_by_its_name_gives_the_tone():
    tones = ("green", "blue", "grey", "sand")
    names = ("bottle green", "navy", "matt black", "off-white")
    assert tuple(pictures.tone_of(name, "") for name in names) == tones


def test_every_tone_has_its_style():
    styles = STYLES.read_text()
    tones = {pictures.tone_of(str(one["attributes"].get("colour", "")), one["brand"])
             for one in load_products()}  # fmt: skip
    assert all(f".{tone} {{" in styles for tone in tones)


def test_what_has_no_colour_keeps_its_tone():
    assert pictures.tone_of("", "Tamsel") == pictures.tone_of("", "Tamsel")
