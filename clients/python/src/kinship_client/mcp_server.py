"""Kinship's lists as tools of assistants, by the Model Context Protocol over stdio.

Read-only: an assistant may look, and may only what the key's scope allows.
"""

import os
import sys
from collections.abc import Awaitable, Mapping
from typing import Annotated, Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from kinship_client import AsyncKinship, KinshipError
from kinship_client.answers import Recommendations
from kinship_client.insight import InsightRun

T = TypeVar("T")

_FIELDS = ("title", "category", "brand", "price", "currency", "in_stock")
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_INSTRUCTIONS = (
    "A shop's catalog and what its users do. Products are known by ids: search for one first. "
    "A filter is JSON by fields, such as {'price': {'lte': 30}, 'category': {'under': 'Kitchen'}}."
)

Count = Annotated[int, Field(ge=1, le=50, description="How many products.")]
Filter = Annotated[
    dict[str, Any] | None, Field(description="What they must be, by field; none for all.")
]
User = Annotated[str, Field(description="The user's id.")]
Product = Annotated[str, Field(description="The product's id.")]
Run = Annotated[str, Field(description="A run's id, of `insight_runs`.")]
Group = Annotated[str | None, Field(description="Only of this group, such as a cluster.")]
After = Annotated[str | None, Field(description="`next` of the page before.")]


def server_of(kinship: AsyncKinship) -> MCPServer:
    """A server whose tools ask this client.

    Lists are of products by id, title and price, and why they are there. What the service
    refuses is the tool's error, in the service's words.
    """
    server = MCPServer("kinship", title="Kinship", instructions=_INSTRUCTIONS)

    @server.tool(annotations=_READS)
    async def search(text: str, count: Count = 10, filter: Filter = None) -> dict[str, Any]:  # noqa: A002
        """Find products by words and meaning."""
        asked = kinship.search(text, count=count, filter=filter, fields=_FIELDS)
        return _listed(await _answer(asked))

    @server.tool(annotations=_READS)
    async def similar(product: Product, count: Count = 10, filter: Filter = None) -> dict[str, Any]:  # noqa: A002
        """Find what is most like a product."""
        asked = kinship.similar(product, count=count, filter=filter, fields=_FIELDS, explain=True)
        return _listed(await _answer(asked))

    @server.tool(annotations=_READS)
    async def recommend(user: User, count: Count = 10, filter: Filter = None) -> dict[str, Any]:  # noqa: A002
        """List what a user would like, each with its reason."""
        asked = kinship.recommendations(
            user, count=count, filter=filter, fields=_FIELDS, explain=True
        )
        return _listed(await _answer(asked))

    @server.tool(annotations=_READS)
    async def popular(category: str | None = None, count: Count = 10) -> dict[str, Any]:
        """List what users do most with, in all or in one category, such as `Kitchen/Mugs`."""
        within = None if category is None else {"category": {"under": category}}
        return _listed(await _answer(kinship.popular(count=count, filter=within, fields=_FIELDS)))

    @server.tool(annotations=_READS)
    async def explain(product: Product, user: User) -> dict[str, Any]:
        """Tell why a product is in a user's list, or why it is not."""
        return {**await _answer(kinship.explain(product, user=user))}

    @server.tool(annotations=_READS)
    async def insight_runs(kind: str | None = None) -> dict[str, Any]:
        """List what was found out about the catalog: runs of clusters, anomalies and others."""
        answer = await _answer(kinship.insight_runs(kind=kind))
        return {"runs": [_run(run) for run in answer["items"]]}

    @server.tool(annotations=_READS)
    async def insight_findings(
        run: Run, group: Group = None, count: Count = 10, after: After = None
    ) -> dict[str, Any]:
        """Tell what a run found, row by row, the foremost first."""
        asked = kinship.findings(run, group=group, limit=count, cursor=after)
        return {**await _answer(asked)}

    return server


async def _answer(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except KinshipError as exc:
        raise ToolError(str(exc)) from exc


def _listed(answer: Recommendations) -> dict[str, Any]:
    """What an assistant reads of a list: few words, as each costs it."""
    items = [
        {"id": item["id"], **item["fields"], **_why(item["why"].get("text"))}
        for item in answer["items"]
    ]
    told: Mapping[str, Any] = {
        "reason": answer["reason"],
        "fallback": answer["fallback"],
        "missing_ids": answer["missing_ids"],
    }
    return {"products": items, **{name: value for name, value in told.items() if value}}


def _run(run: InsightRun) -> dict[str, Any]:
    """The same of a run: its figures are long, and its findings say them row by row."""
    return {
        "id": run["id"],
        "kind": run["kind"],
        "status": run["status"],
        "summary": run["summary"],
        "finished_at": run["finished_at"],
    }


def _why(text: str | None) -> dict[str, str]:
    return {} if text is None else {"why": text}


def main() -> None:
    """Serve over stdio, by `KINSHIP_URL` and `KINSHIP_KEY`."""
    try:
        url, key = os.environ["KINSHIP_URL"], os.environ["KINSHIP_KEY"]
    except KeyError as exc:
        sys.exit(f"{exc.args[0]} is not set: where the service answers, and a key of the catalog.")
    server_of(AsyncKinship(url, key)).run("stdio")


if __name__ == "__main__":
    main()
