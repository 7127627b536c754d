"""Pictures and videos to vectors in this process: fetched, decoded, and seen by the image model."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from embeddings.base import BaseEmbedder
from embeddings.errors import EmbeddingError, MediaUnavailable, Rejected, Unavailable
from embeddings.local import image_model
from embeddings.local.loading import loaded
from embeddings.media import fetch, pictures, video
from embeddings.media.connection import TimeLimits
from embeddings.media.download import named
from embeddings.types import Embeddings, Input, Modality, Role, Usage

_Pixels = NDArray[np.float32]

# A host that does not answer has had its time: the next try is for a later run.
_RETRY_AFTER = 300.0
# Many wait for their hosts at once; unfolding many large pictures at once would fill the memory.
_decoding = threading.BoundedSemaphore(2)


class LocalImageEmbedder(BaseEmbedder):
    """An embedder of pictures and videos, by the image model of this process.

    An input's vector is the mean of its pictures' and its video's frames' features, each first
    scaled to length one.
    """

    def __init__(
        self,
        *,
        allowed_hosts: frozenset[str] = frozenset(),
        times: TimeLimits = TimeLimits(),  # noqa: B008 - frozen
    ) -> None:
        """`allowed_hosts`: names, in lower case, that need not be on the public internet."""
        super().__init__(image_model.SPEC)
        self._fetch = partial(
            fetch.fetch, limits=image_model.MEDIA, allowed_hosts=allowed_hosts, times=times
        )

    def _embed(
        self,
        inputs: Sequence[Input],
        role: Role,  # noqa: ARG002 - it embeds queries and documents alike
    ) -> Embeddings:
        """The mean of the features of what is fetched.

        A host that does not answer makes the call `Unavailable` only where no other row has its
        pictures: else the call is `Rejected`, so that whoever bisects it leaves that row alone.
        """
        rows = self._fetched(inputs)
        features = loaded(image_model.load).features([seen for row in rows for seen in row])
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        ends = np.cumsum([len(row) for row in rows])
        means = np.stack([part.mean(axis=0) for part in np.split(features, ends[:-1])])
        return Embeddings.normalised(means, _usage(inputs))

    def _fetched(self, inputs: Sequence[Input]) -> list[list[_Pixels]]:
        """What the model is to see of each input: one array a picture or frame."""
        with ThreadPoolExecutor(len(inputs), thread_name_prefix="fetch") as pool:
            fetched = list(pool.map(self._seen, inputs))
        rows = [row for row in fetched if not isinstance(row, EmbeddingError)]
        errors = [row for row in fetched if isinstance(row, EmbeddingError)]
        for error in errors:
            if not isinstance(error, Unavailable):
                raise error
        if errors and rows:
            raise Rejected(str(errors[0]))
        if errors:
            raise MediaUnavailable(
                str(errors[0]), retry_after=_RETRY_AFTER, code=MediaUnavailable.__name__
            )
        return rows

    def _seen(self, source: Input) -> list[_Pixels] | EmbeddingError:
        try:
            return [*self._pictures(source), *self._frames(source)]
        except EmbeddingError as exc:
            return exc

    def _pictures(self, source: Input) -> list[_Pixels]:
        most = image_model.MEDIA.images
        if len(source.images) > most:
            raise Rejected(
                f"There are {len(source.images)} pictures in one input, but {self.spec.key} "
                f"reads {most} at most; leave some out."
            )
        return [self._picture(address) for address in source.images]

    def _picture(self, address: str) -> _Pixels:
        media = self._fetch(address)
        with _decoding, named(address, Modality.IMAGE):
            return pictures.pixels(pictures.decode(media))

    def _frames(self, source: Input) -> list[_Pixels]:
        if not source.video:
            return []
        media = self._fetch(source.video, modality=Modality.VIDEO)
        with _decoding, named(source.video, Modality.VIDEO):
            return [pictures.pixels(frame) for frame in video.frames(media)]


def _usage(inputs: Sequence[Input]) -> Usage:
    images = sum(len(source.images) for source in inputs)
    videos = sum(bool(source.video) for source in inputs)
    return Usage(0, {"image_count": images, "video_count": videos})
