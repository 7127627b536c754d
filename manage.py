#!/usr/bin/env python
"""Kinship's command line: Django's, with the embedded servers started where they are needed."""

import os
import sys

from django.conf import settings
from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from recommender.stack import StackError, ensure_started
from recommender.stack.external import check_database
from recommender.stack.preparation import make_tables_if_none

# These need no database, or see to it themselves.
WITHOUT_DATABASE = {
    *("check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help"),
    *("makemessages", "makemigrations", "startapp", "startproject", "version"),
    *("demo", "down", "status", "up"),
}
INTERRUPTED = 130
UNREAD = 141


class KinshipCommandLine(ManagementUtility):
    """Django's command line, with a database behind the commands that need one."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Find a command and start what it needs; an unknown one starts nothing."""
        command = super().fetch_command(subcommand)
        if needs_database(self.argv[1:]):
            ensure_started(settings.STACK)
            check_database(settings.STACK)
            if subcommand != "migrate":
                make_tables_if_none(settings.STACK)
        return command


def needs_database(arguments: list[str]) -> bool:
    """Whether the servers must run before the command does."""
    if not arguments or not {"-h", "--help", "--version"}.isdisjoint(arguments):
        return False
    return arguments[0] not in WITHOUT_DATABASE


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")
    try:
        KinshipCommandLine(arguments).execute()
        sys.stdout.flush()
    except StackError as exc:
        Console(stderr=True, soft_wrap=True).print(Text(str(exc), style="red"))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read the output has gone, as `head` does. Python would fail again to flush it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
