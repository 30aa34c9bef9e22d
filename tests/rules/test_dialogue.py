"""What a message is in its dialogue, on dialogues drawn by hand."""

from __future__ import annotations

import pandas as pd

from churnml.text.dialogue import dialogue

QUESTION = "Как выгрузить всю базу клиентов в Excel?"
LIKE = "Подскажите, как выгрузить базу клиентов в Excel?"
OTHER = "Добавьте, пожалуйста, нового пользователя"


def drawn(*rows):
    """Rows (customer, contact, author, day sent, day known, text)."""
    names = ["customer_id", "contact_id", "author", "sent_at", "known_at", "text"]
    table = pd.DataFrame(rows, columns=names)
    day = pd.Timestamp("2026-01-01")
    for name in ("sent_at", "known_at"):
        table[name] = [day + pd.Timedelta(days=value) for value in table[name]]
    return table


def test_a_like_question_within_four_weeks_is_asked_again():
    facts = dialogue(
        drawn(
            ("a", "1", "customer", 0, 0, QUESTION),
            ("a", "1", "customer", 5, 5, OTHER),
            ("a", "2", "customer", 10, 10, LIKE),
            ("b", "3", "customer", 11, 11, LIKE),
            ("a", "1", "customer", 27, 27, QUESTION),
            ("a", "1", "customer", 60, 60, QUESTION),
        )
    )

    assert facts["asked_before"].tolist() == [0, 0, 1, 0, 2, 0]


def test_a_question_that_came_in_later_than_the_next_one_is_not_counted_by_it():
    facts = dialogue(
        drawn(("a", "1", "customer", 0, 9, QUESTION), ("a", "1", "customer", 5, 5, LIKE))
    )

    assert facts["asked_before"].tolist() == [0, 0]


def test_asked_again_means_after_an_answer_of_ours():
    facts = dialogue(
        drawn(
            ("a", "1", "customer", 0, 0, QUESTION),
            ("a", "1", "customer", 1, 1, LIKE),
            ("a", None, "staff", 2, 2, "Смотрите справку"),
            ("a", "1", "customer", 3, 3, LIKE),
            ("b", "1", "customer", 0, 0, QUESTION),
            ("b", None, "staff", 1, 9, "Смотрите справку"),
            ("b", "1", "customer", 3, 3, LIKE),
        )
    )

    assert facts["asked_again"].tolist() == [False, False, False, True, False, False, False]


def test_an_answer_is_canned_when_three_other_customers_got_its_words_before():
    answer = "Здравствуйте, {}! Ответ есть в статье {} нашей справки."
    rows = [(c, None, "staff", n, n, answer.format(name, n)) for n, (c, name) in enumerate(
        [("a", "Анна"), ("b", "Борис"), ("b", "Борис"), ("c", "Вера"), ("d", "Глеб"), ("a", "Анна")]
    )]  # fmt: skip

    assert dialogue(drawn(*rows))["canned"].tolist() == [False] * 4 + [True, True]


def test_the_first_message_of_a_contact_is_a_new_voice():
    facts = dialogue(
        drawn(
            ("a", "1", "customer", 0, 0, QUESTION),
            ("a", "2", "customer", 1, 1, OTHER),
            ("a", "1", "customer", 2, 2, OTHER),
            ("a", None, "customer", 3, 3, OTHER),
            ("b", "1", "customer", 4, 4, OTHER),
        )
    )

    assert facts["new_sender"].tolist() == [True, True, False, False, True]


def test_what_comes_later_changes_no_fact():
    rows = [
        ("a", "1", "customer", 0, 0, QUESTION),
        ("a", "1", "customer", 3, 8, LIKE),
        ("a", None, "staff", 4, 4, "Да"),
        ("a", "2", "customer", 6, 6, LIKE),
        ("a", "1", "customer", 9, 9, QUESTION),
        ("b", "1", "customer", 9, 9, QUESTION),
    ]
    whole = dialogue(drawn(*rows))
    for until in range(11):
        known = [n for n, row in enumerate(rows) if row[4] < until]
        cut = dialogue(drawn(*(rows[n] for n in known)))

        assert cut.to_numpy().tolist() == whole.iloc[known].to_numpy().tolist()
