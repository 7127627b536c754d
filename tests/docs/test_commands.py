"""Every command in the docs runs, in the order of the docs, against a running service."""

import csv
import gzip
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.stub import Stub

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
# start.md comes last: it ends with `down`.
PAGES = (
    "README.md",
    "docs/import.md",
    "docs/embed.md",
    "docs/spaces.md",
    "docs/embeddings.md",
    "docs/train.md",
    "docs/quality.md",
    "docs/recommend.md",
    "docs/rules.md",
    "docs/placements.md",
    "docs/search.md",
    "docs/insight.md",
    "docs/effect.md",
    "docs/api.md",
    "docs/bulk.md",
    "docs/guide.md",
    "docs/guide-effect.md",
    "docs/keys.md",
    "docs/config-file.md",
    "docs/privacy.md",
    "docs/webhooks.md",
    "docs/shop.md",
    "docs/site.md",
    "docs/drop-in.md",
    "docs/operate.md",
    "docs/start.md",
)

EXPORT = "products_export.csv"
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LOAD = "from recommender.catalog import sample; sample.load()"
# Where the pages have the service; in a test it has a port of its own.
_USUAL_URL = "http://127.0.0.1:8000"
_USUAL_SHOP_PORT = "8080"
_FILE = re.compile(r"^Save this as `(\S+)`:\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands_of(path: Path) -> list[str]:
    """The lines after `$ ` in a page's console blocks."""
    blocks = _BLOCK.findall(path.read_text())
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def provider() -> Iterator[dict[str, str]]:
    """The variables of hosted models: a double of their provider answers."""
    with Stub() as stub:
        yield {"DASHSCOPE_API_KEY": "key", "DASHSCOPE_HTTP_BASE_URL": stub.native_url}


@pytest.fixture
def newcomer(provider: dict[str, str]) -> Iterator[tuple[Path, dict[str, str]]]:
    """A directory with the project's command line and a small file, and an environment."""
    # Not below pytest's own directory, which only root may enter: PostgreSQL is not root.
    home = Path(tempfile.mkdtemp(prefix="kinship-docs-"))
    home.chmod(0o755)
    (home / "kinship").symlink_to(ROOT / "kinship")
    shutil.copy(ROOT / "tests/recommender/importing/samples/shopify.csv", home / EXPORT)
    shutil.copy(ROOT / "recommender/demo/judged_queries.csv", home)
    (home / "recommender/demo").mkdir(parents=True)
    shutil.copy(ROOT / "recommender/demo/products.jsonl", home / "recommender/demo")
    _write_transactions(home / "transactions.csv.gz")
    with socket.socket() as probe, socket.socket() as other:
        probe.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, shop_port = (str(one.getsockname()[1]) for one in (probe, other))
    environment = os.environ | provider
    environment |= {
        "KINSHIP_DATA_DIR": str(home / "data"),
        "KINSHIP_PORT": port,
        "SHOP_PORT": shop_port,
        # In the place of what `pip install` of the client does.
        "PYTHONPATH": str(ROOT / "clients/python/src"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    try:
        yield home, environment
    finally:
        _run("./kinship down", home, environment)
        shutil.rmtree(home)


def test_every_command_in_the_docs_works(newcomer):
    home, environment = newcomer
    url = f"http://127.0.0.1:{environment['KINSHIP_PORT']}"
    started = _run(f"./kinship up --detach && ./kinship shell -v 0 -c '{_LOAD}'", home, environment)
    assert started.returncode == 0, started.stdout + started.stderr

    for name in PAGES:
        commands = commands_of(ROOT / name)
        assert commands, f"{name} has no commands"
        for file, content in _FILE.findall((ROOT / name).read_text()):
            (home / file).write_text(content)
        # Nothing that a page does not define itself may be used on it.
        script = "\n".join(["set -eu", *commands]).replace(_USUAL_URL, url)
        script = script.replace(_USUAL_SHOP_PORT, environment["SHOP_PORT"])
        done = _run(script, home, environment)
        assert done.returncode == 0, f"{name}\n{done.stdout}\n{done.stderr}"
        assert "urn:kinship:problem" not in done.stdout, f"{name}\n{done.stdout}"


def _run(script: str, home: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        # Training and evaluating take most of it, on a machine that does other work besides.
        timeout=900,
        check=False,
    )


def _write_transactions(path: Path) -> None:
    header = [
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
    ]
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        # Enough users come back after 2011-10-01 for an evaluation.
        random = Random(1)
        for number in range(600):
            day = f"2011-{random.randint(1, 12):02}-10T10:00:00"
            lantern, user = random.randrange(40), 100 + random.randrange(40)
            title = f"{['RED', 'BLUE', 'GREEN'][number % 3]} LANTERN {lantern}"
            quantity = -1 if number % 25 == 0 else 2
            writer.writerow([5000 + number, 22000 + lantern, title, quantity, day, 2.5, user])
