from pathlib import Path

import pytest

from recommender.stack.layout import Layout


def test_sockets_usually_live_in_the_data_directory():
    assert Layout(Path("/srv/kinship/.data")).sockets == Path("/srv/kinship/.data/run/sockets")


@pytest.mark.parametrize(
    "data_dir", ["/srv/" + "long/" * 20, "/home/ann/My Shop/.data", "/srv/größe", "/srv/a,b"]
)
def test_a_path_that_is_too_long_or_needs_quoting_gets_a_short_plain_one(data_dir):
    layout = Layout(Path(data_dir))
    assert layout.sockets.parent == Path("/tmp")
    assert len(bytes(layout.valkey_socket)) < 60
    assert layout.sockets == Layout(Path(data_dir)).sockets


def test_two_data_directories_never_share_sockets():
    assert Layout(Path("/srv/a b")).sockets != Layout(Path("/srv/a c")).sockets
