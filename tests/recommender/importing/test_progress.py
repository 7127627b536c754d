from recommender.importing import progress
from recommender.importing.progress import Progress


def test_without_a_terminal_nothing_is_drawn_and_a_line_comes_now_and_then(capsys, monkeypatch):
    with Progress(1000) as quiet:
        quiet.reading(500, 10_000)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    with Progress(1000) as talkative:
        talkative.reading(500, 10_000)
        talkative.say("writing")
    assert capsys.readouterr() == ("", "10,000 rows read (50%)\nwriting\n")
