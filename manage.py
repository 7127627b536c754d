#!/usr/bin/env python
"""Kinship's command line: Django's, with the embedded servers started where they are needed."""

import os
import sys
from pathlib import Path

NO_ENVIRONMENT = (
    "This Python has not all of Kinship's packages ({error}). Run `make setup` in {home}, then "
    "./kinship instead of manage.py."
)


def no_environment(error: ModuleNotFoundError) -> str:
    """What to do where a package is missing, in one line."""
    return NO_ENVIRONMENT.format(error=error, home=Path(__file__).resolve().parent)


try:
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import ManagementUtility
    from django.core.management.base import BaseCommand
    from rich.console import Console
    from rich.text import Text

    from recommender.stack import StackError, ensure_started
    from recommender.stack.external import check_database
    from recommender.stack.preparation import check_not_newer, make_tables_if_none
except ModuleNotFoundError as exc:
    sys.exit(no_environment(exc))

NAME = "./kinship"
# These need no database, or see to it themselves.
WITHOUT_DATABASE = {
    *("check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help"),
    *("makemessages", "makemigrations", "startapp", "startproject", "version"),
    *("demo", "down", "restore", "status", "up", "upgrade_postgres"),
}
INTERRUPTED = 130
UNREAD = 141

HELP = """\
Kinship, a recommendation engine that lives in Postgres.

  ./kinship COMMAND --help    says more of a command, with examples

Run
  demo             run it with a sample store
  up, down         run it; stop it
  status           what runs
  doctor           what is wrong, and how to mend it

Your data
  create_catalog   a place for products, users and what they do
  create_api_key   a key for programs that use a catalog
  import_products  products from a file
  import_events    what users did, from a file
  embed            give products the vectors that they lack
  train            learn from history

What comes of it
  recommend        lists for many users, as JSON Lines
  evaluate         how good the lists are
  evaluate_search  how good search is, by judged queries
  evaluate_related how good lists that go with a product are, by replay
  effect           clicks, orders and revenue that lists brought
  insight          what a catalog tells: clusters and more
  space            change the embedding model, and go back
  spend            what embedding cost
  embed_file       the vectors of a text file's lines

Users' rights
  export_user      everything that is held about a user

As code
  apply            what a file says of catalogs, brought about
  diff             what it would change
  dump             the file of what there is

Safety
  backup           all of it in one file, while it runs
  restore          a backup in an empty data directory
  upgrade_postgres the database's files, to a newer PostgreSQL

Administrators of the admin
  createsuperuser, changepassword

Start: ./kinship demo, or docs/start.md. `./kinship help --commands` lists Django's commands, too.
"""


class KinshipCommandLine(ManagementUtility):
    """Django's command line, with a database behind the commands that need one."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__([NAME, *arguments])
        self.prog_name = NAME

    def main_help_text(self, commands_only: bool = False) -> str:
        """What there is to run; with `commands_only`, the bare names."""
        if commands_only:
            return str(super().main_help_text(commands_only))
        wrong = self.settings_exception
        return f"{HELP}\nNo command works yet: {wrong}" if wrong else HELP.rstrip()

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Find a command and start what it needs; an unknown one starts nothing.

        Raises:
            ImproperlyConfigured: settings or embedding models are not right.
            StackError: what it needs cannot start.
        """
        command = super().fetch_command(subcommand.replace("-", "_"))
        if type(command).__module__.startswith("recommender."):
            # Checks load every page of the API and of the admin: `check` and the tests do that.
            command.requires_system_checks = ()
        if works_with_models(self.argv[1:]):
            check_models()
        if needs_database(self.argv[1:]):
            ensure_started(settings.STACK)
            check_database(settings.STACK)
            check_not_newer(settings.STACK)
            if subcommand != "migrate":
                make_tables_if_none(settings.STACK)
        return command


def needs_database(arguments: list[str]) -> bool:
    """Whether the servers must run before the command does."""
    if not arguments or not {"-h", "--help", "--version"}.isdisjoint(arguments):
        return False
    return arguments[0] not in WITHOUT_DATABASE


def works_with_models(arguments: list[str]) -> bool:
    """Whether the command runs with the embedding models, so that they must be right."""
    return needs_database(arguments) or arguments[:1] in (["check"], ["demo"], ["up"])


def check_models() -> None:
    """Say in one line what system checks would say of the models in several.

    Raises:
        ImproperlyConfigured: KINSHIP_MODELS or KINSHIP_DEFAULT_MODEL is not right.
    """
    from recommender.providers import models  # noqa: PLC0415 - it reads the settings

    for error in models.check_models():
        raise ImproperlyConfigured(error.msg)


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")
    try:
        KinshipCommandLine(arguments).execute()
        sys.stdout.flush()
    except (StackError, ImproperlyConfigured) as exc:
        return complain(str(exc))
    except ModuleNotFoundError as exc:
        return complain(no_environment(exc))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read the output has gone, as `head` does. Python would fail again to flush it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return 0


def complain(text: str) -> int:
    """Write an error; the exit code that goes with it."""
    Console(stderr=True, soft_wrap=True).print(Text(text, style="red"))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
