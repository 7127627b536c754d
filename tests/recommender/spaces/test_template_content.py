from dataclasses import replace
from uuid import UUID

import pytest

from embeddings.errors import TooLong
from embeddings.local.fake import SPEC
from embeddings.types import Input, Modality
from recommender.models import Space
from recommender.spaces.staleness import StaleProduct
from recommender.spaces.template import NOTHING, Content, content

PICTURES = ["https://img.example/1.jpg", "https://img.example/2.jpg", "https://img.example/3.jpg"]
VIDEOS = ["https://img.example/1.mp4", "https://img.example/2.mp4"]
MUG = StaleProduct(1, UUID(int=1), "Blue mug", "", "Home/Kitchen", "", {}, PICTURES, VIDEOS)
BARE = replace(MUG, title="", category="", image_urls=[], video_urls=[])
LONG = replace(MUG, title="many words " * 2000)


def space(kind: str, long_text: str = "truncate") -> Space:
    return Space(kind=kind, long_text=long_text, template="{title}. {category}")


def test_a_text_space_reads_what_its_template_names() -> None:
    assert content(space("text"), SPEC, MUG) == Content((Input(text="Blue mug. Home, Kitchen"),))


@pytest.mark.parametrize("images", [1, 2])
def test_an_image_space_reads_as_many_pictures_as_the_model_takes(images: int) -> None:
    assert SPEC.media is not None
    spec = replace(SPEC, media=replace(SPEC.media, images=images))

    (source,) = content(space("image"), spec, MUG).inputs

    assert source == Input(images=tuple(PICTURES[:images]))


def test_a_multimodal_space_reads_the_text_the_first_picture_and_the_first_video() -> None:
    (source,) = content(space("multimodal"), SPEC, MUG).inputs

    assert source == Input(text="Blue mug. Home, Kitchen", images=(PICTURES[0],), video=VIDEOS[0])


def test_what_the_model_does_not_read_is_left_out() -> None:
    spec = replace(SPEC, modalities=frozenset({Modality.TEXT, Modality.IMAGE}))

    (source,) = content(space("multimodal"), spec, MUG).inputs

    assert source.modalities == {Modality.TEXT, Modality.IMAGE}


def test_a_picture_alone_is_enough_for_a_multimodal_space() -> None:
    bare = replace(BARE, image_urls=PICTURES)

    (source,) = content(space("multimodal"), SPEC, bare).inputs

    assert source == Input(images=(PICTURES[0],))


@pytest.mark.parametrize("kind", Space.Kind.values)
def test_a_product_without_anything_for_the_space_has_nothing_to_embed(kind: str) -> None:
    assert content(space(kind), SPEC, BARE) is NOTHING


@pytest.mark.parametrize(
    ("kind", "missing"), [("text", {"title": "", "category": ""}), ("image", {"image_urls": []})]
)
def test_only_what_the_space_reads_counts(kind: str, missing: dict[str, object]) -> None:
    assert content(space(kind), SPEC, replace(MUG, **missing)) is NOTHING


def test_a_long_text_is_done_with_as_the_space_says() -> None:
    truncated = content(space("text", "truncate"), SPEC, LONG)
    split = content(space("text", "split"), SPEC, LONG)

    assert (len(truncated.inputs), truncated.treatment) == (1, "truncated")
    assert (len(split.inputs), split.treatment) == (6, "split")
    with pytest.raises(TooLong):
        content(space("text", "reject"), SPEC, LONG)


def test_the_picture_goes_with_the_first_part_of_a_split_text_only() -> None:
    first, *others = content(space("multimodal", "split"), SPEC, LONG).inputs

    assert first.images == (PICTURES[0],)
    assert others
    assert all(part.modalities == {Modality.TEXT} for part in others)


def test_a_product_is_embedded_without_its_markup() -> None:
    marked = replace(
        MUG,
        title="Mug &amp; saucer",
        category="Home &amp; Garden/<b>Kitchen</b>",
        description="<p>Holds <b>tea</b></p><script>track()</script>",
        attributes={"glaze": "<i>blue</i>"},
    )
    reading = space("text")
    reading.template = "{title}. {category}. {description}. {attributes.glaze}"

    (source,) = content(reading, SPEC, marked).inputs
    assert source.text == "Mug & saucer. Home & Garden, Kitchen. Holds tea. blue"


def test_a_version_from_before_texts_were_cleaned_embeds_them_as_they_are() -> None:
    older = space("text")
    older.plain_text = False

    (source,) = content(older, SPEC, replace(MUG, title="<b>Mug</b>")).inputs
    assert source.text == "<b>Mug</b>. Home, Kitchen"
