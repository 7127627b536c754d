import pytest

from recommender.history import erasure
from recommender.insight import run as insight_run
from recommender.insight import runs
from recommender.insight.kind import Finding, InsightError, Kind, Outcome, Parameters
from recommender.insight.kinds import KINDS
from recommender.insight.run import carry_out
from recommender.locks import LockLostError
from recommender.models import Catalog, InsightFinding, InsightRun
from recommender.training.fitting import Progress, silent
from tests.recommender.insight.insights import find_out
from tests.recommender.test_locks import end_lock_sessions
from tests.shop import Shop, numbered
from tests.threads import at_once

Status = InsightRun.Status


class Nothing(Parameters):
    pass


def kind_of(monkeypatch: pytest.MonkeyPatch, run: object, check: object = None) -> Kind:
    """A kind of the table for a test."""
    made = Kind("test", "Test", "A test.", Nothing, run, check or (lambda _c, _p: None))  # type: ignore[arg-type]
    monkeypatch.setitem(KINDS, "test", made)
    return made


def ask(shop: Shop, kind: Kind) -> InsightRun:
    return runs.request(shop.catalog, kind, kind.read({}))


def do(run: InsightRun) -> InsightRun:
    with runs.claimed(run.pk) as claim:
        assert claim is not None
        carry_out(claim, silent)
    return now(run)


def now(run: InsightRun) -> InsightRun:
    return InsightRun.objects.get(pk=run.pk)


def nothing_found(_catalog: Catalog, _asked: Parameters, _say: Progress) -> Outcome:
    return Outcome([], {}, "Nothing.")


def test_a_run_keeps_what_its_kind_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock(a="Mug")
    shop.visit("anna", "a")

    def found(_catalog: Catalog, _asked: Parameters, say: Progress) -> Outcome:
        findings = [
            Finding(shop.product("a").pk, None, "g", 0.5, {"reason": "looks “odd”"}),
            Finding(None, shop.user("anna").pk, "", 2, {}),
        ]
        return Outcome(findings, {"count": 2, "none": float("nan")}, "Two.", space=shop.space)

    run = do(ask(shop, kind_of(monkeypatch, found)))

    assert (run.status, run.summary, run.figures) == (
        Status.DONE,
        "Two.",
        {"count": 2, "none": None},
    )
    assert (run.space_name, run.space_version) == ("text", 1)
    assert run.seconds is not None
    assert run.finished_at is not None
    rows = run.findings.values_list("product", "user", "group", "score", "data")
    assert list(rows) == [
        (None, shop.user("anna").pk, "", 2.0, {}),
        (shop.product("a").pk, None, "g", 0.5, {"reason": "looks “odd”"}),
    ]


