"""An evaluation as one page that a person reads or prints: no script, nothing to fetch."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from recommender.insight import plots
from recommender.insight.evaluation_result import Evaluation, MethodResult, Segment
from recommender.ranking.metrics import Interval

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 78rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; break-after: avoid; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; }
dt { color: #595959; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #595959; padding-bottom: .4rem; }
th, td { padding: .3rem .4rem; border-bottom: 1px solid #ddd; text-align: right;
         vertical-align: top; }
thead th { vertical-align: bottom; border-bottom: 2px solid #595959; }
.text { text-align: left; }
td small { display: block; color: #595959; }
.text small { min-width: 12rem; }
td:not(.text) small { white-space: nowrap; }
tr { break-inside: avoid; }
figure { margin: 1rem 0; break-inside: avoid; }
figcaption { color: #595959; max-width: 50rem; }
svg { max-width: 100%; height: auto; }
@media print { body { margin: 0; max-width: none; font-size: 9pt; } .wide { overflow: visible; }
               table { font-size: 7pt; } th, td { padding: .15rem .25rem; } }
@page { size: A4 landscape; margin: 12mm; }
"""

# Metric → heading and how a mean is written.
_COLUMNS = {
    "ndcg": ("NDCG", ".4f"),
    "recall": ("Recall", ".4f"),
    "mrr": ("MRR", ".4f"),
    "hit_rate": ("Hit rate", ".4f"),
    "coverage": ("Coverage", ".3f"),
    "novelty": ("Novelty", ".2f"),
    "diversity": ("Diversity", ".3f"),
    "popularity_bias": ("Popularity bias", "+.3f"),
}

_TEXT = ' class="text"'

_MEANINGS = {
    "NDCG": "how far up in the list what users came to stands; 1 is all on top",
    "Recall": "share of it in the list, of as much as the list can hold",
    "MRR": "1 / the place of the first hit, 0 without a hit",
    "Hit rate": "share of lists with at least one hit",
    "Coverage": "share of the products that could be listed which are in some list",
    "Novelty": "mean −log₂ of the share of users who had a listed product, in bits",
    "Diversity": "mean 1 − cosine between the content of the products of a list",
    "Popularity bias": "how much more popular than what its user had a list is, in percentiles "
    "from −1 to 1",
}


def render(evaluation: Evaluation) -> str:
    """The page, as HTML."""
    title = f"How well {evaluation.catalog} is recommended"
    parts = [
        f"<h1>{escape(title)}</h1>",
        _facts(evaluation),
        "<h2>All methods, best first</h2>",
        _methods(evaluation),
        _definitions(_MEANINGS.items()),
        *_pictures(evaluation),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _facts(evaluation: Evaluation) -> str:
    modes = {"new": "new: what users had is left out", "all": "all: what users had may return"}
    cut_off = evaluation.cut_off
    facts = [
        ("Catalog", evaluation.catalog),
        ("Split", evaluation.split),
        ("Cut-off", "each user's own" if cut_off is None else _moment(cut_off)),
        ("Mode", modes[evaluation.mode]),
        ("List", f"k = {evaluation.k}, ranked among all products, none sampled"),
        ("Users tested", f"{evaluation.users:,}"),
        ("Products", f"{evaluation.products:,}"),
        ("Made", _moment(evaluation.made_at)),
        ("Command", evaluation.command),
        *(("Note", note) for note in evaluation.notes),
    ]
    return _definitions(facts)


def _definitions(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs)
    return f"<dl>{rows}</dl>"


def _methods(evaluation: Evaluation) -> str:
    measured = [_heading(heading) for heading, _ in _COLUMNS.values()]
    headings = ["<th></th>", _heading("Method", text=True), _heading("Kind", text=True)]
    headings += [*measured, _heading("Seconds")]
    rows = [_row(number, method) for number, method in enumerate(evaluation.ranked, start=1)]
    return _table("Below each mean stands its 95 % bootstrap interval.", headings, rows)


def _row(number: int, method: MethodResult) -> list[str]:
    cells = [f"<td>{number}</td>", _words(method.name, method.note), _words(method.kind)]
    means = [
        _cell(method.metrics.get(metric), written) for metric, (_, written) in _COLUMNS.items()
    ]
    seconds = "–" if method.seconds is None else f"{method.seconds:.1f}"
    return [*cells, *means, f"<td>{seconds}</td>"]


def _pictures(evaluation: Evaluation) -> list[str]:
    if all(method.metrics.get("ndcg") is None for method in evaluation.methods):
        return ["<p>No method was measured, so there is nothing to draw.</p>"]
    best = f"At most the best {plots.METHODS} methods; all are in the tables below."
    return [
        "<h2>Accuracy</h2>",
        _figure(plots.accuracy(evaluation), "Numbers are the rows of the table."),
        "<h2>By length of history</h2>",
        _figure(plots.by_history(evaluation), best),
        _segments(evaluation, "NDCG", lambda method: method.by_history, "ndcg"),
        _segments(evaluation, "Recall", lambda method: method.by_history, "recall"),
        "<h2>By age of the product</h2>",
        _figure(plots.by_age(evaluation), best),
        _segments(evaluation, "Recall", lambda method: method.by_age, "recall"),
        "<h2>Accuracy against coverage and novelty</h2>",
        _figure(plots.trade_offs(evaluation), "Numbers are the rows of the first table."),
    ]


def _segments(
    evaluation: Evaluation,
    title: str,
    segments: Callable[[MethodResult], Sequence[Segment]],
    metric: str,
) -> str:
    """A table of one metric, all methods by all segments."""
    methods = [method for method in evaluation.ranked if segments(method)]
    if not methods:
        return ""
    labels = [segment.label for segment in segments(methods[0])]
    headings = [_heading("Method", text=True)]
    headings += [
        _heading(f"{segment.label} ({segment.users:,})") for segment in segments(methods[0])
    ]
    rows = []
    for method in methods:
        intervals = {segment.label: segment.metrics[metric] for segment in segments(method)}
        cells = [_cell(intervals.get(label), ".4f") for label in labels]
        rows.append([_words(method.name), *cells])
    return _table(f"{title}@{evaluation.k}; in brackets, how many users.", headings, rows)


def _table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = f"<thead><tr>{''.join(headings)}</tr></thead>"
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption>{head}\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _heading(words: str, *, text: bool = False) -> str:
    return f'<th scope="col"{_TEXT if text else ""}>{escape(words.replace("-", "–"))}</th>'


def _words(words: str, note: str = "") -> str:
    below = f"<small>{escape(note)}</small>" if note else ""
    return f"<td{_TEXT}>{escape(words)}{below}</td>"


def _cell(interval: Interval | None, written: str) -> str:
    if interval is None:
        return "<td>–</td>"
    mean, low, high = (
        format(value, written).replace("-", "−")
        for value in (interval.mean, interval.low, interval.high)
    )
    return f"<td>{mean}<small>{low} to {high}</small></td>"


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
