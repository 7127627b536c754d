import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import Rejected
from embeddings.providers.media_limits import check_media
from embeddings.spec import EVERYTHING, MediaLimits, ModelSpec
from embeddings.types import Input

SPEC = ModelSpec(
    key="eyes",
    dimension=4,
    dimensions=(4,),
    max_rows=1,
    max_tokens=512,
    modalities=EVERYTHING,
    media=MediaLimits(
        image_bytes=30,
        image_formats=frozenset({"bmp", "jpeg", "png"}),
        images=2,
        video_bytes=100,
        video_formats=frozenset({"mp4", "mov"}),
    ),
)


def uri(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize(
    "image",
    [
        "https://img.example/mug.png",
        "https://img.example/mug.JPG?width=200",
        "http://img.example/mug.jpeg#top",
        "https://img.example/picture.php?id=7",
        "https://img.example/",
        uri(b"x" * 30),
        uri(b"x", "image/jpg"),
        uri(b"x", "image/JPEG"),
        "DATA:image/png;base64,eA==",
    ],
)
def test_a_picture_that_the_model_may_read_passes(image: str) -> None:
    check_media([Input(images=(image,))], SPEC)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("https://img.example/mug.gif", "does not read gif files; convert it to one of: bmp"),
        ("https://img.example/mug.webp?v=2", "does not read webp files"),
        (uri(b"x", "image/tiff"), "does not read tiff files"),
        (uri(b"x" * 31), "has 31 bytes, but eyes takes 30; make it smaller"),
        (uri(b"x", "text/plain"), "begins with data:image"),
        (uri(b"x", "video/mp4"), "begins with data:image"),
        ("data:image/png,raw", "begins with data:image"),
        ("mug.png", "must begin with http"),
        ("file:///etc/passwd", "must begin with http"),
        ("https://", "must begin with http"),
        ("http://[::1/mug.png", "The address of a picture is none"),
    ],
)
def test_one_it_never_reads_is_refused_with_what_to_do(image: str, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        check_media([Input(text="fine"), Input(images=(image,))], SPEC)


@pytest.mark.parametrize("video", ["https://v.example/mug.mp4", "https://v.example/watch?v=1"])
def test_a_video_that_the_model_may_read_passes(video: str) -> None:
    check_media([Input(video=video)], SPEC)


@pytest.mark.parametrize(
    ("video", "reason"),
    [
        ("https://v.example/mug.avi", "does not read avi files; convert it to one of: mov, mp4"),
        (uri(b"x", "video/mp4"), "takes a video by its address only"),
        ("mug.mp4", "must begin with http"),
    ],
)
def test_a_video_it_never_reads_is_refused_with_what_to_do(video: str, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        check_media([Input(video=video)], SPEC)


def test_more_pictures_than_the_model_reads_are_refused() -> None:
    three = Input(images=("https://img.example/1.png",) * 3)

    with pytest.raises(Rejected, match="3 pictures, but eyes reads 2"):
        check_media([three], SPEC)


def test_a_model_without_limits_takes_anything() -> None:
    spec = ModelSpec(key="any", dimension=4, dimensions=(4,), max_rows=1, max_tokens=9)

    check_media([Input(images=("mug.gif",))], spec)


@given(st.binary(min_size=1, max_size=60))
def test_the_size_is_that_of_the_file_and_not_of_its_base64(content: bytes) -> None:
    source = Input(images=(uri(content),))
    if len(content) <= 30:
        check_media([source], SPEC)
    else:
        with pytest.raises(Rejected, match=f"has {len(content)} bytes"):
            check_media([source], SPEC)
