"""Check digits: whether a run of digits is a card, an INN, a SNILS or an IBAN."""

from __future__ import annotations

_INN_10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_11 = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_12 = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)


def is_card(digits: str) -> bool:
    """Whether 13 to 19 digits satisfy Luhn's rule (ISO/IEC 7812-1).

    Examples
    --------
    >>> is_card("4111111111111111"), is_card("4111111111111112")
    (True, False)
    """
    if not 13 <= len(digits) <= 19:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_inn(digits: str) -> bool:
    """Whether 10 or 12 digits are a Russian tax number (order ED-7-14/559, control digits).

    Examples
    --------
    >>> is_inn("7707083893"), is_inn("500100732259"), is_inn("7707083894")
    (True, True, False)
    """
    if len(digits) == 10:
        return _control(digits, _INN_10) == int(digits[9])
    if len(digits) == 12:
        first, second = _control(digits, _INN_11), _control(digits, _INN_12)
        return (first, second) == (int(digits[10]), int(digits[11]))
    return False


def _control(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False)) % 11 % 10


def is_snils(digits: str) -> bool:
    """Whether 11 digits are a Russian pension insurance number with its control number.

    Examples
    --------
    >>> is_snils("11223344595"), is_snils("11223344596")
    (True, False)
    """
    if len(digits) != 11:
        return False
    total = sum(int(d) * w for d, w in zip(digits, range(9, 0, -1), strict=False))
    return total % 101 % 100 == int(digits[9:])


def is_iban(text: str) -> bool:
    """Whether the text without spaces is an IBAN (ISO 13616: modulo 97 is 1).

    Examples
    --------
    >>> is_iban("DE89370400440532013000"), is_iban("DE89370400440532013001")
    (True, False)
    """
    plain = text.replace(" ", "").upper()
    if not 15 <= len(plain) <= 34 or not plain.isascii() or not plain.isalnum():
        return False
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1
