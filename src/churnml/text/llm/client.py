"""Requests to the endpoint: several at a time, patient with refusals, one fault never ends all."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from churnml.errors import InputError
from churnml.text.llm.answer import Answer, read_answer
from churnml.text.llm.prompt import ANSWER_TOKENS, asked_again, tokens
from churnml.text.llm.settings import LlmSettings

if TYPE_CHECKING:
    import httpx

#: Answers that may be better a little later.
_LATER = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
_LONGEST_WAIT = 60.0


@dataclass
class Spent:
    """What a run has cost so far."""

    calls: int = 0
    retries: int = 0
    failed: int = 0
    asked_again: int = 0
    over_budget: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    reserved: int = 0
    faults: dict[str, int] = field(default_factory=dict)

    def fault(self, kind: str) -> None:
        """Count one refusal of this kind."""
        self.faults[kind] = self.faults.get(kind, 0) + 1


@dataclass(frozen=True)
class Failed:
    """No usable answer, and why: ``failed`` or ``budget``."""

    status: str


class Client:
    """Asks the endpoint of the settings.

    Parameters
    ----------
    settings : LlmSettings
    """

    def __init__(self, settings: LlmSettings) -> None:
        self.settings = settings
        self.spent = Spent()
        # Waits differ between requests, and are the same in every run.
        self._dice = random.Random(7)

    def ask(
        self, bodies: Sequence[dict[str, Any]], *, progress: Callable[[int], None]
    ) -> list[Answer | Failed]:
        """One answer, or why there is none, for each request in their order.

        Raises
        ------
        InputError
            If the key is refused or the endpoint does not know the model: nothing would succeed.
        """
        # A thread of its own: a notebook's has a running event loop already.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(lambda: asyncio.run(self._ask_all(bodies, progress))).result()

    async def _ask_all(
        self, bodies: Sequence[dict[str, Any]], progress: Callable[[int], None]
    ) -> list[Answer | Failed]:
        import httpx

        gate = asyncio.Semaphore(self.settings.concurrency)
        done = 0

        async with httpx.AsyncClient(
            timeout=self.settings.timeout_seconds, headers=self._headers(), trust_env=False
        ) as http:

            async def one(body: dict[str, Any]) -> Answer | Failed:
                nonlocal done
                async with gate:
                    answer = await self._ask(http, body)
                done += 1
                progress(done)
                return answer

            return list(await asyncio.gather(*(one(body) for body in bodies)))

    def _headers(self) -> dict[str, str]:
        name = self.settings.api_key_env
        key = os.environ.get(name, "") if name else ""
        return {"Authorization": f"Bearer {key}"} if key else {}

    async def _ask(self, http: httpx.AsyncClient, body: dict[str, Any]) -> Answer | Failed:
        content = await self._completion(http, body)
        if isinstance(content, Failed):
            return content
        answer = read_answer(content)
        if answer is None:
            self.spent.asked_again += 1
            content = await self._completion(http, asked_again(body, content))
            if isinstance(content, Failed):
                return content
            answer = read_answer(content)
        if answer is None:
            self.spent.failed += 1
            self.spent.fault("unreadable")
            return Failed("failed")
        return answer

    async def _completion(self, http: httpx.AsyncClient, body: dict[str, Any]) -> str | Failed:
        """Content of the completion; tried again where that may help."""
        expected = tokens(body) + ANSWER_TOKENS
        if not self._reserve(expected):
            return Failed("budget")
        for attempt in range(self.settings.retries + 1):
            wait = await self._attempt(http, body, expected)
            if isinstance(wait, str):
                return wait
            if wait < 0 or attempt == self.settings.retries:
                break
            self.spent.retries += 1
            await asyncio.sleep(self._pause(attempt, at_least=wait))
        self.spent.reserved -= expected
        self.spent.failed += 1
        return Failed("failed")

    async def _attempt(
        self, http: httpx.AsyncClient, body: dict[str, Any], expected: int
    ) -> str | float:
        """The content, or seconds that the endpoint asks to wait, or -1: never."""
        import httpx

        self.spent.calls += 1
        url = self.settings.base_url.rstrip("/") + "/chat/completions"
        try:
            response = await http.post(url, json=body)
        except httpx.TimeoutException:
            self.spent.fault("timeout")
            return 0.0
        except httpx.TransportError:
            self.spent.fault("connection")
            return 0.0
        if response.status_code in (401, 403, 404):
            raise InputError(
                f"{url} answers {response.status_code}: check base_url, the model "
                f"'{self.settings.model}' and the key in ${self.settings.api_key_env}."
            )
        if response.status_code != 200:
            self.spent.fault(str(response.status_code))
            return _asked_to_wait(response) if response.status_code in _LATER else -1.0
        return self._content(response, expected)

    def _content(self, response: httpx.Response, expected: int) -> str | float:
        try:
            document = response.json()
            content = document["choices"][0]["message"]["content"]
            usage = document.get("usage") or {}
        except (ValueError, LookupError, TypeError, AttributeError):
            self.spent.fault("broken")
            return 0.0
        self.spent.reserved -= expected
        self.spent.tokens_in += int(usage.get("prompt_tokens") or expected - ANSWER_TOKENS)
        self.spent.tokens_out += int(usage.get("completion_tokens") or ANSWER_TOKENS)
        return str(content or "")

    def _reserve(self, expected: int) -> bool:
        spent = self.spent
        total = spent.tokens_in + spent.tokens_out + spent.reserved + expected
        if total > self.settings.max_tokens_budget:
            spent.over_budget += 1
            return False
        spent.reserved += expected
        return True

    def _pause(self, attempt: int, *, at_least: float) -> float:
        """Doubling waits with full jitter, never shorter than the endpoint asks."""
        longest = self.settings.backoff_seconds * 2**attempt
        return float(min(_LONGEST_WAIT, max(at_least, self._dice.uniform(0.5, 1.0) * longest)))


def _asked_to_wait(response: httpx.Response) -> float:
    try:
        return max(0.0, float(response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0
