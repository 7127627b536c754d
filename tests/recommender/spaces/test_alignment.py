import socket
from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import LazySettings

from embeddings.errors import Misconfigured, Unavailable
from embeddings.local.alignment import Alignment
from embeddings.types import Input, Output, Role
from recommender.models import Product, Space
from recommender.spaces import alignment, lifecycle, staleness
from recommender.spaces.alignment import embedder_of, trained_embedder_of
from tests.embeddings.drawings import drawings
from tests.embeddings.media_host import MediaHost, media_host
from tests.shop import NOON, Shop


@pytest.fixture
def host(settings: LazySettings) -> Iterator[MediaHost]:
    settings.MEDIA_HOSTS = frozenset({"127.0.0.1"})
    with media_host() as running:
        yield running


@pytest.fixture
def space(shop: Shop) -> Space:
    return lifecycle.create_space(
        shop.catalog,
        model="efficientnet-lite0-text",
        name="seen",
        kind=Space.Kind.MULTIMODAL,
        template="{title}",
    )


def show(shop: Shop, host: MediaHost, count: int) -> None:
    """So many drawings for sale."""
    shop.put(
        *(
            {
                "id": f"d{number}",
                "title": drawing.title,
                "image_urls": [host.put(f"/{number}.png", drawing.png)],
            }
            for number, drawing in enumerate(drawings(count))
        )
    )


@pytest.mark.slow
def test_a_space_learns_to_find_pictures_by_text(shop: Shop, host: MediaHost, space: Space) -> None:
    show(shop, host, 108)
    embedder = trained_embedder_of(space)
    new = drawings(36, seed=99)
    shown = [
        Input(images=(host.put(f"/new{number}.png", drawing.png),))
        for number, drawing in enumerate(new)
    ]
    pictures = np.concatenate(
        [embedder.embed(shown[at : at + 12], Role.DOCUMENT).vectors for at in (0, 12, 24)]
    )
    texts = [Input(text=drawing.title) for drawing in new]
    queries = np.concatenate(
        [embedder.embed(texts[at : at + 12], Role.QUERY).vectors for at in (0, 12, 24)]
    )
    nearest = np.argsort(-queries @ pictures.T, axis=1)[:, :3]

    assert np.mean([row in nearest[row] for row in range(36)]) > 0.8


@pytest.mark.slow
def test_what_was_learnt_is_stored_and_kept(shop: Shop, host: MediaHost, space: Space) -> None:
    show(shop, host, 60)
    first = alignment.learn(space)
    shop.put({"id": "d0", "title": "something else"})
    again = alignment.learn(Space.objects.get(pk=space.pk))

    stored = Space.objects.get(pk=space.pk).alignment
    assert stored is not None
    assert bytes(stored) == first == again
    assert Alignment.from_bytes(first).dimension == space.dimension == 256


@pytest.mark.slow
def test_pictures_that_cannot_be_had_are_passed_over(
    shop: Shop, host: MediaHost, space: Space
) -> None:
    show(shop, host, 60)
    for number in (3, 17, 40):
        del host.answers[f"/{number}.png"]

    assert Alignment.from_bytes(alignment.learn(space)).dimension == 256


def test_too_few_pairs_are_counted_in_the_error(shop: Shop, host: MediaHost, space: Space) -> None:
    show(shop, host, 12)
    shop.stock(**{f"text{number}": f"mug {number}" for number in range(60)})
    shop.put(*({"id": f"p{n}", "image_urls": [host.address(f"/{n}.png")]} for n in range(60)))

    with pytest.raises(Misconfigured, match=r"needs 50 products with a picture.* there are 12\."):
        alignment.learn(space)
    assert Space.objects.get(pk=space.pk).alignment is None


def test_too_few_pictures_that_can_be_read_are_counted_with_a_reason(
    shop: Shop, host: MediaHost, space: Space
) -> None:
    show(shop, host, 55)
    for number in range(10):
        del host.answers[f"/{number}.png"]

    with pytest.raises(Misconfigured, match=r"there are 45\..*first of 10 passed over.*404"):
        alignment.learn(space)


def test_where_the_pictures_host_is_down_it_is_tried_again_later(
    shop: Shop, host: MediaHost, space: Space
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = f"http://127.0.0.1:{listener.getsockname()[1]}/a.png"
    shop.put(*({"id": f"p{n}", "title": f"mug {n}", "image_urls": [dead]} for n in range(50)))

    with pytest.raises(Unavailable, match="the connection to"):
        alignment.learn(space)


@pytest.mark.slow
def test_what_an_earlier_run_died_at_is_passed_over(
    shop: Shop, host: MediaHost, space: Space
) -> None:
    show(shop, host, 66)
    first = alignment.learn(space)
    assert staleness.claimed(space.pk) == []
    Space.objects.update(alignment=None)
    died = staleness.attempted(space.pk, [shop.product(f"d{n}").pk for n in range(16)])
    died.__enter__()

    assert alignment.learn(Space.objects.get(pk=space.pk)) != first
    assert len(staleness.claimed(space.pk)) == 16
    (suspect, *_) = staleness.claim(space, owner="worker:1", after=0, limit=100)
    assert suspect.deaths == 1, "the next deaths tell which of them it is"


def test_deleted_products_teach_nothing(shop: Shop, host: MediaHost, space: Space) -> None:
    show(shop, host, 50)
    Product.objects.filter(external_id="d7").update(deleted_at=NOON)

    with pytest.raises(Misconfigured, match="there are 49"):
        alignment.learn(space)


@pytest.mark.parametrize("make", [embedder_of, trained_embedder_of])
def test_a_space_s_embedder_does_what_the_space_asks_for(db: None, make) -> None:
    space = Space(model="fake", dimension=32, instruction="Find gifts", output="dense&sparse")

    embedder = make(space)

    assert (embedder.spec.key, embedder.spec.dimension) == ("fake", 32)
    assert (embedder.instruction, embedder.output) == ("Find gifts", Output.BOTH)


@pytest.mark.parametrize("make", [embedder_of, trained_embedder_of])
def test_a_model_that_is_not_there_is_said(db: None, make) -> None:
    with pytest.raises(Misconfigured, match="no-such-model"):
        make(Space(model="no-such-model", dimension=32))
