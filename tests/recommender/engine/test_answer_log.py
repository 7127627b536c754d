import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Thread
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from recommender import database
from recommender.engine import answer_log
from recommender.engine.answer_log import SLOTS, ListedAnswer, Writer, new_id

ITEMS = ("sku,1", 'a"b', "back\\slash", "{}", "ü")


def listed(catalog_id: int = 1, rec_id: UUID | None = None) -> ListedAnswer:
    return ListedAnswer(
        rec_id=rec_id or new_id(),
        catalog_id=catalog_id,
        operation="similar",
        subject="mug-red",
        request=partial(str, '{"count": 3}'),
        is_vouched=False,
        shown=(3, 2**60),
        items=ITEMS,
        tail=(),
    )


def test_what_is_written_is_found_as_it_was(db: None) -> None:
    writer, answer = Writer(), listed()
    writer.add(answer)
    assert answer_log.find(1, answer.rec_id) is None
    with_picture = replace(listed(), request=partial(str, "x" * 100_000))
    writer.add(with_picture)
    writer.flush()
    assert answer_log.find(1, with_picture.rec_id) is None
    found = answer_log.find(1, answer.rec_id)
    assert found is not None
    assert found.request() == answer.request()
    assert replace(found, request=answer.request) == answer
    assert answer_log.find(2, answer.rec_id) is None


def test_ids_tell_when_they_were_made_and_never_repeat() -> None:
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert all(abs(answer_log._made_at(one) - time.time()) < 5 for one in made)


def test_an_answer_on_its_way_from_another_process_is_waited_for(transactional_db: None) -> None:
    writer, answer = Writer(), listed()

    def write() -> None:
        time.sleep(answer_log._LATE_SECONDS / 3)
        writer.flush()
        database.connection.close()

    writer.add(answer)
    thread = Thread(target=write)
    thread.start()
    assert answer_log.find(1, answer.rec_id) is not None
    thread.join()
    answer_log._empty(answer_log._slot_of(time.time()))


def test_too_many_that_wait_cost_the_oldest_and_are_counted(db: None) -> None:
    writer, answers = Writer(most=2), [listed() for _ in range(5)]
    for answer in answers:
        writer.add(answer)
    assert [writer.find(answer.rec_id) is not None for answer in answers] == 3 * [False] + 2 * [
        True
    ]
    with capture_logs() as logs:
        writer.flush()
        writer.flush()
    assert [(line["event"], line["number"]) for line in logs] == [("answers dropped", 3)]


def test_what_the_database_refuses_is_lost_and_said(transactional_db: None) -> None:
    writer = Writer()
    writer.add(listed(catalog_id=2**63))
    with capture_logs() as logs:
        writer.flush()
    assert [line["event"] for line in logs] == ["answers cannot be kept", "answers dropped"]
    writer.add(listed())
    writer.flush()
    answer_log._empty(answer_log._slot_of(time.time()))


@pytest.mark.parametrize("minutes", [0, 14, 31, 59])
def test_an_answer_is_kept_for_an_hour_and_then_forgotten(db: None, minutes: int) -> None:
    began = datetime(2026, 1, 1, 12, minutes, tzinfo=UTC)
    answer = listed(rec_id=UUID(int=int(began.timestamp() * 1000) << 80))
    writer = Writer()
    writer.add(answer)
    writer.flush()
    later = 0
    while answer_log._read(1, answer.rec_id):
        later += 5
        answer_log.prune(began + timedelta(minutes=later))
    assert 60 <= later <= 75
    assert answer_log.find(1, answer.rec_id) is None, "whose hour is long over"


def test_where_there_is_too_much_the_oldest_goes_first(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    writer = Writer()
    for slot in range(SLOTS):
        answer_log._empty(slot)
    for quarter in range(4):
        at = now - quarter * timedelta(minutes=15)
        writer.add(listed(rec_id=UUID(int=int(at.timestamp() * 1000) << 80)))
    writer.flush()
    current = answer_log._slot_of(now.timestamp())
    sizes = dict(database.fetch(answer_log._SIZES, (SLOTS - 1,)))
    monkeypatch.setattr(answer_log, "_MOST_BYTES", 2 * max(sizes.values()))
    assert answer_log.prune(now) == [(current - 3) % SLOTS, (current - 2) % SLOTS]
