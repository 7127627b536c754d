"""One run, from an empty directory to the report."""

from django.conf import settings
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks import embedding, figures, loading, measuring, report, server
from benchmarks.measuring import Client
from benchmarks.options import EMBEDDING, Options
from benchmarks.report import Report
from recommender.catalog import catalogs
from recommender.models import ApiKey, Catalog
from recommender.spaces import lifecycle


def run(options: Options) -> None:
    """Load the data where they are missing, measure, and print what was found.

    Raises:
        StackError: the servers or the web cannot run.
        LoadError: the service answered with an error.
        PgbenchError: pgbench could not repeat what the service does.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    # Rarely drawn: it shares the cores with what is measured.
    console = Console(stderr=True)
    with Progress(*columns, console=console, refresh_per_second=2, transient=True) as progress:
        task = progress.add_task("servers", total=None)
        results = _measure(options, lambda text: progress.update(task, description=text))
    report.show(results, Console())
    if options.json is not None:
        report.write(results, options.json)


def _measure(options: Options, progress: loading.Progress) -> Report:
    with server.stack(settings.STACK) as service:
        if EMBEDDING in options.parts:
            embedded = embedding.measure(service, options, progress)
            return Report(options=options, measured=embedded.measured, targets=embedded.targets)
        catalog, seconds = loading.load(options, progress)
        key = catalogs.create_key(catalog, ApiKey.Scope.SERVER, "benchmark")
        progress("web")
        with server.web(service) as web:
            client = Client(web, key, options.connections)
            measured = measuring.measure(catalog, client, options, progress)
        return Report(
            options=options,
            loading=seconds,
            index=_index(catalog),
            figures=measured,
            targets=figures.targets(measured),
        )


def _index(catalog: Catalog) -> dict[str, float]:
    space = lifecycle.active_space(catalog.pk)
    if space is None:
        raise LookupError(f"The catalog {catalog.name} has no active space.")
    return {"ef_search": space.ef_search, "recall": space.recall or 0.0}
