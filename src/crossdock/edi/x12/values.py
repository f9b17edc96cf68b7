"""One element's text and the value it stands for, both ways: dates, decimals, counts, codes and their words.

Decoders raise ValueError (or ArithmeticError) on text that is no such value; encoders raise `CannotWrite` where the
element cannot hold the value exactly, so that no price or quantity is ever rounded on its way.
"""

import functools
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from crossdock.edi.x12.guide import Element

Decoder = Callable[[str], Any]
Encoder = Callable[[Any], str]


class CannotWrite(ValueError):
    """A document holds what its guide has no place for; the message names segment and element."""


class Words(dict[str, str]):
    """A vocabulary; what it does not hold stands for itself."""

    def __missing__(self, key: str) -> str:
        return key


LONGEST = 18
"""Digits before or behind the point: an exponent may not make more of a number than its longest element could hold."""


@functools.lru_cache(maxsize=8192)
def decimal(text: str) -> Decimal:
    """R: digits with an optional point and sign."""
    value = Decimal(text)
    if "_" in text or not value.is_finite() or not -LONGEST <= value.adjusted() < LONGEST:
        raise ValueError(f"not a number: {text!r}")
    return value


@functools.lru_cache(maxsize=4096)
def hundredths(text: str) -> Decimal:
    """N2: digits whose last two are decimals. A point, where a sender writes one, is believed."""
    return decimal(text) if "." in text else decimal(text).scaleb(-2)


@functools.lru_cache(maxsize=4096)
def day(text: str) -> date:
    """DT: CCYYMMDD, or YYMMDD where the version knows no century (then 50 to 99 are the 1900s)."""
    if not text.isdigit() or len(text) not in (6, 8):
        raise ValueError(f"not a date: {text!r}")
    if len(text) == 6:
        text = ("19" if text >= "5" else "20") + text
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


@functools.lru_cache(maxsize=4096)
def clock(text: str) -> time:
    """TM: HHMM, HHMMSS or HHMMSSD(D), decimal parts of a second last."""
    if not text.isdigit() or len(text) not in (4, 6, 7, 8):
        raise ValueError(f"not a time: {text!r}")
    fraction = int(text[6:].ljust(2, "0")) * 10_000 if len(text) > 6 else 0
    return time(int(text[:2]), int(text[2:4]), int(text[4:6] or 0), fraction)


@functools.lru_cache(maxsize=4096)
def whole(text: str) -> int:
    """N0: an integer."""
    if not text.removeprefix("-").isdigit():
        raise ValueError(f"not a whole number: {text!r}")
    return int(text)


def decoder(kind: Any, element: Element) -> Decoder:
    """How an element's text becomes a field of type `kind`."""
    if kind is date:
        return day
    if kind is Decimal:
        return hundredths if element.type == "N2" else decimal
    if kind is int:
        return whole
    if kind is bool:
        table = {code: word == "true" for code, word in element.words.items()}
        return table.__getitem__
    return Words(element.words).__getitem__ if element.words else str.rstrip


def encoder(kind: Any, element: Element, where: str) -> Encoder:
    """How a field of type `kind` becomes an element's text; None and "" become ""."""
    if kind is date:
        return functools.partial(_day, short=element.max == 6)
    if kind is Decimal:
        return functools.partial(_hundredths, where=where) if element.type == "N2" else _decimal
    if kind is int:
        return _whole
    codes = codes_of(element)
    if kind is bool:
        return {True: codes.get("true", ""), False: codes.get("false", ""), None: ""}.__getitem__
    return codes.__getitem__ if codes else str


def codes_of(element: Element) -> Words:
    """Word to code. The first of two codes for a word is taken."""
    codes = Words()
    for code, word in element.words.items():
        codes.setdefault(word, code)
    return codes


def moment(day_text: str, time_text: str) -> datetime:
    """Date and time elements as one moment at the sender's clock, which X12 does not tell the zone of."""
    return datetime.combine(day(day_text), clock(time_text) if time_text else time())


def _decimal(value: Decimal | None) -> str:
    if value is None:
        return ""
    text = str(value)  # at half of what format takes, but large and small ones may come with an exponent
    return format(value, "f") if "E" in text else text


def _hundredths(value: Decimal | None, where: str) -> str:
    if value is None:
        return ""
    cents = value.scaleb(2)
    if cents != cents.to_integral_value():
        raise CannotWrite(f"{where} holds two decimals, but the amount is {value}")
    return format(cents.to_integral_value(), "f")


@functools.lru_cache(maxsize=4096)
def _day(value: date | None, short: bool) -> str:
    return "" if value is None else value.strftime("%y%m%d") if short else f"{value:%Y%m%d}".zfill(8)


def _whole(value: int | None) -> str:
    return "" if value is None else str(value)
