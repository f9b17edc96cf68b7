"""GS1 check digits (General Specifications 7.9): SSCC-18 and GTIN-8 to GTIN-14. The same sum serves all of them."""

GTIN_LENGTHS = {"UP": 12, "EN": 13, "UK": 14}
"""Digits of an item number by its X12 qualifier (235), for those that are GTINs."""

SSCC_QUALIFIERS = frozenset({"GM", "AA"})
"""MAN01 and MAN04 codes for an SSCC-18: GM with its application identifier 00, AA without."""


def check_digit(digits: str) -> int:
    """The check digit for these digits (without it): weights 3 and 1 from the right."""
    return -(3 * sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2]))) % 10


def is_valid(number: str) -> bool:
    """Whether the last of these digits is the check digit of the others."""
    return number.isascii() and number.isdigit() and check_digit(number[:-1]) == int(number[-1])


def sscc_of(marks: str) -> str:
    """The 18 digits of an SSCC as a MAN segment tells it; "" where there are not 18 (or 20 with 00 before them)."""
    marks = marks.strip().removeprefix("(00)")
    if len(marks) == 20 and marks.startswith("00"):
        marks = marks[2:]
    return marks if len(marks) == 18 and marks.isascii() and marks.isdigit() else ""
