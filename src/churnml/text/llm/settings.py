"""Where the language model answers, what it may cost, and whether texts go there redacted."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from churnml.config import Section, parse, read_toml
from churnml.errors import InputError


class LlmSettings(Section):
    """The table ``[llm]``.

    Parameters
    ----------
    base_url : str
        Up to and with ``/v1``; ``/chat/completions`` is added.
    model : str
    api_key_env : str
        Name of the environment variable with the key; empty: no key.
    redact : bool
        Can be false only where the endpoint is this machine or listed in ``trusted_endpoints``.
    trusted_endpoints : tuple of str
        Host names that may see personal data.
    when : {"all", "negative_or_marker", "sample"}
        Which messages are asked about: all, those in which the word lists find something, or a
        share of all drawn by their content.
    max_tokens_budget, max_messages : int
        No more is spent; what is left over has the status ``budget``.
    """

    base_url: str
    model: str
    api_key_env: str = "OPENAI_API_KEY"
    redact: bool = True
    trusted_endpoints: tuple[str, ...] = ()
    when: Literal["all", "negative_or_marker", "sample"] = "negative_or_marker"
    sample_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    max_tokens_budget: Annotated[int, Field(gt=0)] = 1_000_000
    max_messages: Annotated[int, Field(gt=0)] = 10_000
    concurrency: Annotated[int, Field(gt=0, le=64)] = 4
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    retries: Annotated[int, Field(ge=0, le=10)] = 4
    backoff_seconds: Annotated[float, Field(ge=0)] = 1.0
    input_price_per_million: Annotated[float, Field(ge=0)] = 0.0
    output_price_per_million: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _check(self) -> LlmSettings:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must be an http or https address such as https://host/v1")
        if not self.redact and not self.is_trusted:
            raise ValueError(
                f"redact = false is refused: {parts.hostname} is neither this machine nor in "
                "trusted_endpoints; personal data would leave"
            )
        return self

    @property
    def is_trusted(self) -> bool:
        """Whether the endpoint is this machine, or listed. Names are compared whole.

        Examples
        --------
        >>> [LlmSettings(base_url=f"http://{host}/v1", model="m").is_trusted
        ...  for host in ("localhost:8080", "127.0.0.9", "[::1]", "localhost.evil.com", "10.0.0.5")]
        [True, True, True, False, False]
        """
        host = (urlsplit(self.base_url).hostname or "").lower()
        if host == "localhost" or host in {name.lower() for name in self.trusted_endpoints}:
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def price(self, tokens_in: int, tokens_out: int) -> float:
        """Price of so many tokens, in the currency of the price list."""
        spent = (
            tokens_in * self.input_price_per_million + tokens_out * self.output_price_per_million
        )
        return spent / 1e6


class _File(Section):
    llm: LlmSettings


def read_llm_settings(path: Path) -> LlmSettings:
    """The settings of a TOML file with a table ``[llm]``.

    Raises
    ------
    InputError
        If the file is unusable, a key is unknown, or unredacted text would leave the machine.
    """
    content = read_toml(path)
    if "llm" not in content:
        raise InputError(f"{path} has no table [llm]. Give at least base_url and model there.")
    return parse(_File, content, where=str(path)).llm
