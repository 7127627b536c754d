"""Doubles of the hosted providers behind the running service, one for each way to behave."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.stub import Behaviour, Stub

# A text with this word is refused by every model's provider.
POISON = "POISON"
KEY = "the-service's-own-key"

_WELL = Behaviour(poison={POISON: "DataInspectionFailed"}, api_key=KEY)
# Models by their keys, each at a provider of its own that answers slowly, or nobody well.
_UNWELL = {
    "slow": Behaviour(latency=0.2, api_key=KEY),
    "throttled": Behaviour(throttling=1.0),
    "broken": Behaviour(failing=1.0),
    "locked": Behaviour(api_key="another-key"),
}


@contextmanager
def serving() -> Iterator[Mapping[str, str]]:
    """The environment of a service whose models they are: those of the vendor, and the unwell."""
    with ExitStack() as stack:
        well = stack.enter_context(Stub(_WELL))
        unwell = {key: stack.enter_context(Stub(how)) for key, how in _UNWELL.items()}
        yield {
            "DASHSCOPE_API_KEY": KEY,
            "DASHSCOPE_HTTP_BASE_URL": well.native_url,
            "DASHSCOPE_COMPATIBLE_BASE_URL": well.compatible_url,
            "KINSHIP_MODELS": json.dumps(
                {key: _entry(stub.native_url) for key, stub in unwell.items()}
            ),
        }


def counted(variables: Mapping[str, str], key: str) -> dict[str, Any]:
    """What the provider of a model counted so far, of a service with this environment."""
    address = urlsplit(json.loads(variables["KINSHIP_MODELS"])[key]["base_url"])
    counts: dict[str, Any] = httpx.get(f"{address.scheme}://{address.netloc}/").json()
    return counts


def _entry(base_url: str) -> dict[str, object]:
    return {
        "provider": "dashscope",
        "base_url": base_url,
        "dimension": 1024,
        "max_tokens": 8192,
    }
