"""Online Retail: transactions of a gift shop, doi:10.1057/dbm.2012.17."""

from pathlib import Path

import numpy as np

from benchmarks.quality import reading, splits
from benchmarks.quality.dataset import Dataset, History, Times
from benchmarks.quality.reading import Ids

FILE = "transactions.csv"
NEW, ALL, TIME = "online-retail-new", "online-retail-all", "online-retail-time"
_COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
)
_SPLIT = "2011-10-01"
_DAY = 86_400
_TWO_MONTHS = 61 * _DAY
_ROWS = (
    "Rows with a customer, quantity and price above 0, no cancellations, stock codes that begin "
    "with a digit. "
)
_PROTOCOLS = {
    NEW: f"{_ROWS}All before {_SPLIT} is known, what the same customers bought from then on is to "
    "be found; own products left out. Recall is of as many as a list can hold.",
    ALL: f"{_ROWS}All before {_SPLIT} is known, what the same customers bought from then on is to "
    "be found, own products too. Recall is of as many as a list can hold.",
    TIME: f"{_ROWS}By global time: nine tenths of the events are known, what the same customers "
    "bought afterwards is to be found; own products left out. Recall is of as many as a list can "
    "hold.",
}


def recognised(folder: Path) -> tuple[str, ...]:
    """The names of the sets that a folder has in this format."""
    return (NEW, ALL, TIME) if reading.either(folder, FILE) else ()


def prepare(folder: Path, name: str) -> Dataset:
    """One of the three protocols.

    Raises:
        PrepareError: a column is missing, or a time is none.
    """
    users, products, history, titles, prices = _read(reading.needed(folder, FILE))
    if name == TIME:
        known, found = splits.last_tenth(history)
        length = int(found.at.max() - known.at.max())
    else:
        moment = reading.seconds(_SPLIT, folder / FILE)
        known, found = splits.from_time(history, moment)
        length = _TWO_MONTHS
    return Dataset(
        name=name,
        protocol=_PROTOCOLS[name],
        source="[Online Retail](https://archive.ics.uci.edu/dataset/352/online+retail), as "
        "`transactions.csv`",
        users=users.all,
        products=products.all,
        titles=titles,
        prices=prices,
        known=known,
        found=found,
        split=lambda known: splits.last_seconds(known, length),
        times=Times.REAL,
        event="purchase",
        repeats=name == ALL,
        is_recall_capped=True,
    )


def _read(path: Path) -> tuple[Ids, Ids, History, list[str], list[float]]:
    """Users, products, all events, and title and price of each product, those sold last."""
    users, products, orders = Ids(), Ids(), Ids()
    sales: list[tuple[int, int, int, int]] = []
    quantities = []
    last: dict[int, tuple[int, str, float]] = {}
    for row in reading.table(path, _COLUMNS):
        quantity, price = (reading.number(row[of], path) for of in ("Quantity", "UnitPrice"))
        if not _counts(row, quantity, price):
            continue
        product, at = products.row(row["StockCode"]), reading.seconds(row["InvoiceDate"], path)
        order = orders.row(row["InvoiceNo"])
        sales.append((users.row(row["CustomerID"]), product, at, order))
        quantities.append(quantity)
        if product not in last or last[product][0] <= at:
            last[product] = (at, row["Description"], price)
    customer, product_rows, moments, numbers = reading.columns(sales, path)
    history = History(
        users=customer,
        products=product_rows,
        at=moments,
        values=np.array(quantities),
        orders=numbers,
    )
    texts = [last[row] for row in range(len(products))]
    return users, products, history, [text for _, text, _ in texts], [cost for *_, cost in texts]


def _counts(row: dict[str, str], quantity: float, price: float) -> bool:
    return bool(
        row["CustomerID"]
        and min(quantity, price) > 0
        and not row["InvoiceNo"].startswith("C")
        and row["StockCode"][:1].isdigit()
    )
