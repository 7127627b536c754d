"""The calls as methods of a client: said once for who waits and for who awaits."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload

from kinship_client import calls
from kinship_client.call import Call

P = ParamSpec("P")
T = TypeVar("T")


class Waiting(Protocol):
    """A client whose methods return answers."""

    def send(self, call: Call[T]) -> T:
        """The answer of a call."""
        ...


class Awaited(Protocol):
    """A client whose methods return what is to be awaited."""

    def send(self, call: Call[T]) -> Awaitable[T]:
        """The answer of a call, to be awaited."""
        ...


class Method(Generic[P, T]):
    """A method that makes a call and has its client send it."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> "Method[P, T]": ...
    @overload
    def __get__(self, client: Waiting, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Awaited, owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        """The method of a client, with the call's own signature and words."""
        if client is None:
            return self

        @wraps(self._make)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.send(self._make(*args, **kwargs))

        return method


class Api:
    """Every call of the service; `kinship_client.calls` says what each takes and answers."""

    put_product = Method(calls.put_product)
    patch_product = Method(calls.patch_product)
    get_product = Method(calls.get_product)
    delete_product = Method(calls.delete_product)
    put_products = Method(calls.put_products)
    patch_products = Method(calls.patch_products)
    product_page = Method(calls.product_page)
    sync_page = Method(calls.sync_page)

    put_user = Method(calls.put_user)
    get_user = Method(calls.get_user)
    delete_user = Method(calls.delete_user)
    export_user = Method(calls.export_user)
    merge_user = Method(calls.merge_user)
    unmerge_user = Method(calls.unmerge_user)
    merge_product = Method(calls.merge_product)
    unmerge_product = Method(calls.unmerge_product)
    send_events = Method(calls.send_events)

    recommendations = Method(calls.recommendations)
    recommend = Method(calls.recommend)
    similar = Method(calls.similar)
    bought_together = Method(calls.bought_together)
    complements = Method(calls.complements)
    popular = Method(calls.popular)
    trending = Method(calls.trending)
    new = Method(calls.new)
    search = Method(calls.search)
    suggest = Method(calls.suggest)
    rows = Method(calls.rows)
    segments = Method(calls.segments)
    audience = Method(calls.audience)
    next_page = Method(calls.next_page)
    batch = Method(calls.batch)
    explain = Method(calls.explain)

    insight_kinds = Method(calls.insight_kinds)
    start_insight = Method(calls.start_insight)
    insight_runs = Method(calls.insight_runs)
    insight_run = Method(calls.insight_run)
    cancel_insight = Method(calls.cancel_insight)
    decide = Method(calls.decide)
    findings = Method(calls.findings)
    outliers = Method(calls.outliers)
