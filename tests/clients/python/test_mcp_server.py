"""The tools of assistants, asked by the SDK's own client over stdio."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from kinship_client import Kinship
from tests.clients.conftest import Running
from tests.threads import wait_until

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).resolve().parents[3] / "clients/python/src"
SHOPPER = "sim-coffee-lover-01"


def asked(running: Running, key: str, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """The tools that there are, and what each call answers."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "kinship_client.mcp_server"],
        env={"KINSHIP_URL": running.url, "KINSHIP_KEY": key, "PYTHONPATH": str(SOURCES)},
    )

    async def ask() -> list[Any]:
        async with Client(parameters) as client:
            tools = (await client.list_tools()).tools
            return [tools, *[await client.call_tool(name, given) for name, given in calls]]

    return asyncio.run(ask())


def products(answer: Any) -> list[Mapping[str, Any]]:
    assert not answer.is_error, answer.content
    listed: list[Mapping[str, Any]] = answer.structured_content["products"]
    return listed


def test_an_assistant_finds_compares_and_explains(running: Running) -> None:
    tools, found, alike, chosen, popular, told = asked(
        running,
        running.server_key,
        ("search", {"text": "espresso beans", "count": 3, "filter": {"price": {"lte": 30}}}),
        ("similar", {"product": "foo-001", "count": 2}),
        ("recommend", {"user": SHOPPER, "count": 3}),
        ("popular", {"category": "Kitchen", "count": 2}),
        ("explain", {"product": "kit-020", "user": SHOPPER}),
    )
    assert {tool.name for tool in tools} == {
        *("search", "similar", "recommend", "popular", "explain"),
        *("insight_runs", "insight_findings"),
    }
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert all(product["price"] <= 30 for product in products(found))
    assert len(products(found)) == 3
    assert products(alike)[0]["why"].startswith("Similar to")
    assert all(product["title"] and product["why"] for product in products(chosen))
    assert all(product["category"].startswith("Kitchen") for product in products(popular))
    assert told.structured_content["stage"]


def test_an_assistant_reads_what_was_found_out_where_its_key_may(
    running: Running, kinship: Kinship
) -> None:
    run = kinship.start_insight("anomalies")["id"]
    wait_until(lambda: kinship.insight_run(run)["status"] == "done", 120, every=0.5)
    key = running.service.manage("create_api_key", "demo", "--scope", "insight").strip()

    _, runs, found, few = asked(
        running,
        key,
        ("insight_runs", {"kind": "anomalies"}),
        ("insight_findings", {"run": run}),
        ("insight_findings", {"run": run, "count": 1}),
    )
    latest = runs.structured_content["runs"][0]
    assert (latest["id"], latest["status"]) == (run, "done")
    assert latest["summary"]
    findings = found.structured_content["items"]
    assert all(finding["title"] and finding["group"] for finding in findings)
    assert few.structured_content["items"] == findings[:1]

    _, refused = asked(running, running.browser_key, ("insight_runs", {}))
    assert refused.is_error
    assert "insight" in refused.content[0].text


def test_what_the_service_refuses_is_said_in_its_words(running: Running) -> None:
    _, unknown, wrong, refused = asked(
        running,
        running.browser_key,
        ("similar", {"product": "no-such"}),
        ("search", {"text": "mug", "filter": {"colr": "red"}}),
        ("explain", {"product": "kit-020", "user": SHOPPER}),
    )
    for answer, words in (
        (unknown, "There is no product 'no-such'"),
        (wrong, "Unknown field 'colr'"),
        (refused, "X-Kinship-User-Token"),
    ):
        assert answer.is_error
        assert words in answer.content[0].text


def test_without_an_address_it_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kinship_client.mcp_server"],
        env={"PYTHONPATH": str(SOURCES), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("KINSHIP_URL is not set")
