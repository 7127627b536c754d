from pathlib import Path

import psycopg
import pytest
from kombu import Connection

from recommender.stack import (
    StackConfig,
    StackError,
    broker_url,
    database_parameters,
    database_url,
    read_config,
)
from recommender.stack.config import Layout, without_password

BASE = Path("/srv/kinship")


def external(database: str | None = None, broker: str | None = None) -> StackConfig:
    return StackConfig(data_dir=BASE / ".data", database_url=database, broker_url=broker)


def test_without_settings_the_stack_is_embedded_beside_the_project():
    config = read_config({}, BASE)
    assert config == StackConfig(data_dir=BASE / ".data", database_url=None, broker_url=None)


def test_settings_that_are_empty_count_as_not_set():
    empty = {"DATABASE_URL": "", "BROKER_URL": "", "KINSHIP_DATA_DIR": ""}
    assert read_config(empty, BASE) == read_config({}, BASE)


def test_a_relative_data_directory_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_config({"KINSHIP_DATA_DIR": "data"}, BASE).data_dir == tmp_path / "data"


def test_the_archive_is_of_the_embedded_database_only(tmp_path):
    archived = {"KINSHIP_WAL_ARCHIVE": str(tmp_path / "wal")}
    assert read_config(archived, BASE).wal_archive == tmp_path / "wal"
    with pytest.raises(StackError, match="DATABASE_URL names another server"):
        read_config(archived | {"DATABASE_URL": "postgresql://db/shop"}, BASE)


def test_embedded_urls_name_the_sockets():
    config = read_config({}, BASE)
    assert (
        database_url(config) == "postgresql://kinship@/kinship?host=/srv/kinship/.data/run/sockets"
    )
    assert database_parameters(config) == {
        "HOST": "/srv/kinship/.data/run/sockets",
        "PORT": "",
        "NAME": "kinship",
        "USER": "kinship",
        "PASSWORD": "",
        "OPTIONS": {},
    }
    with Connection(broker_url(config)) as connection:
        assert connection.as_uri().startswith(
            "redis+socket:///srv/kinship/.data/run/sockets/valkey"
        )


def test_a_database_url_is_read_with_its_options_and_escapes():
    url = "postgres://shop:p%40ss%2Fword@db.example:6432/catalog?sslmode=require"
    assert database_parameters(external(url)) == {
        "HOST": "db.example",
        "PORT": "6432",
        "NAME": "catalog",
        "USER": "shop",
        "PASSWORD": "p@ss/word",
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql://host/shop", "no PostgreSQL URL"),
        ("host=db dbname=shop", "no PostgreSQL URL"),
        ("postgresql://db/shop?colour=red", "cannot be read"),
        ("postgresql://db:5432", "names no database"),
    ],
)
def test_a_database_url_that_cannot_be_used_is_refused_with_an_example(url, complaint):
    with pytest.raises(
        StackError, match=rf"{complaint}.*postgresql://user:password@host:5432/name"
    ):
        database_parameters(external(url))


def test_an_unknown_broker_is_refused_with_an_example():
    with pytest.raises(StackError, match=r"redis://host:6379/0 \(for Valkey too\) or amqp://"):
        broker_url(external(broker="kafka://host"))


def test_an_external_broker_is_used_as_given():
    assert broker_url(external(broker="amqp://a:b@host//")) == "amqp://a:b@host//"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@host:6379/0", "redis://:***@host:6379/0"),
        ("amqp://user:se%40cret@host//", "amqp://user:***@host//"),
        ("postgresql://kinship@/kinship?host=/run", "postgresql://kinship@/kinship?host=/run"),
    ],
)
def test_a_shown_url_has_no_password(url, shown):
    assert without_password(url) == shown


def test_psycopg_understands_the_embedded_url():
    parameters = psycopg.conninfo.conninfo_to_dict(database_url(read_config({}, BASE)))
    assert parameters["host"] == "/srv/kinship/.data/run/sockets"


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
