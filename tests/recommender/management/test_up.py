"""The whole service, run and stopped as a person would: real processes, real signals."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
import pytest

from recommender.stack import StackConfig
from recommender.stack.config import PROJECT_DIR
from recommender.stack.takedown import take_down

pytestmark = pytest.mark.slow

SERVICES = {"postgres", "valkey", "web", "worker", "beat", "supervisor"}


@dataclass(frozen=True, slots=True)
class Home:
    """A data directory and a port of its own for `manage.py`."""

    data_dir: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments]

    def environment(self, **extra: str) -> dict[str, str]:
        # Elsewhere than the project: a person may run it from any directory.
        return os.environ | {"KINSHIP_DATA_DIR": str(self.data_dir)} | extra

    def run(self, *arguments: str, **extra: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(**extra),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def up(self) -> "subprocess.CompletedProcess[str]":
        return self.run("up", "--detach", "--port", str(self.port), "--workers", "1")

    def status(self) -> dict[str, dict[str, object]]:
        return json.loads(self.run("status", "--json").stdout)["services"]

    def running(self) -> set[str]:
        return {name for name, part in self.status().items() if part["state"] == "running"}

    def processes(self) -> list[str]:
        """Every process that was told of the data directory, or works in it."""
        return [
            f"{process.pid} {process.info['cmdline']}"
            for process in psutil.process_iter(["cmdline", "cwd", "environ"])
            if process.info["cmdline"] and str(self.data_dir) in str(process.info)
        ]


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def signs_in(url: str, user: str, password: str) -> bool:
    """Whether the admin lets somebody in."""
    with httpx.Client(base_url=url, timeout=10) as browser:
        browser.get("/admin/login/")
        form = {"username": user, "password": password, "next": "/admin/"}
        token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        return browser.post("/admin/login/", data=form | token).is_redirect


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """Shared by the tests, so that only the first one creates the database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Not tmp_path: every pytest session closes its parent to other users, as which, where root
    # runs the tests, the servers run.
    with TemporaryDirectory(prefix="kinship-test-") as directory:
        # As the first test to start anything would have it made, and told of it.
        Path(directory).chmod(0o711)
        yield Home(Path(directory), port)


@pytest.fixture
def stopped(home: Home) -> Iterator[Home]:
    yield home
    take_down(StackConfig(data_dir=home.data_dir, database_url=None, broker_url=None))


_NOBODY = "from django.contrib.auth import get_user_model as m; m().objects.all().delete()"


def _check_rights(home: Home, said: str) -> None:
    """Who works with what strangers send has no rights of root, nor any capability."""
    assert "run as root" not in said
    for name in ("web", "worker", "beat"):
        process = psutil.Process(home.status()[name]["pid"])
        for member in (process, *process.children()):
            assert 0 not in member.uids()
            assert _capabilities(member.pid) == 0
    secret = home.data_dir / "secret_key"
    assert (secret.stat().st_uid, secret.stat().st_mode & 0o777) == (os.geteuid(), 0o600)


