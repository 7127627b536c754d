import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.local import wordllama
from embeddings.local.text import LocalEmbedder
from embeddings.types import Input, Role
from recommender.spaces.plain_text import plain_text, plain_value


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("<p>Soft <b>merino</b> wool</p><p>Wash cold</p>", "Soft merino wool Wash cold"),
        ("<ul><li>Warm<li>Light</ul>", "Warm Light"),
        ("Line one<br>line two<br/>line three", "Line one line two line three"),
        ("wool<sup>2</sup> &amp; silk", "wool2 & silk"),
        ("<style>p { color: red }</style><script>track('x')</script>Mug", "Mug"),
        ("<!-- wp:paragraph --><p>Mug</p><!-- /wp:paragraph -->", "Mug"),
        ("<p>a</p><!-- b -->c<script>d</script>e", "a ce"),
        ("<img src='mug.jpg' alt='A blue mug'> for tea", "A blue mug for tea"),
        ("<table><tr><td>Size</td><td>44</td></tr></table>", "Size 44"),
        ("<p>Unclosed <i>text", "Unclosed text"),
        ("&lt;p&gt;Caf&eacute;&lt;/p&gt;", "<p>Café</p>"),
        ("<p>Caf&amp;eacute;&nbsp;au lait</p>", "Café au lait"),
        ("Salt &amp; pepper", "Salt & pepper"),
        ("Salt & pepper", "Salt & pepper"),
        ("size < 5 and weight > 3", "size < 5 and weight > 3"),
        ("<!DOCTYPE html>", ""),
        (
            "# Mug\n\nHolds **0.3 l**, is *blue*.\n\n- tea\n- coffee",
            "Mug Holds 0.3 l, is blue. tea coffee",
        ),
        ("See [the guide](https://shop.example/guide) first", "See the guide first"),
        ("5 * 3 * 2 cm, model a_b_c", "5 * 3 * 2 cm, model a_b_c"),
        ("Two\nlines", "Two\nlines"),
        ("", ""),
    ],
)
def test_words_are_left_and_what_shows_them_is_not(written: str, plain: str) -> None:
    assert plain_text(written) == plain


def test_attributes_lose_it_too_and_other_values_stay() -> None:
    assert plain_value(["<b>red</b>", "blue"]) == ["red", "blue"]
    assert plain_value("<b>red</b>") == "red"
    assert plain_value(4.5) == 4.5
    assert plain_value(None) is None


def test_a_text_may_nest_deeply() -> None:
    assert "deep" in plain_text("<div>" * 1_000 + "deep" + "</div>" * 1_000)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(plain_text(text), str)


@given(st.text(alphabet="<>/!&;#pbscript -=\"'\x00\n*_[]()`"))
def test_any_markup_can_be_read(text: str) -> None:
    assert isinstance(plain_text(text), str)


def marked_up(words: str) -> str:
    """A description as an editor of a shop writes it."""
    return (
        '<div class="product-description" data-mce-fragment="1"><p style="margin: 0px;">'
        f'<span style="color: rgb(51, 51, 51);">{words}</span></p>'
        '<ul class="features"><li><strong>Free returns</strong></li></ul></div>'
    )


def test_a_jumper_is_more_like_a_pullover_than_like_a_hose_with_the_same_markup() -> None:
    texts = [
        f"Merino jumper. {marked_up('A fine knit for cold days, warm and soft.')}",
        f"Garden hose. {marked_up('Twenty metres, does not kink.')}",
        "Wool pullover. Soft and warm sweater, knitted from lambswool for winter.",
    ]
    embedder = LocalEmbedder(wordllama.SPEC, wordllama.load)

    def nearer(inputs: list[str]) -> str:
        jumper, *others = embedder.embed(
            [Input(text=text) for text in inputs], Role.DOCUMENT
        ).vectors
        hose, pullover = (float(jumper @ other) for other in others)
        return "pullover" if pullover > hose else "hose"

    assert nearer(texts) == "hose"
    assert nearer([plain_text(text) for text in texts]) == "pullover"
