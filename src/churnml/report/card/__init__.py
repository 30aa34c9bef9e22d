"""The model card: what a model is for, what it saw, how often it is right, and where it is not."""

from churnml.report.card.facts import CardFacts, TableFact, card_facts, strength_on_newest
from churnml.report.card.writing import WrittenCard, card_html, card_markdown, write_model_card

__all__ = [
    "CardFacts",
    "TableFact",
    "WrittenCard",
    "card_facts",
    "card_html",
    "card_markdown",
    "strength_on_newest",
    "write_model_card",
]
