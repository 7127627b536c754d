import base64
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from embeddings.calls.embedding import embed_rows
from embeddings.calls.outcome import EmbeddedRow
from embeddings.errors import Rejected, Unavailable
from embeddings.local.image import LocalImageEmbedder
from embeddings.types import Input, Role
from tests.embeddings.drawings import drawings
from tests.embeddings.media.test_video import film
from tests.embeddings.media_host import MediaHost, media_host

EMBEDDER = LocalImageEmbedder(allowed_hosts=frozenset({"127.0.0.1"}))
PHOTOGRAPHS = Path(__file__).parents[1] / "photographs"


@pytest.fixture(scope="module")
def host() -> Iterator[MediaHost]:
    with media_host() as running:
        for path in PHOTOGRAPHS.glob("*.jpg"):
            running.put(f"/{path.name}", path.read_bytes())
        yield running


@pytest.fixture(scope="module")
def dead() -> str:
    """An address at which nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/a.png"


def vectors(*inputs: Input) -> np.ndarray:
    return EMBEDDER.embed(inputs, Role.DOCUMENT).vectors


def test_a_picture_has_one_vector_by_address_and_as_a_data_uri(host: MediaHost) -> None:
    encoded = base64.b64encode((PHOTOGRAPHS / "cat.jpg").read_bytes()).decode()
    matrix = vectors(
        Input(images=(host.address("/cat.jpg"),)),
        Input(images=(f"data:image/jpeg;base64,{encoded}",)),
        Input(images=(host.address("/espresso.jpg"),)),
    )

    assert matrix.shape == (3, 1280)
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(matrix[0], matrix[1], atol=1e-5)
    assert matrix[0] @ matrix[2] < 0.8


def test_several_pictures_make_the_mean_of_their_vectors(host: MediaHost) -> None:
    cat, espresso = host.address("/cat.jpg"), host.address("/espresso.jpg")
    both, *singles = vectors(
        Input(images=(cat, espresso)), Input(images=(cat,)), Input(images=(espresso,))
    )

    mean = singles[0] + singles[1]
    np.testing.assert_allclose(both, mean / np.linalg.norm(mean), atol=1e-4)


def test_a_video_is_embedded_by_its_frames(host: MediaHost) -> None:
    address = host.put("/film.mp4", film().content)
    alone, with_picture, picture = vectors(
        Input(video=address),
        Input(video=address, images=(host.address("/cat.jpg"),)),
        Input(images=(host.address("/cat.jpg"),)),
    )

    assert alone @ picture < with_picture @ picture < 0.99
    used = EMBEDDER.embed([Input(video=address)], Role.DOCUMENT).usage
    assert used.details == {"image_count": 0, "video_count": 1}


def test_a_picture_that_is_refused_is_named_and_costs_no_other_its_vector(
    host: MediaHost,
) -> None:
    broken = host.put("/broken.jpg", (PHOTOGRAPHS / "cat.jpg").read_bytes()[:2000])
    inputs = [
        Input(images=(address,))
        for address in (host.address("/cat.jpg"), broken, host.address("/gone.png")) * 3
    ]
    with pytest.raises(Rejected, match=r"broken\.jpg: it is damaged"):
        EMBEDDER.embed(inputs, Role.DOCUMENT)

    outcomes = embed_rows(EMBEDDER, inputs, Role.DOCUMENT)
    assert [isinstance(outcome, EmbeddedRow) for outcome in outcomes] == [True, False, False] * 3
    assert "gone.png: its host answered 404" in str(outcomes[2])


def test_a_host_that_is_down_holds_up_only_what_it_has(host: MediaHost, dead: str) -> None:
    inputs = [Input(images=(address,)) for address in (host.address("/cat.jpg"), dead)]

    made, waiting = embed_rows(EMBEDDER, inputs, Role.DOCUMENT)
    assert isinstance(made, EmbeddedRow)
    assert isinstance(waiting, Unavailable)


def test_where_no_host_answers_the_call_is_to_be_tried_later(dead: str) -> None:
    with pytest.raises(Unavailable) as later:
        vectors(*[Input(images=(dead,))] * 3)
    assert later.value.retry_after == 300


def test_more_pictures_than_are_read_are_refused_rather_than_dropped(host: MediaHost) -> None:
    with pytest.raises(Rejected, match=r"9 pictures in one input.* 8 at most"):
        vectors(Input(images=(host.address("/cat.jpg"),) * 9))


def test_a_text_is_not_its_to_read() -> None:
    with pytest.raises(Rejected, match="Row 0 holds text"):
        vectors(Input(text="mug"))


def test_pictures_of_like_things_are_nearer_than_of_others(host: MediaHost) -> None:
    shown = drawings(72)[::6]  # two of each shape, in red
    addresses = [host.put(f"/d{n}.png", drawing.png) for n, drawing in enumerate(shown)]
    matrix = vectors(*(Input(images=(address,)) for address in addresses))
    closeness = matrix @ matrix.T - 2 * np.eye(len(matrix))

    assert [shown[place].title for place in closeness.argmax(axis=1)] == [
        drawing.title for drawing in shown
    ]
