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
# # How early does which signal speak?
#
# An alarm is wanted three to four weeks before the exit. A signal that is loud in the last
# week and silent before helps nobody, so every signal is asked week by week.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import Markdown

import churnml as ch
from churnml.config import Study

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/small"))
if not WORLD.exists():
    ch.simulate(WORLD, customers=300, weeks=70, seed=3)
dataset = ch.open_dataset(WORLD / "data")
study = Study.model_validate(
    {"folds": {"blocks": 2, "test_every_days": 42}, "model": {"max_rows": 4000}}
)
examples, folds = ch.prepare(dataset, study=study, cache=Path("../mlruns/cache"))
examples

# %% [markdown]
# ## Which families of signals are there, and how much of them is known?
#
# Expected: usage is known for nearly everybody, surveys and outreach for some. Unknown is
# not zero: who was never asked has no answer.

# %%
families = ch.catalogue(dataset).frame()[["family"]]
families["share of rows known"] = examples.features.notna().mean()
known = families.groupby("family")["share of rows known"].agg(signals="size", known="mean")
known.sort_values("known", ascending=False).style.format({"known": "{:.0%}"})

# %%
least = known["known"].idxmin()
Markdown(
    f"**{len(families)} signals** in {len(known)} families; the least known is {least}: "
    f"{known.loc[least, 'known']:.0%} of its values."
)

# %% [markdown]
# ## What does one departure look like, as the model sees it?
#
# Expected: the signals move some weeks before the line breaks off. The customer is the
# first leaver by identifier, not one that suits us.

# %%
labels = examples.labels[examples.window]
leaver = labels[labels == "churned"].index.get_level_values("customer_id").min()
story = examples.features.loc[leaver, ["events_7d", "active_days_28d", "days_since_event"]]
titles = ch.catalogue(dataset).frame()["title"]
figure, axes = plt.subplots(3, 1, figsize=(9, 5.4), sharex=True, layout="constrained")
story.plot(subplots=True, ax=axes, legend=False, color="#0072b2", linewidth=2, xlabel="")
for axis, name in zip(axes, story, strict=True):
    axis.set_title(titles[name], loc="left", fontsize=10)
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
figure.suptitle(f"{leaver} fades before the line ends", x=0.01, ha="left", weight="bold")
plt.show()

# %%
tail = story["events_7d"]
Markdown(
    f"Actions a week: **{tail.iloc[-12:-8].mean():.0f}** in weeks 12 to 9 before the end, "
    f"**{tail.iloc[-4:].mean():.0f}** in the last four."
)

# %% [markdown]
# ## How early does each family tell leavers from the others?
#
# Expected: usage and adoption first, words and support for some, profile hardly. A leaver so
# many weeks before the exit is compared with everyone else at risk in the same week, by a model
# that knows one family only and has not seen those weeks.

# %%
separation = ch.family_separation(examples, folds=folds)
ch.family_separation_figure(separation)

# %%
sure = (separation["low"] > 0.5).groupby(separation["family"]).cummin()
since = separation[sure].groupby("family")["weeks"].max().rename("sure from week")
at = separation[separation["weeks"] == 3].set_index("family").join(since)
at[["signals", "value", "low", "high", "exits", "sure from week"]].round(2).sort_values(
    "value", ascending=False
)

# %%
best = at.drop("together")["value"].idxmax()
line = at.loc[best]
Markdown(
    f"Three weeks ahead **{best}** alone puts a leaver above **{line['value']:.0%}** of the others "
    f"[{line['low']:.0%}, {line['high']:.0%}], on {line['exits']:.0f} exits; its interval lies "
    f"above one half from **{line['sure from week']:.0f} weeks** before the exit on. All families "
    f"in one such model: {at.loc['together', 'value']:.0%}."
)

# %% [markdown]
# ## Which single signals speak three to four weeks ahead?
#
# Expected: plain amounts and changes against the own past, both of usage. Nothing is fitted, the
# direction is that of the declaration; as the strongest of many they flatter themselves.

# %%
signals = ch.signal_separation(examples, resamples=100)
in_time = signals[signals["weeks"].isin([3, 4])].groupby("feature")["value"].mean()
strongest = in_time.nlargest(12).index
by_week = signals.pivot(index="feature", columns="weeks", values="value").loc[strongest]
by_week.insert(0, "what it is", titles[strongest])
weeks = [12, 8, 6, 4, 3, 2, 0]
by_week[["what it is", *(week for week in weeks if week in by_week)]].style.format(precision=2)

# %%
first = strongest[0]
Markdown(
    f"In time the strongest alone is **{titles[first]}**: above {in_time[first]:.0%} of the rest. "
    f"{(in_time > 0.6).sum()} of {len(in_time)} signals with a direction reach 60%, "
    f"{(in_time < 0.5).sum()} point the wrong way or say nothing."
)

# %% [markdown]
# ## Is there a single signal that knows too much?
#
# Expected: no. One signal that ranks leavers near perfection weeks ahead has seen the
# future, or is the exit itself under another name.

# %%
early = signals[signals["weeks"] >= 4].groupby("feature")["value"].mean()
assert early.max() < 0.97
Markdown(
    f"Four weeks and more ahead the strongest alone, `{early.idxmax()}`, is above "
    f"**{early.max():.0%}** of the others on average: a sign, not a clairvoyant."
)
