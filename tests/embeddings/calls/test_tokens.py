import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.calls import tokens
from embeddings.types import Input

# Counted with the vocabulary of Qwen, whose tokenizer the vendor's models have.
COUNTED = {
    "WHITE HANGING HEART T-LIGHT HOLDER": 10,
    "A stoneware mug for tea or coffee. Kitchen Hearth. Holds 350 ml and is dishwasher safe.": 24,
    "白色陶瓷马克杯 适合喝茶或咖啡 容量350毫升 可放入洗碗机清洗。": 24,
    "日本製の白い陶器マグカップ。お茶やコーヒーに最適で、食洗機に対応しています。": 28,
    "화이트 세라믹 머그컵, 차나 커피에 적합하며 식기세척기 사용이 가능합니다.": 32,
    "Белая керамическая кружка для чая и кофе, объём 350 мл, для посудомоечной машины.": 36,
    "SKU-00012/AB 3x4 cm": 14,
}


@pytest.mark.parametrize("text", COUNTED)
def test_an_estimate_is_near_what_a_tokenizer_counts(text: str) -> None:
    assert tokens.estimate(text) == pytest.approx(COUNTED[text], rel=0.45)


@given(text=st.text().filter(lambda text: text.strip()))
def test_a_text_that_is_not_blank_has_tokens(text: str) -> None:
    assert 1 <= tokens.estimate(text) <= len(text)


@given(first=st.text(), second=st.text())
def test_texts_have_together_what_they_have_apart(first: str, second: str) -> None:
    apart = tokens.estimate(first) + tokens.estimate(second)

    assert apart - 1 <= tokens.estimate(first + second) <= apart


def test_a_chinese_character_counts_more_than_a_letter() -> None:
    assert tokens.estimate("茶" * 100) == 4 * tokens.estimate("t" * 100)


def test_pictures_and_videos_count_beside_the_text() -> None:
    text = Input(text="a mug")
    one = Input(text="a mug", images=("https://shop.example/1.jpg",))
    two = Input(images=("https://shop.example/1.jpg", "https://shop.example/2.jpg"))
    video = Input(video="https://shop.example/1.mp4")
    sizes = [tokens.estimate_input(source) for source in (text, one, two, video)]

    assert sizes == sorted(set(sizes))
