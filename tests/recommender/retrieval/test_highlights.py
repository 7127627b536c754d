from recommender.retrieval import vocabulary
from recommender.retrieval.highlights import highlights
from tests.shop import Shop


def marked(shop: Shop, text: str, *ids: str) -> dict[str, dict[str, str]]:
    shop.catalog.refresh_from_db()
    words = vocabulary.look_up(shop.catalog, text)
    return {key: dict(value) for key, value in highlights(shop.catalog, words, ids).items()}


def test_words_are_marked_in_any_form_and_misspelt_ones_as_they_are_meant(shelved):
    vocabulary.count(shelved.catalog)
    assert marked(shelved, "red muggs", "mug-red", "lamp-red") == {
        "mug-red": {
            "title": "<em>Red</em> <em>mug</em>",
            "brand": "<em>Mug</em> Works",
            "description": "A <em>mug</em> like every other <em>mug</em>, but <em>red</em>.",
        },
        "lamp-red": {
            "title": "<em>Red</em> lamp",
            "description": "A lamp like every other lamp, but <em>red</em>.",
        },
    }


def test_what_a_shop_writes_is_no_html(shop):
    nasty = "<script>alert('mug')</script> \ue000b\ue001 & <b onclick=x>mug</b> \"mug\" <em>"
    shop.put({"id": "x", "title": nasty, "description": f"mug {nasty}"})
    found = marked(shop, "mug", "x")["x"]
    assert found.keys() == {"title", "description"}
    for text in found.values():
        bare = text.replace("<em>mug</em>", "")
        assert "<em>mug</em>" in text
        assert not set("<>\"'\ue000\ue001") & set(bare), text


def test_of_a_long_text_a_passage_is_shown(shop):
    shop.put({"id": "x", "title": "x", "description": "word " * 500 + "the mug " + "word " * 500})
    passage = marked(shop, "mug", "x")["x"]["description"]
    assert "<em>mug</em>" in passage
    assert len(passage) < 300


def test_without_a_word_nothing_is_marked(shelved):
    assert marked(shelved, "the", "mug-red") == {}
    assert marked(shelved, "xylophone", "mug-red") == {"mug-red": {}}
    assert marked(shelved, "mug") == {}
