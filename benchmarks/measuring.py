"""The measurement: rounds of load in turn, so that the machine's noise falls on all alike."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from benchmarks import cases, figures, lists, load, pgbench, truth
from benchmarks.figures import Figure
from benchmarks.load import Sample
from benchmarks.options import FILTERS, LISTS, RECOMMENDATIONS, SIMILAR, Options
from benchmarks.server import Web
from benchmarks.truth import Recall
from recommender.models import Catalog, User

COUNT = 20
_SEEDS = 200
_PATHS = 5_000
_SEED = 20
_WARM_UP = 0.25  # of a round: connections, prepared statements, what is remembered of filters

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request: how a round of so many seconds is run, and what is known of it."""

    name: str
    round: Callable[[float], Sample]
    recall: Recall | None = None
    passing: int | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks the service: which, with which key, over how many connections."""

    web: Web
    key: str
    connections: int

    def answers(self, paths: Sequence[str]) -> list[list[str]]:
        """The products' ids in the answers to these paths."""
        bodies = load.fetch(self.web.url, paths, self.key)
        return [[item["id"] for item in json.loads(body)["items"]] for body in bodies]

    def load(self, paths: Sequence[str], seconds: float) -> Sample:
        """One round of these paths, over and over."""
        url, before = self.web.url, self.web.processor_seconds()
        requests = [load.request(url, path, self.key) for path in paths]
        sample = load.run(url, cycle(requests), connections=self.connections, seconds=seconds)
        return replace(sample, processor=self.web.processor_seconds() - before)


def measure(catalog: Catalog, client: Client, options: Options, progress: Progress) -> list[Figure]:
    """The figures of the parts that are asked for."""
    kinds = []
    if SIMILAR in options.parts or FILTERS in options.parts:
        progress("exact answers")
        kinds += list(_searches(catalog, client, options, progress))
    if RECOMMENDATIONS in options.parts:
        kinds += _recommendations(catalog, client)
    if LISTS in options.parts:
        kinds += [
            Kind(name, partial(client.load, paths))
            for name, paths in lists.paths(catalog, _PATHS, COUNT).items()
        ]
    return _in_turn(kinds, options, progress)


def _in_turn(kinds: Sequence[Kind], options: Options, progress: Progress) -> list[Figure]:
    samples: dict[str, list[Sample]] = {kind.name: [] for kind in kinds}
    for kind in kinds:
        progress(f"warm-up: {kind.name}")
        kind.round(options.seconds * _WARM_UP)
    for number in range(1, options.rounds + 1):
        for kind in kinds:
            progress(f"round {number} of {options.rounds}: {kind.name}")
            samples[kind.name].append(kind.round(options.seconds))
    return [figures.figure(k.name, samples[k.name], k.recall, k.passing) for k in kinds]


def _searches(
    catalog: Catalog, client: Client, options: Options, progress: Progress
) -> Iterator[Kind]:
    """Similar products, through pgbench too, and with each of the filters."""
    known = truth.load(catalog)
    rng = np.random.default_rng(_SEED)
    seeds = rng.choice(len(known.ids), min(_SEEDS, len(known.ids)), replace=False)
    products = rng.choice(len(known.ids), _PATHS)
    judge = truth.judge(known, seeds)

    def search(name: str, document: dict[str, Any], parameter: str, passing: int | None) -> Kind:
        progress(f"recall: {name}")
        answers = client.answers([_path(known.ids[seed], parameter) for seed in seeds])
        paths = [_path(known.ids[product], parameter) for product in products]
        recall = judge.recall(document, answers, COUNT)
        return Kind(name, partial(client.load, paths), recall, passing)

    if SIMILAR in options.parts:
        yield from _pgbench(catalog, options.connections)
        yield search(figures.SIMILAR, {}, "", None)
    if FILTERS in options.parts:
        for case in cases.cases(known):
            yield search(case.name, case.document, case.parameter, case.passing)


def _pgbench(catalog: Catalog, connections: int) -> Iterator[Kind]:
    scripts = pgbench.scripts(catalog, COUNT)
    for name, script in ((figures.BARE_SQL, scripts.bare), (figures.SAME_SQL, scripts.service)):
        yield Kind(name, partial(pgbench.run, script, scripts.ef_search, connections))


def _recommendations(catalog: Catalog, client: Client) -> list[Kind]:
    """For random users: by all clients at once, and by one alone, who waits for nobody else."""
    users = list(User.objects.filter(catalog=catalog).values_list("external_id", flat=True))
    rng = np.random.default_rng(_SEED)
    paths = [
        f"/v1/users/{users[place]}/recommendations?count={COUNT}"
        for place in rng.choice(len(users), _PATHS)
    ]
    return [
        Kind(figures.RECOMMENDATIONS, partial(client.load, paths)),
        Kind(figures.ALONE, partial(replace(client, connections=1).load, paths)),
    ]


def _path(product: str, parameter: str) -> str:
    return f"/v1/products/{product}/similar?count={COUNT}{parameter}"
