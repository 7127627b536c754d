"""The service's own statements through pgbench, without the service."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.load import Sample
from recommender import database
from recommender.engine import related
from recommender.engine.answer import Query
from recommender.models import Catalog
from recommender.spaces import lifecycle
from recommender.stack.account import postgres_program
from recommender.stack.config import DATABASE_NAME, DATABASE_USER

_TRANSACTIONS = re.compile(r"number of transactions actually processed: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+)")
_BARE = """
SELECT product_id FROM recommender_productvector_{space}
ORDER BY embedding::halfvec({dimension}) <=> (SELECT embedding
    FROM recommender_productvector_{space} WHERE space_id = {space} AND product_id = :seed)
LIMIT {count};
"""


class PgbenchError(RuntimeError):
    """pgbench failed, or the service's statements are not what it can repeat."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """pgbench scripts and the ef_search that the service runs its statements with."""

    service: str
    bare: str
    ef_search: int


def scripts(catalog: Catalog, count: int) -> Scripts:
    """What a request for similar products sends to PostgreSQL, and the plainest search there is.

    Raises:
        PgbenchError: the products' keys do not go with their ids.
    """
    space = lifecycle.active_space(catalog.pk)
    if space is None:
        raise PgbenchError(f"The catalog {catalog.name} has no active space.")
    variables = _variables(catalog)
    bare = _BARE.format(space=space.pk, dimension=space.dimension, count=count)
    return Scripts(
        service=variables + "".join(_statements(catalog, count)),
        bare=variables + bare,
        ef_search=_ef_search(),
    )


def run(script: str, ef_search: int, connections: int, seconds: float) -> Sample:
    """One round of a script.

    Raises:
        PgbenchError: with what pgbench says.
    """
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "script.sql")
        file.write_text(script)
        arguments = [
            *("-h", str(settings.STACK.layout.sockets), "-U", DATABASE_USER),
            *("-n", "-M", "prepared", "-c", str(connections), "-j", str(min(2, connections))),
            *("-T", str(max(1, round(seconds))), "-f", str(file)),
            *("--log", f"--log-prefix={directory}/log", DATABASE_NAME),
        ]
        answer = subprocess.run(
            [str(postgres_program("pgbench")), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PGOPTIONS": _session(ef_search)},
        )
        rate, count = _RATE.search(answer.stdout), _TRANSACTIONS.search(answer.stdout)
        if answer.returncode or rate is None or count is None:
            raise PgbenchError(f"pgbench failed: {answer.stderr.strip()}")
        return Sample(int(count[1]) / float(rate[1]), _latencies(Path(directory)))


def _session(ef_search: int) -> str:
    """The service's own session settings, with the ef_search that it chose."""
    options = settings.DATABASES["default"]["OPTIONS"]["options"]
    return f"{options} -c hnsw.ef_search={ef_search}"


def _latencies(directory: Path) -> list[float]:
    """Seconds of each transaction; the third word of a line of the log, in microseconds."""
    lines = [line for log in directory.glob("log.*") for line in log.read_text().splitlines()]
    return [int(line.split()[2]) / 1e6 for line in lines]


def _variables(catalog: Catalog) -> str:
    """A random product: `product` is its id, which is a number, and `seed` its key."""
    query = "SELECT min(external_id::bigint), max(external_id::bigint), min(id), max(id) "
    table = "FROM recommender_product WHERE catalog_id = %s"
    first, last, first_key, last_key = database.fetch(query + table, (catalog.pk,))[0]
    if last - first != last_key - first_key:
        raise PgbenchError("The products' keys have gaps; remove the data directory.")
    offset = first - first_key
    return f"\\set product random({first}, {last})\n\\set seed :product - {offset}\n"


def _statements(catalog: Catalog, count: int) -> list[str]:
    """The statements of one request, as the service sends them, with pgbench's variables."""
    product = database.fetch(
        "SELECT min(external_id) FROM recommender_product WHERE catalog_id = %s", (catalog.pk,)
    )[0][0]
    query = Query(count=count)
    related.similar(catalog, product, query)  # sets ef_search, once a session
    with CaptureQueriesContext(connection) as captured:
        related.similar(catalog, product, query)
    values = {"catalog": str(catalog.pk), "product": ":product", "seed": ":seed"}
    positional = iter((str(catalog.pk), ":product"))

    def variable(placeholder: re.Match[str]) -> str:
        return values[placeholder[1]] if placeholder[1] else next(positional)

    return [
        re.sub(r"%(?:\((\w+)\))?s", variable, statement["sql"]).replace("%%", "%") + ";\n"
        for statement in captured.captured_queries
    ]


def _ef_search() -> int:
    return int(database.fetch("SELECT current_setting('hnsw.ef_search')")[0][0])
