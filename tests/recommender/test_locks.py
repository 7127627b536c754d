import pytest

from recommender import database
from recommender.locks import APPLICATION, LockLostError, session_lock

KEY = 7_310_099


def end_lock_sessions() -> None:
    """End the connections that hold locks, as a restart of the server does."""
    database.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name = %s AND datname = current_database()",
        (APPLICATION,),
    )


def test_a_second_process_does_not_get_a_lock_that_is_held(db):
    with session_lock("the test", KEY) as first, session_lock("the test", KEY) as second:
        assert first is not None
        assert second is None
    with session_lock("the test", KEY) as again:
        assert again is not None


def test_who_waits_for_a_lock_gives_up_in_time(db):
    with (
        session_lock("the test", KEY),
        session_lock("the test", KEY, wait="50ms") as second,
    ):
        assert second is None


def test_a_lock_that_is_lost_says_so(db):
    with session_lock("the test", KEY) as lock:
        assert lock is not None
        lock.check()
        end_lock_sessions()
        with pytest.raises(LockLostError, match="lock of the test"):
            lock.check()


def test_a_block_ends_as_it_would_though_its_lock_was_lost(db):
    with session_lock("the test", KEY):
        end_lock_sessions()
    with session_lock("the test", KEY) as again:
        assert again is not None
