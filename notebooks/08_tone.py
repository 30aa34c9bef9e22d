# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How do words become an alert?
#
# From one message to a customer's conversation, from the conversation to signals, from signals
# to weeks of notice; and, on messages labelled by people, what the rules find and what they miss.

# %%
import json
import os
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import churnml as ch
from churnml.labels import with_exits
from churnml.model.message_risk import cached_message_risk, with_message_risk
from churnml.text.columns import MARKERS
from churnml.text.files import read_rows
from churnml.text.judging import judge, labels_of
from churnml.text.lexicon import lexicon_of
from churnml.text.scoring import score_messages
from churnml.windows import DAY

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/bench"))
if not WORLD.exists():
    ch.simulate(WORLD, customers=500, weeks=80, seed=5)
opened = ch.open_dataset(WORLD / "data")
lists = lexicon_of(opened.description)

# %% [markdown]
# ## What does a client sound like who will be gone in April?
#
# Half a year of “Hi! A question :)”, then “Colleagues, please clarify the terms”. Expected: no
# rude word is needed; the smile goes, the tone falls, the letter becomes official.

# %%
story = pd.DataFrame([
    ("October", "Привет! Есть вопрос :) Как поделиться отчётом? Спасибо большое!"),
    ("November", "Доброе утро! Всё отлично работает, спасибо огромное за помощь! :)"),
    ("December", "Здравствуйте. Подскажите, где найти календарь?"),
    ("January", "Коллеги, прошу уточнить сроки."),
    ("January", "Я уже объяснял это вашему коллеге. Надеюсь, в этот раз получится."),
    ("February", "Как выгрузить всю нашу базу в Excel?"),
    ("February", "А вот у конкурентов эта кнопка зелёная, и дешевле."),
    ("March", "Это последний раз, когда мы об этом просим. Рассматриваем расторжение."),
], columns=["month", "text"])  # fmt: skip
heard = score_messages(story.assign(message_id=story.index.astype(str)), lists)
flags = heard[list(MARKERS)].astype("boolean")
story["tone"], story["formality"] = heard["tone"], heard["formality"]
story["warning words"] = [", ".join(flags.columns[row]) for row in flags.to_numpy(dtype=bool)]
story.style.format(precision=2, na_rep="–").hide(axis="index").set_properties(
    subset=["text"], **{"text-align": "left"}
)

# %%
warm, cold = story["tone"].iloc[:2].mean(), story["tone"].iloc[3:].mean()
Markdown(
    f"Tone falls from **{warm:+.2f}** to **{cold:+.2f}**, formality rises from "
    f"{story['formality'].iloc[:2].mean():+.2f} to {story['formality'].iloc[3]:+.2f}; "
    f"**{(story['warning words'] != '').sum()}** of {len(story)} messages hold a warning word."
)

# %% [markdown]
# ## Which warm customer of the company cooled most clearly before leaving?
#
# Chosen with hindsight, to look at, among those with few enough messages to be seen;
# whether it is usual, the section after the next one says. Tone is measured against the
# customer's own past, in its own standard error, for people differ: a short “Received.” is
# a bad sign from one who always sent hearts.

# %%
risk = cached_message_risk(opened, folder=Path("../mlruns/cache"))
dataset = with_message_risk(opened, risk, cache=Path("../mlruns/cache/text"))
as_ofs = ch.weekly(dataset.observed_until - 52 * 7 * DAY, dataset.observed_until)
snapshots = ch.take_snapshots(dataset, list(as_ofs))
names = ["tone_usual", "tone_drop", "tone_deviation_4w", "formality_deviation_4w",
         "tone_negative_share_28d", "markers_28d", "message_risk_mean_84d",
         "scored_messages_84d"]  # fmt: skip
chosen = [one for one in ch.catalogue(dataset) if one.name in names]
features = ch.compute_features(dataset, snapshots, features=chosen)
dated = with_exits(dataset, snapshots).set_index(["customer_id", "as_of"])
weeks = (dated["exit_at"] - dated.index.get_level_values("as_of")) // (7 * DAY)
features = features.assign(weeks=weeks.reindex(features.index))

# %%
in_time = features[features["weeks"].between(3, 7) & features["scored_messages_84d"].le(30)]
worst = (in_time["tone_drop"].rank() + in_time["tone_usual"].rank()).idxmax()
customer, as_of = worst
Markdown(
    f"**{customer}** on {as_of:%d %B %Y}, {features.loc[worst, 'weeks']:.0f} weeks before the "
    f"exit: tone {features.loc[worst, 'tone_drop']:.1f} standard errors below the own usual."
)

# %% [markdown]
# ## What had been said, message by message?
#
# Expected: warm, above the grey line of what is usual, then below it, with warning words rather
# than harsh ones.