def _capabilities(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^CapEff:\s*(\w+)$", status, re.MULTILINE)[1], 16)


def test_up_runs_everything_and_down_leaves_nothing(stopped):
    # Another test may have had the first administrator made.
    assert stopped.run("shell", "-v", "0", "-c", _NOBODY).returncode == 0
    up = stopped.up()
    assert up.returncode == 0, up.stderr
    assert f"Kinship is up at {stopped.url}" in up.stdout
    (password,) = re.findall(r"user  admin   password (\S+)\n", up.stdout)
    assert signs_in(stopped.url, "admin", password)
    assert not signs_in(stopped.url, "admin", "another")
    _check_rights(stopped, up.stderr)
    assert answers(stopped.url)
    assert httpx.get(f"{stopped.url}/static/admin/css/base.css").status_code == httpx.codes.OK
    assert stopped.running() == SERVICES
    assert stopped.status()["web"]["url"] == stopped.url

    again = stopped.up()
    assert (again.returncode, again.stdout) == (
        0,
        f"Kinship is already running at {stopped.url}. Stop it with: ./kinship down\n",
    )
    foreground = stopped.run("up", "--port", str(stopped.port))
    assert foreground.returncode == 1
    assert f"already running at {stopped.url}" in foreground.stderr

    assert stopped.run("status").returncode == 0
    down = stopped.run("down")
    assert set(down.stdout.strip(" .\n").removeprefix("Stopped ").split(", ")) == SERVICES
    assert stopped.processes() == []

    assert stopped.run("status").returncode == 3
    assert stopped.run("down").stdout == "Nothing is running.\n"


def test_it_can_be_started_again_at_once_while_clients_hold_connections(stopped):
    stopped.up()
    with httpx.Client() as client:
        client.get(f"{stopped.url}/readyz")
        stopped.run("down")
        up = stopped.up()
    assert up.returncode == 0, up.stderr
    assert answers(stopped.url)
    assert "password" not in up.stdout, "the first operator is there already"


def test_ctrl_c_in_the_foreground_stops_everything(stopped):
    process = subprocess.Popen(
        stopped.command("up", "--port", str(stopped.port)),
        env=stopped.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout.readline() == f"Kinship is up at {stopped.url}\n"
        os.killpg(process.pid, signal.SIGINT)  # the whole group, as a terminal does
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in complaints
    assert stopped.processes() == []


def test_an_interrupt_while_it_starts_leaves_nothing(stopped):
    process = subprocess.Popen(
        stopped.command("up", "--detach", "--port", str(stopped.port)),
        env=stopped.environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        wait_until((stopped.data_dir / "run/sockets/.s.PGSQL.5432").exists)
        os.killpg(process.pid, signal.SIGINT)
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in complaints
    assert stopped.processes() == []


def test_what_is_killed_comes_back(stopped):
    stopped.up()
    before = stopped.status()
    for name in ("web", "worker", "postgres"):
        os.kill(before[name]["pid"], signal.SIGKILL)
    # The web first: to ask it costs next to nothing, to run a command a second.
    wait_until(lambda: answers(stopped.url) and stopped.running() == SERVICES)
    after = stopped.status()
    assert before["beat"]["pid"] == after["beat"]["pid"]
    assert all(before[name]["pid"] != after[name]["pid"] for name in ("web", "worker", "postgres"))
    assert (
        "web ended (killed by signal 9)" in (stopped.data_dir / "logs/supervisor.log").read_text()
    )


def test_what_a_killed_supervisor_leaves_is_cleaned_up_by_up_and_by_down(stopped):
    stopped.up()
    before = stopped.status()
    os.kill(before["supervisor"]["pid"], signal.SIGKILL)
    assert stopped.running() == SERVICES - {"supervisor"}

    up = stopped.up()
    assert up.returncode == 0, up.stderr
    after = stopped.status()
    assert all(before[name]["pid"] != after[name]["pid"] for name in ("web", "worker", "beat"))

    os.kill(after["supervisor"]["pid"], signal.SIGKILL)
    stopped.run("down")
    assert stopped.processes() == []


def test_a_damaged_record_hides_nothing_of_what_runs(stopped):
    stopped.up()
    before = stopped.status()
    (stopped.data_dir / "run/service.json").write_text("[]")
    assert {name: part["pid"] for name, part in stopped.status().items()} == {
        name: part["pid"] for name, part in before.items()
    }
    assert "already running" in stopped.up().stdout
    (stopped.data_dir / "secret_key").write_text("")
    down = stopped.run("down")
    assert set(down.stdout.strip(" .\n").removeprefix("Stopped ").split(", ")) == SERVICES
    assert "Traceback" not in down.stderr
    assert stopped.processes() == []


def test_a_taken_port_is_said_in_a_line_and_leaves_nothing(stopped):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        up = stopped.run("up", "--detach", "--port", str(port))
    assert up.returncode == 1
    assert up.stderr == (
        f"Port {port} is taken by process {os.getpid()} ({psutil.Process().name()}). "
        f"Stop that, or choose another port: ./kinship up --port {port + 1}\n"
    )
    assert stopped.processes() == []


def test_a_web_that_cannot_start_is_reported_with_its_log_and_leaves_nothing(stopped):
    up = stopped.run("up", "--detach", "--port", str(stopped.port), GRANIAN_HTTP="missing")
    assert up.returncode == 1
    assert "web ended 3 times before Kinship was ready" in up.stderr
    assert "Invalid value for '--http'" in up.stderr
    assert stopped.processes() == []


def test_a_command_that_needs_the_database_starts_it(stopped):
    assert stopped.run("migrate", "--check").returncode in {0, 1}
    assert stopped.running() == {"postgres", "valkey"}


@pytest.mark.parametrize("arguments", [("migrate", "--help"), ("check",)])
def test_a_command_that_needs_no_database_starts_nothing(stopped, arguments):
    assert stopped.run(*arguments).returncode == 0
    assert stopped.running() == set()


def test_a_mistyped_command_starts_nothing(stopped):
    assert "Unknown command: 'emebd'" in stopped.run("emebd").stderr
    assert stopped.running() == set()


def test_an_unreachable_external_database_is_one_line_without_a_traceback(stopped):
    url = "postgresql://shop:secret@127.0.0.1:1/catalog"
    failed = stopped.run("migrate", DATABASE_URL=url)
    assert failed.returncode == 1
    assert failed.stderr.startswith("Cannot connect to the database catalog at 127.0.0.1:1")
    assert failed.stderr.count("\n") == 1
    assert "secret" not in failed.stderr
