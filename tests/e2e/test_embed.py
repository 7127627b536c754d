"""`./kinship embed --wait` where nothing runs: it brings its own worker, and takes it away."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.service import Service

pytestmark = pytest.mark.slow


@pytest.fixture
def idle() -> Iterator[Service]:
    with TemporaryDirectory(prefix="kinship-e2e-") as directory:
        service = Service.under(Path(directory))
        yield service
        service.manage("down")
        assert service.processes() == []


def test_products_are_embedded_without_a_running_service(idle: Service, tmp_path: Path) -> None:
    products = tmp_path / "products.csv"
    products.write_text(
        "id,title\n" + "".join(f"p{number},Stoneware mug no. {number}\n" for number in range(300))
    )
    idle.manage("create_catalog", "idle")
    idle.manage("import_products", str(products), "--catalog", "idle")

    printed = idle.manage("embed", "--catalog", "idle", "--wait")

    assert printed.startswith("text@1: 300 products to embed\nDone: vectors and index in ")
    assert "text@1: recall@20 " in printed
    assert printed.endswith("Next: ./kinship import_events FILE --catalog idle\n")
    assert idle.stale("idle") == 0
    assert not [process for process in idle.processes() if "celery" in process]

    again = idle.manage("embed", "--catalog", "idle", "--wait")
    assert again.startswith("text@1: 0 products to embed\nDone: ")


def test_waiting_ends_with_the_reason_where_embedding_is_paused(
    idle: Service, tmp_path: Path
) -> None:
    products = tmp_path / "products.csv"
    products.write_text("id,title\np1,Stoneware mug\n")
    idle.manage("create_catalog", "keyless", "--model", "text-embedding-v4")
    idle.manage("import_products", str(products), "--catalog", "keyless")
    environment = {k: v for k, v in idle.environment.items() if k != "DASHSCOPE_API_KEY"}

    done = subprocess.run(
        idle.command("embed", "--catalog", "keyless", "--wait"),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1
    assert "The embedding of text@1 is paused: text-embedding-v4 needs the API key" in done.stderr
    assert "Traceback" not in done.stderr