# %%
scores = dataset.frame("message_scores").drop(columns="customer_id", errors="ignore")
messages = dataset.frame("messages").merge(scores, on="message_id", suffixes=("", "_scored"))
theirs = messages[messages["author"] == "customer"]
said = theirs[(theirs["customer_id"] == customer)].sort_values("sent_at")
usual = features.loc[customer, "tone_usual"]
ch.conversation_figure(said, usual, as_of=as_of)

# %%
last = said[said["sent_at"] < as_of].tail(6)
shown = last[["sent_at", "text", "tone", "formality", "risk"]]
styled = shown.style.format({"sent_at": "{:%d %b}"}, precision=2, na_rep="–")
styled.hide(axis="index").set_properties(subset=["text"], **{"text-align": "left"})

# %% [markdown]
# ## How many weeks before the exit do words change?
#
# Expected: little at three months, more from week to week; and never in everyone, since many
# leave without a word.

# %%
ahead = features.assign(when=pd.cut(
    features["weeks"], [-1, 2, 6, 12, 26], labels=["0–2", "3–6", "7–12", "13–26"]
).cat.add_categories("none known").fillna("none known"))  # fmt: skip
titles = {
    one.name: one.title["en"]
    for one in chosen
    if one.name not in ("tone_usual", "scored_messages_84d")
}
ahead.groupby("when", observed=True)[list(titles)].mean().rename(columns=titles).T.round(3)

# %%
drop = ahead.groupby("when", observed=True)["tone_drop"]
cooled = drop.agg(lambda one: (one >= 2).sum() / len(one))
Markdown(
    f"Cooled by two standard errors or more: **{cooled.get('3–6', float('nan')):.0%}** of the "
    f"weeks three to six before an exit, {cooled['none known']:.0%} of those without one near; "
    f"{drop.apply(lambda one: one.isna().mean()).get('3–6', float('nan')):.0%} had said nothing "
    "that could be compared."
)

# %% [markdown]
# ## What do messages say that no rule was written for?
#
# A linear model over words learns from the messages of those who left, forward in time and never
# from the customer it scores. Expected: it tells leavers from others before they leave.

# %%
window = ch.LabelWindow(21, 56, dataset.description.churn.delay_days)
exits = ch.find_spells(dataset).groupby("customer_id")["exit_at"].max()
closed = theirs[theirs["sent_at"] + window.closing_days * DAY <= dataset.observed_until]
notice = (closed["customer_id"].map(exits) - closed["sent_at"]) / DAY
leaving = window.contains(notice).map({True: "left in 3 to 11 weeks", False: "all others"})
told = closed["risk"].groupby(leaving).describe(percentiles=[0.5, 0.9])
told[["count", "mean", "50%", "90%"]].round(3)

# %%
mean = told["mean"]
Markdown(
    f"Mean risk of a message: **{mean['left in 3 to 11 weeks']:.3f}** where the sender left in 3 "
    f"to 11 weeks, **{mean['all others']:.3f}** of all others."
)

# %% [markdown]
# ## What do the rules find, and what do they miss?
#
# Expected: nearly everything on the half that was in sight when the lists were written, clearly
# less on the half that was locked away. Only the second figure is to be expected of your mail;
# it is read from its record, since judging it again and again would wear it out.

# %%
labelled = read_rows(Path("../experiments/text/labels_dev.csv"))
numbered = labelled.assign(message_id=labelled.index.astype(str))
found, truth = score_messages(numbered, lists), labels_of(labelled)
in_sight = judge(found, truth)
record = json.loads(Path("../experiments/text/results.json").read_text(encoding="utf-8"))
locked = record["locked"][-1]["judged"]
pd.DataFrame({
    (half, figure): {name: judged[name][figure] for name in MARKERS}
    for half, judged in (("in sight", in_sight), ("locked away", locked))
    for figure in ("precision", "recall")
}).rename(index=lambda name: name.replace("_", " ")).round(2)  # fmt: skip

# %%
macro = locked["markers_macro_f1"]
Markdown(
    f"F1 of the markers: **{in_sight['markers_macro_f1']['value']:.2f}** in sight, "
    f"**{macro['value']:.2f}** [{macro['low']:.2f}, {macro['high']:.2f}] locked away; tone "
    f"{in_sight['tone']['macro_f1']:.2f} and **{locked['tone']['macro_f1']:.2f}**. Reproach in "
    f"polite words is missed most: of the locked ones "
    f"**{locked['passive_aggression']['recall']:.0%}** are found."
)

# %% [markdown]
# ## What does a miss look like?
#
# Expected: nothing to hang a rule on. Where those decide, a language model is worth its price.

# %%
missed = truth[list(MARKERS)] & ~found[list(MARKERS)].astype("boolean")
missed = missed.astype(object).eq(True)
misses = labelled.loc[missed.any(axis=1), ["lang", "text"]].assign(
    missed=[", ".join(missed.columns[row]) for row in missed[missed.any(axis=1)].to_numpy()]
)
misses.head(8).style.hide(axis="index").set_properties(subset=["text"], **{"text-align": "left"})
