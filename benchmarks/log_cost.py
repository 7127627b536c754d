"""What the recommendation log costs of an answer: `python -m benchmarks.log_cost`.

Asks the service's own code, in this process, for recommendations and similar products of the sample
store, in turn with everything logged and with nothing, and compares the processor time of the whole
process, its writer included. The database's is not in it.
"""

import os
import statistics
import time
from argparse import ArgumentParser

import django

_ROUND = 100


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help=f"of {_ROUND} answers each")
    rounds = parser.parse_args().rounds
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")
    django.setup()
    for name, path in _PATHS.items():
        took = _measure(path, rounds)
        with_log, without = (statistics.median(took[share]) for share in (1.0, 0.0))
        print(
            f"{name}: {1000 * with_log:.3f} ms with the log, {1000 * without:.3f} ms without: "
            f"{with_log / without - 1:+.1%}"
        )


_PATHS = {
    "recommendations": "/v1/users/sim-coffee-lover-01/recommendations",
    "similar": "/v1/products/{product}/similar",
}


def _measure(path: str, rounds: int) -> dict[float, list[float]]:
    """Seconds of processor an answer, by share logged, one of each round."""
    from django.test import RequestFactory  # noqa: PLC0415 - needs Django

    from recommender.api import shortcut  # noqa: PLC0415
    from recommender.catalog import catalogs, sample  # noqa: PLC0415
    from recommender.engine import answer_log  # noqa: PLC0415
    from recommender.models import ApiKey, Catalog, Product  # noqa: PLC0415

    catalog = Catalog.objects.get(name=sample.NAME)
    product = Product.objects.filter(catalog=catalog).values_list("external_id", flat=True)[0]
    key = catalogs.create_key(catalog, ApiKey.Scope.SERVER, "log_cost")
    request = RequestFactory().get(
        path.format(product=product), {"count": "12"}, headers={"Authorization": f"Bearer {key}"}
    )
    answer_log.writer.start()
    took: dict[float, list[float]] = {1.0: [], 0.0: []}
    try:
        for turn in range(2 * rounds + 2):
            share = (1.0, 0.0)[turn % 2]
            Catalog.objects.filter(pk=catalog.pk).update(log_share=share)
            time.sleep(0.6)  # for as long as a process remembers a key
            began = time.process_time()
            for _ in range(_ROUND):
                answered = shortcut.answer(request)
                assert answered is not None
                assert answered.status_code == 200, answered.content
            answer_log.writer.flush()
            if turn >= 2:
                took[share].append((time.process_time() - began) / _ROUND)
    finally:
        Catalog.objects.filter(pk=catalog.pk).update(log_share=catalog.log_share)
        ApiKey.objects.filter(label="log_cost").delete()
    return took


if __name__ == "__main__":
    main()
