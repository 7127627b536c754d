from dataclasses import replace

import pytest

from embeddings.local.fake import SPEC
from workers.batch_size import BatchSize

HOSTED = replace(SPEC, is_hosted=True, max_rows=10)


def settled(rate: float, size: BatchSize) -> int:
    """The size after many batches of a model that embeds so many products a second."""
    for _ in range(12):
        size.took(size.rows, size.rows / rate)
    return size.rows


@pytest.mark.parametrize(
    ("rate", "rows"), [(30_000, 2_048), (400, 800), (100, 200), (1, 32), (0.1, 32)]
)
def test_a_batch_is_about_two_seconds_of_work(rate: float, rows: int) -> None:
    assert settled(rate, BatchSize(SPEC)) == rows


def test_a_batch_that_was_quicker_than_the_clock_grows_step_by_step() -> None:
    size = BatchSize(SPEC)
    first = size.rows

    size.took(first, 0.0)

    assert size.rows == 4 * first


@pytest.mark.parametrize(("per_minute", "rows"), [(None, 256), (6_000, 256), (240, 40), (6, 32)])
def test_the_first_batch_of_a_limited_model_is_a_second_of_its_rate(
    per_minute: int | None, rows: int
) -> None:
    assert BatchSize(replace(HOSTED, requests_per_minute=per_minute)).rows == rows
