"""A running service with a data directory of its own, seen from outside."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from recommender.stack.config import PROJECT_DIR, Layout
from tests.threads import wait_until

# Seconds. What asks a service more often slows it down.
POLL = 0.2


@dataclass(frozen=True, slots=True)
class Service:
    """What `manage.py up` runs.

    `variables` are added to its environment; `within` is a command that its commands are run by,
    such as one that enters a network namespace, in which `host` is its address.
    """

    data_dir: Path
    port: int
    variables: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    within: Sequence[str] = ()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @classmethod
    def under(
        cls,
        directory: Path,
        variables: Mapping[str, str] | None = None,
        *,
        host: str = "127.0.0.1",
        within: Sequence[str] = (),
    ) -> "Service":
        """One in a directory that other users may pass through, as the servers must."""
        directory.chmod(0o711)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        return cls(directory / "data", port, variables or {}, host, within)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"KINSHIP_DATA_DIR": str(self.data_dir)} | dict(self.variables)

    def command(self, *arguments: str) -> list[str]:
        return [*self.within, sys.executable, str(PROJECT_DIR / "manage.py"), *arguments]

    def manage(self, *arguments: str) -> str:
        """Run a command that must succeed; what it prints."""
        done = self._run(*arguments)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def open_catalog(self, name: str, *options: str) -> httpx.Client:
        """Make a catalog; a client with a server key of it."""
        self.manage("create_catalog", name, *options)
        key = self.manage("create_api_key", name, "--scope", "server").strip()
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )

    def sql(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the service's database answers."""
        sockets = Layout(self.data_dir).sockets
        url = f"postgresql://kinship@/kinship?host={sockets}"
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def pid(self, name: str) -> int:
        """The process of a part, such as `worker`, whatever the others do."""
        parts = json.loads(self._run("status", "--json").stdout)["services"]
        return int(parts[name]["pid"])

    def ready(self) -> tuple[int, dict[str, str]]:
        """The status of /readyz, and what it says of each part."""
        answer = httpx.get(f"{self.url}/readyz", timeout=10)
        return answer.status_code, answer.json()["checks"]

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.ready()[0] == httpx.codes.OK, 60, every=POLL)

    def wait_until_embedded(self, catalog: str, seconds: float = 60) -> None:
        """Wait until no product of the catalog is without a fresh vector."""
        wait_until(lambda: self.stale(catalog) == 0, seconds, every=POLL)

    def stale(self, catalog: str) -> int:
        """How many products of the catalog have no fresh vector in its space."""
        rows = self.sql(
            "SELECT count(*) FROM recommender_product p "
            "JOIN recommender_catalog c ON c.id = p.catalog_id AND c.name = %s "
            "JOIN recommender_space s ON s.catalog_id = c.id "
            "LEFT JOIN recommender_productvector v ON v.space_id = s.id AND v.product_id = p.id "
            "WHERE v.content_hash IS DISTINCT FROM p.content_hash",
            catalog,
        )
        return int(rows[0][0])

    def processes(self) -> list[str]:
        """Every process that works in the data directory or was told of it."""
        return [
            f"{process.pid} {process.info['cmdline']}"
            for process in psutil.process_iter(["cmdline", "cwd", "environ"])
            if process.info["cmdline"] and str(self.data_dir) in str(process.info)
        ]
