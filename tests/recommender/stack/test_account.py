import os
import stat

import pytest

from recommender.stack import StackError
from recommender.stack.account import Account, claim_directory, current, server_account, write_file
from recommender.stack.config import Layout


def test_an_ordinary_user_runs_the_servers_itself_and_root_never_does(tmp_path):
    account = server_account(Layout(tmp_path))
    assert account.uid != 0
    if os.geteuid() != 0:
        assert account == current()


def test_as_root_the_owner_of_the_data_runs_the_servers(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    layout = Layout(tmp_path)
    layout.postgres.mkdir()
    os.chown(layout.postgres, 12345, 12345)
    assert server_account(layout) == Account("12345", 12345, 12345)


def test_a_directory_that_somebody_else_put_in_the_way_is_refused(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir(mode=0o755)
    link.symlink_to(target)
    with pytest.raises(StackError, match=r"belongs to another user\. Remove it"):
        claim_directory(link, current())
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    target, link = tmp_path / "passwd", tmp_path / "kinship.conf"
    target.write_text("untouched")
    link.symlink_to(target)
    write_file(link, "settings", current())
    assert target.read_text() == "untouched"
    assert link.read_text() == "settings"
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
