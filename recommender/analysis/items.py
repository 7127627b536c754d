"""A product as the search for duplicates and anomalies reads it: plain values, no table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan, nan


@dataclass(frozen=True, slots=True)
class Item:
    """What a catalog says of a product.

    Attributes:
        own_text: of the description, as plain text, what is not shared by many products.
        price: NaN where there is none.
        gtin: the digits of a valid one; empty where there is none.
    """

    id: str
    title: str = ""
    description: str = ""
    own_text: str = ""
    category: str = ""
    brand: str = ""
    price: float = nan
    currency: str = ""
    gtin: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)

    @property
    def has_price(self) -> bool:
        """Whether it says a price, free or not."""
        return not isnan(self.price)


_LENGTHS = {8, 12, 13, 14}
_NAMES = ("gtin", "gtin8", "gtin12", "gtin13", "gtin14", "ean", "ean13", "upc", "isbn", "barcode")


def gtin_of(attributes: Mapping[str, object]) -> str:
    """The GTIN that a product's attributes have under a usual name, in 14 digits; else empty.

    A number whose check digit is wrong is none (GS1 General Specifications, 7.9).
    """
    for name, value in attributes.items():
        if name.casefold().replace("-", "").replace("_", "") in _NAMES:
            text = str(value) if isinstance(value, int) and 0 < value < 10**14 else value
            digits = text.replace(" ", "").replace("-", "") if isinstance(text, str) else ""
            if _is_gtin(digits):
                return digits.zfill(14)
    return ""


def check_digit(digits: str) -> int:
    """The last digit of the GTIN that begins with these."""
    weighted = (int(digit) * (3, 1)[n % 2] for n, digit in enumerate(reversed(digits)))
    return -sum(weighted) % 10


def _is_gtin(digits: str) -> bool:
    is_number = digits.isascii() and digits.isdigit() and len(digits) in _LENGTHS
    return is_number and int(digits) > 0 and check_digit(digits[:-1]) == int(digits[-1])
