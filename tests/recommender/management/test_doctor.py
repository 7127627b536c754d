import json

import pytest
from django.core.management import call_command

from tests.shop import Shop


def test_it_says_what_is_wrong_and_how_to_mend_it(
    stocked: Shop, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as exit_code:
        call_command("doctor")
    assert exit_code.value.code == 3
    said = capsys.readouterr().out
    assert "workers: none has ever run\n        → ./kinship up" in said
    assert "ok      pgvector" in said


def test_json_has_every_finding(stocked: Shop, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        call_command("doctor", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["is_well"] is False
    assert {"check": "pgvector", "level": "ok", "text": "", "mend": ""} in told["findings"]
