"""The figure of a conversation counts what was said and refuses what cannot be drawn."""

from __future__ import annotations

import re

import matplotlib as mpl
import pandas as pd
import pytest

import churnml as ch
from churnml.errors import InputError
from churnml.text.columns import MARKERS

WEEKS = pd.Series([0.5, 0.4], index=pd.DatetimeIndex(["2025-01-06", "2025-01-13"]))
LANGUAGES = pytest.mark.parametrize("language", ["en", "ru"])


@pytest.fixture
def said() -> pd.DataFrame:
    """A warm message, a cold one that calls for a superior, and one that cannot be read."""
    flags = {name: pd.array([False, name == "escalation", pd.NA], "boolean") for name in MARKERS}
    moments = pd.to_datetime(["2025-01-07", "2025-01-09", "2025-01-10"])
    return pd.DataFrame({"sent_at": moments, "tone": [0.6, -0.7, None], **flags})


@LANGUAGES
def test_the_title_counts_messages_negative_ones_and_those_with_warning_words(said, language):
    figure = ch.conversation_figure(said, WEEKS, as_of=WEEKS.index[1], language=language)

    texts = [text.get_text() for text in figure.findobj(mpl.text.Text)]
    title = next(text for text in texts if re.search("messages|Сообщений", text))
    assert re.findall(r"\d+", title) == ["2", "1", "1"]


def test_every_message_with_a_tone_is_one_dot_and_the_usual_tone_a_line(said):
    usual, plain, marked = ch.conversation_figure(said, WEEKS).axes[0].lines

    assert usual.get_ydata().tolist() == [0.5, 0.4]
    assert plain.get_ydata().tolist() == [0.6]
    assert marked.get_ydata().tolist() == [-0.7]


def test_a_conversation_nobody_can_read_is_refused(said):
    with pytest.raises(InputError, match="No tone in 1 message;"):
        ch.conversation_figure(said.tail(1), WEEKS)
