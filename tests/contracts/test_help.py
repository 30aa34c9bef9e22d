"""What a newcomer reads first: the help of every command says what it does and what it wants."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
import typer

from churnml.commands import app

#: Options whose words depend on the command: files of `text`, what an earlier date is for.
OF_THEIR_OWN = {
    "--out",
    "--state",
    "--as-of",
    "--seed",
    "--top",
    "--model",
    "--dataset",
    "--data",
    "--since",
}


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """The name as typed, ``text score``, and the command behind it."""
    for name, found in typer.main.get_command(app).commands.items():
        if hasattr(found, "commands"):
            yield from ((f"{name} {part}", one) for part, one in found.commands.items())
        else:
            yield name, found


COMMANDS = dict(commands())


@pytest.fixture(params=list(COMMANDS.values()), ids=list(COMMANDS))
def command(request) -> typer.core.TyperCommand:
    return request.param


def test_the_list_of_commands_cuts_no_sentence_short():
    cut = [name for name, one in COMMANDS.items() if one.get_short_help_str(60).endswith("...")]

    assert cut == []


def test_every_command_has_an_example_that_is_its_own(command):
    words = command.epilog.removeprefix("Example: ").split()

    assert words[0] == "churnml"
    assert command.name in words[1:3]


def test_every_argument_and_option_says_what_it_is(command):
    silent = [one.name for one in command.params if not (one.help or "").strip()]

    assert silent == []


def test_every_option_of_an_example_exists(command):
    known = {name for one in command.params for name in one.opts}

    assert set(re.findall(r"--[a-z-]+", command.epilog)) <= known


def test_an_option_of_many_commands_is_told_in_the_same_words():
    said = defaultdict(set)
    for one in COMMANDS.values():
        for option in (found for found in one.params if found.opts[0].startswith("-")):
            for name in option.opts:
                said[name].add(option.help)
    shared = {name: words for name, words in said.items() if name not in OF_THEIR_OWN}

    assert {name: words for name, words in shared.items() if len(words) > 1} == {}
