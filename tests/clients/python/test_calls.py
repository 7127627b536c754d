import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from kinship_client import calls
from kinship_client.call import encode


def test_a_value_of_python_has_its_form_in_json() -> None:
    given = {
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        "day": date(2026, 1, 2),
        "price": Decimal("9.50"),
        "id": UUID(int=1),
        "pair": (1, 2),
    }
    assert encode(given) == (
        b'{"time":"2026-01-02T00:00:00+00:00","day":"2026-01-02","price":9.5,'
        b'"id":"00000000-0000-0000-0000-000000000001","pair":[1,2]}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_has_none_is_refused_before_it_is_sent(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode({"value": value})


def test_a_query_has_names_with_commas_and_objects_as_json() -> None:
    call = calls.popular(fields=["title", "price"], filter={"in_stock": True}, explain=True)
    assert call.query == {
        "fields": "title,price",
        "filter": '{"in_stock":true}',
        "explain": "true",
    }


def test_an_id_is_encoded_whole_and_is_not_empty() -> None:
    assert calls.get_product("a/b %2F?").path == "/v1/products/a%2Fb%20%252F%3F"
    with pytest.raises(ValueError, match="not empty"):
        calls.delete_user("")


def test_pages_of_a_sync_share_a_token_and_the_last_says_so() -> None:
    for count, pages in ((0, 1), (1, 1), (1000, 1), (1001, 2), (2000, 2)):
        sent = [
            json.loads(call.body or b"")
            for call in calls.sync_pages({"id": str(n)} for n in range(count))
        ]
        assert len(sent) == pages
        assert len({page["token"] for page in sent}) == 1
        assert [page["done"] for page in sent] == [False] * (pages - 1) + [True]
        assert sum(len(page["products"]) for page in sent) == count
