"""Addresses of PostgreSQL: taken apart, shown in messages, refused where they hold a secret."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote

from churnml.errors import InputError

_SCHEMES = ("postgresql", "postgres")
#: Parameters of libpq whose value is a secret.
_SECRETS = {"password", "sslpassword", "oauth_client_secret"}
_HOST = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(:\d*)?")
_EXAMPLE = "postgresql://reader@db.example.com:5432/warehouse"


@dataclass(frozen=True)
class Address:
    """A database of a PostgreSQL server.

    Parameters
    ----------
    url : str
        What libpq is given; from the environment it may hold the password, so it is never shown.
    shown : str
        What stands for it in messages: an environment variable, or the address without parameters.
    schema : str, optional
        Where tables without a schema are looked up; none: where the user of the database looks.
    """

    url: str = field(repr=False)
    shown: str
    schema: str | None = None

    @classmethod
    def written(cls, text: str) -> Self:
        """An address given as DATA or in a study, where everybody can read it.

        Raises
        ------
        InputError
            If it holds a secret, or is no address. The text is never part of a message.
        """
        if holds_secret(text):
            raise InputError(
                "The address of the data holds a password, and commands and studies are read by "
                f"others. Write it without, such as {_EXAMPLE}, and give the password in "
                "PGPASSWORD, in ~/.pgpass or in a service file (postgresql://?service=NAME)."
            )
        hosts, _, database = text.partition("://")[2].partition("?")[0].partition("/")
        if not all(_HOST.fullmatch(one) for one in hosts.rpartition("@")[2].split(",")):
            raise InputError(
                "The address of the data is no address of PostgreSQL. Expected such as "
                f"{_EXAMPLE}, with special characters written as %xx."
            )
        given = _parameters(text.partition("?")[2])
        schema = next((unquote(value) for name, value in given if name == "schema"), "")
        kept = "&".join(f"{name}={value}" for name, value in given if name != "schema")
        shown = f"{text.partition('://')[0]}://{hosts}/{database}"
        return cls(f"{shown}?{kept}" if kept else shown, shown, schema or None)

    @classmethod
    def in_environment(cls, variable: str) -> Self:
        """The address that an environment variable holds.

        Raises
        ------
        InputError
            If the variable is not set.
        """
        if url := os.environ.get(variable, "").strip():
            return cls(url, variable)
        raise InputError(
            f'dataset.toml says [server] postgres = "{variable}", but the environment variable '
            f"{variable} is not set. Set it to the address of the server, such as "
            f"export {variable}=postgresql://reader@db.example.com/warehouse, and put the password "
            "there, into PGPASSWORD or into ~/.pgpass."
        )


def is_address(text: str) -> bool:
    """Whether a text is meant as an address of PostgreSQL.

    Examples
    --------
    >>> is_address("postgresql://reader@db.example.com/warehouse"), is_address("data/demo")
    (True, False)
    """
    return text.partition("://")[0] in _SCHEMES and "://" in text


def holds_secret(text: str) -> bool:
    """Whether an address holds a password, as its user's or as a parameter.

    Examples
    --------
    >>> holds_secret("postgresql://u:pw@h/d"), holds_secret("postgresql://u@h:5432/d")
    (True, False)
    """
    head, _, query = text.partition("://")[2].partition("?")
    return ":" in head.rpartition("@")[0] or any(name in _SECRETS for name, _ in _parameters(query))


def _parameters(query: str) -> list[tuple[str, str]]:
    """Names and values as they stand there; libpq reads no plus as a blank."""
    split = (part.partition("=") for part in query.split("&") if part)
    return [(unquote(name), value) for name, _, value in split]
