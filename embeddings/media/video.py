"""Frames of a video, as pictures. It needs the optional extra `video`."""

from collections.abc import Container, Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from itertools import chain, islice
from typing import TYPE_CHECKING, NoReturn

from PIL import Image

from embeddings.errors import Misconfigured, Rejected
from embeddings.media.fetch import Media

if TYPE_CHECKING:
    from av.container import InputContainer

FRAMES = 8

_MAX_FRAME_PIXELS = 9_000_000  # 4096 × 2160
# What is decoded at most, some ten seconds' work: 3,800 frames of 1080p.
_MAX_PIXELS = 8_000_000_000
_MAX_PACKETS = 100_000
_DEMUXERS: Mapping[str, str] = {
    "mp4": "mov",
    "mov": "mov",
    "webm": "matroska",
    "mkv": "matroska",
    "avi": "avi",
    "flv": "flv",
    "mpeg": "mpeg",
}


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("av") is not None


def frames(media: Media, count: int = FRAMES) -> list[Image.Image]:
    """Up to `count` frames in RGB, evenly spaced over the video.

    Where key frames are spread over the video they are taken, which is fast. Of a very long one
    without, only the beginning is seen.

    Raises:
        Rejected: it is damaged, has no picture, or its pictures are too large. The message
            goes on where `media.named` begins it.
        Misconfigured: the extra is not installed.
    """
    try:
        from av.error import FFmpegError  # noqa: PLC0415 - an optional extra
    except ImportError as exc:
        raise Misconfigured(
            f"Videos cannot be read ({exc}); install what is needed with: make setup EXTRAS=video"
        ) from exc
    try:
        pictures = _sampled(media, count)
    except FFmpegError as exc:
        raise Rejected(f"it is damaged ({exc}); store it again.") from exc
    if not pictures:
        raise Rejected("it has no picture; leave it out.")
    return pictures


def _sampled(media: Media, count: int) -> list[Image.Image]:
    with _opened(media) as container:
        if not container.streams.video:
            return []
        context = container.streams.video[0].codec_context
        _check_size(context.width, context.height)
        # Should a picture in it be larger than it says of itself.
        context.options = {"max_pixels": str(_MAX_FRAME_PIXELS)}
        demuxed = islice(container.demux(video=0), _MAX_PACKETS)
        packets = [packet for packet in demuxed if packet.size]
        affordable = _MAX_PIXELS // max(1, context.width * context.height)
        fed, wanted = _plan([packet.is_keyframe for packet in packets], count, affordable)
        # The last call gives the frames that the decoder still holds.
        feed = (*(packets[number] for number in fed), None)
        decoded = enumerate(chain.from_iterable(map(context.decode, feed)))
        return [
            Image.fromarray(frame.to_ndarray(format="rgb24"))
            for number, frame in decoded
            if number in wanted
        ]


def _plan(
    are_keys: Sequence[bool], count: int, affordable: int
) -> tuple[Sequence[int], Container[int]]:
    """Which packets to decode, and which of the frames in them to take."""
    keys = [number for number, is_key in enumerate(are_keys) if is_key]
    nearest = {_nearest(keys, place) for place in _spread(len(are_keys), count)} if keys else set()
    if len(nearest) == count:
        # A key frame needs no other to be decoded.
        return sorted(nearest), range(count)
    fed = range(min(len(are_keys), affordable))
    return fed, _spread(len(fed), count)


def _nearest(numbers: Sequence[int], place: int) -> int:
    return min(numbers, key=lambda number: abs(number - place))


def _spread(total: int, count: int) -> set[int]:
    """The middles of `count` equal parts of `total` frames."""
    return {(2 * part + 1) * total // (2 * count) for part in range(count)}


def _check_size(width: int, height: int) -> None:
    if width * height > _MAX_FRAME_PIXELS:
        raise Rejected(f"it is {width} × {height}; give one of 4096 × 2160 at most.")


def _opened(media: Media) -> "InputContainer":
    import av  # noqa: PLC0415 - an optional extra

    return av.open(
        BytesIO(media.content),
        "r",
        format=_DEMUXERS[media.format],
        io_open=_refuse,
    )


def _refuse(url: str, flags: int, options: Mapping[str, str]) -> NoReturn:  # noqa: ARG001 - FFmpeg's
    # A video may refer to other files and addresses: none is opened.
    raise Rejected("it refers to another file; give one that is whole.")
