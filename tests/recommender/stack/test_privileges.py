"""Web and workers give up root's rights only where that can work; `test_up` sees them do so."""

import os
import socket

import pytest

from recommender.stack import StackConfig, ensure_data_dir
from recommender.stack.privileges import rights
from recommender.stack.service import Service


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_what_only_root_can_do_is_done_as_root_and_said(
    config: StackConfig, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_data_dir(config)
    config.layout.static.mkdir()
    # Another service's port stands for whatever the account may not do.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        service = Service(config=config, host="127.0.0.1", port=taken.getsockname()[1])
        assert rights(service).account.uid == 0
    (record,) = caplog.records
    assert "keep root's rights: the user kinship-db cannot run them" in record.getMessage()
    assert "Address already in use" in record.getMessage()

    dropped = rights(service)
    assert dropped.account.uid != 0
    assert dropped.variables["HOME"] == str(config.data_dir / "home")
