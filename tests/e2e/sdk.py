"""The official SDKs, in environments of their own, asking a running service."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recommender.stack.config import PROJECT_DIR
from tests.e2e.service import Service

VERSIONS = ("1.x", "current")
SCRIPTS = PROJECT_DIR / "tests" / "sdk"
POEM = (
    "The wind is swift, the sky is high, the apes shriek mournfully",
    "The islet is clear, the sand is white, the birds fly back",
    "The boundless forest sheds its leaves shower by shower",
    "The endless river rolls its waves hour after hour",
)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a script printed."""

    printed: str
    failure: str | None

    def json(self) -> Any:
        """What it printed, as JSON; it must not have failed."""
        assert self.failure is None, self.failure
        return json.loads(self.printed)


@dataclass(frozen=True, slots=True)
class Sdk:
    """One version of both SDKs, used with a key of a service."""

    version: str
    service: Service
    key: str

    def run(self, scripts: Sequence[Path], directory: Path, **variables: str) -> dict[str, Ran]:
        """Run scripts in a directory that holds `texts_to_embedding.txt`; by their names.

        `variables` are added to their environment, which has no more than they need: the SDKs
        would also read proxies and settings of this machine's user.
        """
        (directory / "texts_to_embedding.txt").write_text("\n".join(POEM) + "\n", encoding="utf-8")
        done = subprocess.run(
            [_python(self.version), SCRIPTS / "run.py", *scripts],
            cwd=directory,
            env=self._environment(directory) | variables,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return {name: Ran(**fields) for name, fields in json.loads(done.stdout).items()}

    def _environment(self, home: Path) -> dict[str, str]:
        native = f"{self.service.url}/api/v1"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DASHSCOPE_API_KEY": self.key,
            "DASHSCOPE_HTTP_BASE_URL": native,
            "DASHSCOPE_BASE_URL": native,
            "OPENAI_API_KEY": self.key,
            "OPENAI_BASE_URL": f"{self.service.url}/compatible-mode/v1",
        }


def need(version: str) -> None:
    """Skip where the SDKs of a version are not installed."""
    if not _python(version).exists():
        pytest.skip(f"the SDKs {version} are not installed; run: make setup-dev")


def _python(version: str) -> Path:
    return PROJECT_DIR / ".sdk" / version / "bin" / "python"
