import sys
from io import BytesIO

import av
import numpy as np
import pytest

from embeddings.errors import Misconfigured, Rejected
from embeddings.media import video
from embeddings.media.fetch import Media
from embeddings.media.formats import VIDEO_FORMATS, format_of

# A container and a codec for every format.
WRITERS = {
    "mp4": ("mp4", "mpeg4"),
    "mov": ("mov", "mpeg4"),
    "webm": ("webm", "libvpx"),
    "mkv": ("matroska", "mpeg4"),
    "avi": ("avi", "mpeg4"),
    "flv": ("flv", "flv"),
    "mpeg": ("mpeg", "mpeg1video"),
}


def film(name: str = "mp4", *, count: int = 48, gop: int = 12, width: int = 64) -> Media:
    """A film that turns from black to red."""
    container, codec = WRITERS[name]
    buffer = BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = width, 48, "yuv420p"
        stream.codec_context.gop_size = gop
        for number in range(count):
            pixels = np.zeros((48, width, 3), np.uint8)
            pixels[..., 0] = 255 * number // count
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode())
    return Media(buffer.getvalue(), name)


def reds(media: Media) -> list[int]:
    return [frame.getpixel((5, 5))[0] for frame in video.frames(media)]


@pytest.mark.parametrize("name", sorted(VIDEO_FORMATS))
def test_eight_frames_are_spread_evenly_over_a_film_of_every_format(name: str) -> None:
    media = film(name)

    assert format_of(media.content) == name
    np.testing.assert_allclose(reds(media), 255 * (np.arange(8) + 0.5) / 8, atol=12)


def test_key_frames_are_taken_where_they_are_spread_over_the_film() -> None:
    np.testing.assert_allclose(reds(film(gop=1)), 255 * (np.arange(8) + 0.5) / 8, atol=12)


def test_a_film_of_one_frame_has_one() -> None:
    assert len(video.frames(film(count=1))) == 1


def test_of_a_film_that_takes_long_only_the_beginning_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(video, "_MAX_PIXELS", 64 * 48 * 12)

    assert max(reds(film("webm", gop=48))) < 255 / 4 + 12


def test_a_film_of_too_large_pictures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_MAX_FRAME_PIXELS", 64 * 48 - 1)

    with pytest.raises(Rejected, match="it is 64 × 48"):
        video.frames(film())


@pytest.mark.parametrize("cut", [100, 600, -200])
def test_a_damaged_film_is_refused(cut: int) -> None:
    whole = film()

    with pytest.raises(Rejected, match="damaged"):
        video.frames(Media(whole.content[:cut], "mp4"))


def test_a_film_without_pictures_is_refused() -> None:
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 8000
        output.mux(stream.encode(silence))
        output.mux(stream.encode())

    with pytest.raises(Rejected, match="no picture"):
        video.frames(Media(buffer.getvalue(), "mp4"))


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's own way to say that a module is not installed.
    monkeypatch.setitem(sys.modules, "av.error", None)

    with pytest.raises(Misconfigured, match="make setup EXTRAS=video"):
        video.frames(Media(b"", "mp4"))
