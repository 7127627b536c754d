"""Whether the web says that everything behind it is ready."""

import httpx

_SECONDS = 2.0


def not_ready(url: str) -> str | None:
    """What keeps the service from being ready; None when it is.

    Args:
        url: where the web is reached, without a path.
    """
    try:
        # `localhost` is always among the allowed hosts; a proxy has no business here.
        answer = httpx.get(
            f"{url}/readyz", headers={"Host": "localhost"}, timeout=_SECONDS, trust_env=False
        )
    except httpx.TransportError as exc:
        return f"the web does not answer ({exc})"
    if answer.status_code == httpx.codes.OK:
        return None
    return f"/readyz answers {answer.status_code}: {answer.text[:500]}"