def test_of_those_who_ask_at_once_one_gets_a_run(
    committed_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(monkeypatch, nothing_found)

    def try_it(_: int) -> bool:
        try:
            ask(committed_shop, kind)
        except runs.AlreadyRunningError:
            return False
        return True

    assert sum(at_once(4, try_it)) == 1
    assert InsightRun.objects.count() == 1


def test_another_catalog_may_run_the_same_kind(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = kind_of(monkeypatch, nothing_found)
    ask(shop, kind)
    ask(Shop.open("other"), kind)

    assert InsightRun.objects.count() == 2


def test_who_asks_while_one_waits_has_workers_told_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def listen(run_id: int, **_: object) -> None:
        told.append(run_id)

    runs.insight_requested.connect(listen)
    kind = kind_of(monkeypatch, nothing_found)
    run = ask(shop, kind)
    with pytest.raises(runs.AlreadyRunningError, match=f"is waiting already, as run {run.uuid}"):
        ask(shop, kind)

    assert told == [run.pk] * 2


def test_what_cannot_be_told_is_refused_before_there_is_a_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(_catalog: Catalog, _asked: Parameters) -> None:
        raise InsightError("no-vectors", "Embed first.")

    with pytest.raises(InsightError, match="Embed first"):
        ask(shop, kind_of(monkeypatch, nothing_found, check))
    assert not InsightRun.objects.exists()


def test_a_run_is_carried_out_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ask(shop, kind_of(monkeypatch, nothing_found))

    with runs.claimed(run.pk) as first:
        assert first is not None
        assert now(run).status == Status.RUNNING
        with runs.claimed(run.pk) as second:
            assert second is None
        carry_out(first, silent)
    with runs.claimed(run.pk) as third:
        assert third is None
    assert now(run).status == Status.DONE


def test_what_a_person_can_mend_is_said_by_the_run_and_no_error_of_the_worker(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_catalog: Catalog, _asked: Parameters, _say: Progress) -> Outcome:
        raise InsightError("all-equal", "All vectors are equal.")

    run = do(ask(shop, kind_of(monkeypatch, fail)))

    assert run.status == Status.FAILED
    assert (run.error_code, run.error) == ("all-equal", "All vectors are equal.")


def test_an_error_nobody_foresaw_is_raised_and_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_catalog: Catalog, _asked: Parameters, _say: Progress) -> Outcome:
        raise ValueError("odd")

    run = ask(shop, kind_of(monkeypatch, fail))
    with pytest.raises(ValueError, match="odd"):
        do(run)

    assert (now(run).status, now(run).error) == (Status.FAILED, "ValueError: odd")


def test_a_cancelled_run_stops_at_its_next_report_and_keeps_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = []

    def slow(_catalog: Catalog, _asked: Parameters, say: Progress) -> Outcome:
        say("half", 1, 2)
        assert now(run).progress == {"text": "half", "done": 1, "total": 2}
        assert runs.cancel(run)
        say("all", 2, 2)
        reached.append(True)
        return Outcome([Finding(None, None, "", 1, {})], {}, "")

    run = ask(shop, kind_of(monkeypatch, slow))

    assert do(run).status == Status.CANCELLED
    assert not reached
    assert not InsightFinding.objects.exists()


def test_one_cancelled_while_it_is_written_keeps_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last_moment(_catalog: Catalog, _asked: Parameters, _say: Progress) -> Outcome:
        runs.cancel(run)
        return Outcome([Finding(None, None, "", 1, {})], {}, "")

    run = ask(shop, kind_of(monkeypatch, last_moment))

    assert do(run).status == Status.CANCELLED
    assert not InsightFinding.objects.exists()


def test_one_that_waits_can_be_cancelled_and_one_that_ended_cannot(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ask(shop, kind_of(monkeypatch, nothing_found))

    assert runs.cancel(run)
    assert not runs.cancel(run)
    with runs.claimed(run.pk) as claim:
        assert claim is None


def test_a_run_whose_process_died_is_failed_and_another_can_be_asked_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(monkeypatch, nothing_found)
    run = ask(shop, kind)
    InsightRun.objects.filter(pk=run.pk).update(status=Status.RUNNING)

    again = ask(shop, kind)

    assert (now(run).status, now(run).error) == (Status.FAILED, runs.DIED)
    assert again.pk != run.pk
    assert runs.waiting() == [again.pk]


def test_who_loses_the_lock_stops(committed_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_catalog: Catalog, _asked: Parameters, say: Progress) -> Outcome:
        end_lock_sessions()
        say("going on")
        raise AssertionError

    run = ask(committed_shop, kind_of(monkeypatch, slow))
    with pytest.raises(LockLostError):
        do(run)
    assert now(run).status == Status.FAILED


def test_the_latest_few_of_each_kind_are_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(_catalog: Catalog, _asked: Parameters, _say: Progress) -> Outcome:
        return Outcome([Finding(None, None, "", 1, {})], {}, "")

    kind = kind_of(monkeypatch, found)
    made = [do(ask(shop, kind)).pk for _ in range(runs.KEPT + 2)]

    kept = InsightRun.objects.order_by("pk").values_list("pk", flat=True)
    assert list(kept) == made[2:]
    assert InsightFinding.objects.count() == runs.KEPT


def test_what_ended_well_last_is_made_anew_by_the_schedule(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = kind_of(monkeypatch, nothing_found)
    run = do(ask(shop, kind))
    assert runs.renewable() == [run]

    runs.cancel(ask(shop, kind))
    assert runs.renewable() == []


def test_who_is_erased_is_in_no_finding(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock(a="Mug")
    shop.visit("anna", "a")

    def found(_catalog: Catalog, _asked: Parameters, _say: Progress) -> Outcome:
        return Outcome([Finding(None, shop.user("anna").pk, "", 1, {})], {}, "")

    do(ask(shop, kind_of(monkeypatch, found)))
    erasure.erase_user(shop.user("anna"))

    assert not InsightFinding.objects.exists()


def test_progress_is_written_twice_a_second_at_most(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def many(_catalog: Catalog, _asked: Parameters, say: Progress) -> Outcome:
        for done in range(1000):
            say("counting", done, 1000)
        return Outcome([], {}, "")

    monkeypatch.setattr(insight_run, "_TELL_EVERY", 3600.0)
    run = ask(shop, kind_of(monkeypatch, many))
    with runs.claimed(run.pk) as claim:
        assert claim is not None
        carry_out(claim, lambda _text, done=0, _total=0, /: told.append(done))
    assert told == [0, 0]


def test_clusters_are_found_from_one_end_to_the_other(shop: Shop) -> None:
    shop.stock(**numbered(12))
    shop.embed()

    run = find_out(shop, "clusters", k=4)

    assert run.figures["products"] == 12
    assert run.findings.count() == 12
