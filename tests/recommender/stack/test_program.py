from recommender.stack.program import log_tail, open_log, rotate_log


def test_a_log_is_read_by_its_owner_only(tmp_path):
    log = tmp_path / "web.log"
    open_log(log).close()
    log.write_bytes(b"line\n")
    rotate_log(log, largest=1)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_log_goes_on_where_it_ended(tmp_path):
    for line in (b"one\n", b"two\n"):
        with open_log(tmp_path / "web.log") as log:
            log.write(line)
    assert log_tail(tmp_path / "web.log") == "one\ntwo"


def test_a_log_is_read_by_nobody_else(tmp_path):
    log = tmp_path / "web.log"
    log.write_bytes(b"x" * (16 * 1024**2 + 1))
    log.chmod(0o644)
    open_log(log).close()
    open_log(tmp_path / "new.log").close()
    rotate_log(log, largest=-1)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_large_log_is_put_aside_once(tmp_path):
    log = tmp_path / "web.log"
    log.write_bytes(b"x" * (16 * 1024**2 + 1))
    (tmp_path / "web.log.1").write_bytes(b"older")
    open_log(log).close()
    assert log.stat().st_size == 0
    assert (tmp_path / "web.log.1").stat().st_size > 16 * 1024**2


def test_only_the_end_of_a_log_is_shown(tmp_path):
    (tmp_path / "web.log").write_text("".join(f"line {number}\n" for number in range(10_000)))
    assert log_tail(tmp_path / "web.log", lines=2) == "line 9998\nline 9999"


def test_a_log_that_does_not_exist_is_empty(tmp_path):
    assert log_tail(tmp_path / "web.log") == ""


def test_a_log_is_rotated_while_its_process_goes_on_writing(tmp_path):
    log = tmp_path / "web.log"
    with open_log(log) as output:
        output.write(b"before\n" * 10)
        output.flush()
        rotate_log(log, largest=20)
        output.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    assert (tmp_path / "web.log.1").read_bytes() == b"before\n" * 10


def test_a_small_log_and_one_that_is_not_there_are_left_alone(tmp_path):
    (tmp_path / "web.log").write_bytes(b"x")
    for name in ("web.log", "worker.log"):
        rotate_log(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]
