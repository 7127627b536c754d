"""Web, workers and beat without root's rights where root starts them, if that can work.

They then are the databases' account, which may pass to what they need and reads what all may read.
Whether that is all they need is tried with a process of that account, as nothing else tells.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recommender.stack.account import Account, claim_directory, current, let_pass, server_account
from recommender.stack.config import (
    PROJECT_DIR,
    Layout,
    StackConfig,
    StackError,
    read_or_make_secret_key,
)
from recommender.stack.program import identity
from recommender.stack.record import read_record
from recommender.stack.service import Service

# Where web and workers write: what was fetched for an import, what was refused, libraries'
# caches, what processes count.
_WRITTEN = ("fetched", "rejects", "home", "metrics")
_TRY = """
import os, socket, sys
host, port, static, *written = sys.argv[1:]
import celery, granian, recommender.settings
os.listdir(static)
for directory in written:
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(f"{directory} cannot be written")
family, _, _, _, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
with socket.socket(family, socket.SOCK_STREAM) as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(address)
"""
_TRY_SECONDS = 60

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rights:
    """As whom web, workers and beat run, and the variables that they need for it."""

    account: Account
    variables: Mapping[str, str] = field(default_factory=dict)


def rights(service: Service) -> Rights:
    """Those of the databases' account where root starts the service, else this user's.

    Where that account lacks something, root's, and the log says what.
    """
    layout = service.config.layout
    if os.geteuid() != 0:
        return Rights(current())
    try:
        account = server_account(layout)
        dropped = Rights(account, _variables(layout))
        written = _open(layout, account)
        reason = _refusal(service, dropped, written)
    except (StackError, OSError, subprocess.TimeoutExpired) as exc:
        reason = str(exc)
    if reason is None:
        return dropped
    logger.warning("Web and workers keep root's rights: %s", reason)
    return Rights(current())


def web_has_root(config: StackConfig) -> bool:
    """Whether the web that runs has all of root's rights."""
    record = read_record(config.layout)
    web = record.children["web"].find() if record and "web" in record.children else None
    return web is not None and web.uids().effective == 0


def _variables(layout: Layout) -> dict[str, str]:
    """What replaces root's own: the key, whose file stays root's, and a home to write in."""
    given = os.environ.get("KINSHIP_SECRET_KEY", "").strip()
    key = given or read_or_make_secret_key(layout.data_dir / "secret_key")
    return {"KINSHIP_SECRET_KEY": key, "HOME": str(layout.data_dir / "home")}


def _open(layout: Layout, account: Account) -> list[Path]:
    """Let the account reach the program, the sockets and the pages; where it may write."""
    for path in (layout.static, *layout.static.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    written = [layout.data_dir / name for name in _WRITTEN]
    for directory in written:
        claim_directory(directory, account)
    let_pass(Path(sys.executable), account)
    programs = (PROJECT_DIR, Path(sys.prefix), Path(sys.base_prefix))
    # Where both servers are external, there are no sockets.
    sockets = [layout.sockets] if layout.sockets.exists() else []
    for directory in (*programs, layout.static, *sockets, *written):
        let_pass(directory / "any", account)
    return written


def _refusal(service: Service, dropped: Rights, written: list[Path]) -> str | None:
    """Why the service would not run with these rights; None where it would."""
    layout = service.config.layout
    arguments = [service.host, str(service.port), str(layout.static), *map(str, written)]
    # S603: this interpreter and fixed code, no shell
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _TRY, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TRY_SECONDS,
        cwd=PROJECT_DIR,
        env=os.environ | {"KINSHIP_DATA_DIR": str(layout.data_dir)} | dict(dropped.variables),
        **identity(dropped.account),
    )
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    return f"the user {dropped.account.name} cannot run them ({said[-1]})"
