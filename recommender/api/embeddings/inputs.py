"""The texts, pictures and videos in a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from embeddings.calls.tokens import estimate
from embeddings.spec import Fusion, ModelSpec
from embeddings.types import Input
from recommender.api.embeddings.protocols import Failure, empty_input, invalid, wrong_length


def inputs_of(value: Any, spec: ModelSpec) -> list[Input]:
    """The inputs that a string, or a list of strings, stands for: one a row.

    A file arrives as its lines, with their ends. Lists of numbers, be they tokens or the bytes
    of a file, are texts to nobody here.

    Raises:
        Failure: 400 by the vendor's own wording.
    """
    rows = [value] if isinstance(value, str) else value
    if rows is None or rows == []:
        raise empty_input()
    if not (isinstance(rows, list) and all(isinstance(row, str) for row in rows)):
        raise invalid("Value error, contents is neither str nor list of str.: input.contents")
    check_rows(len(rows), spec)
    return [Input(text=_line(row, spec)) for row in rows]


def check_rows(count: int, spec: ModelSpec) -> None:
    """Refuse more rows than the model takes in a call."""
    if count > spec.max_rows:
        raise invalid(
            "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, "
            f"it should not be larger than {spec.max_rows}.: input.contents"
        )


def _line(row: str, spec: ModelSpec) -> str:
    line = row.rstrip("\r\n")
    # What a hosted model counts, it knows best: it refuses for itself.
    is_too_long = not spec.is_hosted and estimate(line) > spec.max_tokens
    if is_too_long or not line.strip():
        raise wrong_length(spec)
    return line


_KINDS = ("text", "image", "video", "multi_images")
_FUSED = "fusion"
_ADDRESS = ("http://", "https://")
_DATA = "data:image/"


@dataclass(frozen=True, slots=True)
class Content:
    """What becomes one vector; `kind` is what the answer calls it."""

    kind: str
    source: Input


def contents_of(value: Any, spec: ModelSpec, *, fuse: bool) -> list[Content]:
    """What the list `contents` asks for: one vector each, or one of all of them.

    Raises:
        Failure: 400 by the vendor's limits.
    """
    if fuse and spec.fusion is Fusion.NEVER:
        raise invalid(f"{spec.key} makes no vector of several contents; leave out enable_fusion.")
    items = [_members(item) for item in _items(value)]
    contents = [_content(item, spec) for item in items]
    _check_count(contents, spec)
    if fuse or (spec.fusion is Fusion.ALWAYS and len(contents) > 1):
        return [_fused(contents)]
    return contents


def _items(value: Any) -> list[Any]:
    if value is None or value == []:
        raise empty_input()
    if not isinstance(value, list):
        raise invalid("contents is not a list.: input.contents")
    return value


def _members(item: Any) -> dict[str, Any]:
    """The kinds an item holds; a `factor` or the like is left aside."""
    if not isinstance(item, dict):
        raise invalid("A content is not a JSON object.: input.contents")
    members = {kind: item[kind] for kind in _KINDS if item.get(kind) is not None}
    if not members:
        raise invalid(f"A content needs one of {', '.join(_KINDS)}.: input.contents")
    return members


def _content(members: dict[str, Any], spec: ModelSpec) -> Content:
    if len(members) > 1 and spec.fusion is Fusion.NEVER:
        raise invalid(f"{spec.key} takes one of {', '.join(_KINDS)} a content.: input.contents")
    images = [members["image"]] if "image" in members else []
    several = members.get("multi_images", [])
    if not isinstance(several, list) or ("multi_images" in members and not several):
        raise invalid("multi_images is not a list of pictures.: input.contents")
    source = Input(
        text=_text(members["text"]) if "text" in members else "",
        images=tuple(_image(image) for image in chain(images, several)),
        video=_video(members["video"]) if "video" in members else "",
    )
    return Content(_FUSED if len(members) > 1 else next(iter(members)), source)


def _fused(contents: Sequence[Content]) -> Content:
    videos = [content.source.video for content in contents if content.source.video]
    if len(videos) > 1:
        raise invalid("At most one video goes into a vector.: input.contents")
    source = Input(
        text="\n".join(content.source.text for content in contents if content.source.text),
        images=tuple(chain.from_iterable(content.source.images for content in contents)),
        video="".join(videos),
    )
    return Content(_FUSED, source)


def _check_count(contents: Sequence[Content], spec: ModelSpec) -> None:
    if spec.max_rows > 1:
        check_rows(len(contents), spec)
    elif len({content.kind for content in contents}) < len(contents):
        raise invalid(f"{spec.key} takes each type of content at most once.: input.contents")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid("text is not a string.: input.contents")
    if not value.strip():
        raise empty_input()
    return value.rstrip("\r\n")


def _image(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith((*_ADDRESS, _DATA)):
        raise _invalid_url("An image is an http(s) URL or a data:image/…;base64,… URI.")
    return value


def _video(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(_ADDRESS):
        raise _invalid_url("A video is an http(s) URL.")
    return value


def _invalid_url(message: str) -> Failure:
    return Failure(400, "InvalidURL", f"{message}: input.contents")
