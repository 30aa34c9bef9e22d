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
# # Which students will withdraw, three weeks ahead?
#
# The one public set at hand with dated exits: withdrawals from modules of the Open University
# (Kuzilek, Hlosta, Zdrahal 2017). The model learns from the presentation 2013B and is tested
# on BBB/2013J, a later one. The README beside tells the mapping and its traps.

# %%
import os
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import churnml as ch

DATA = Path(os.environ.get("CHURNML_DATA", "../../../shared/data")) / "oulad"
if not DATA.is_dir():
    raise SystemExit(
        f"{DATA} is no folder. Set CHURNML_DATA to the folder that holds oulad/; "
        "the README beside this notebook says where the files come from."
    )
STORED = Path("results")
CACHE = Path("../../mlruns/cache")
dataset = ch.open_dataset(DATA, dataset_file=Path("dataset.toml"))
study = ch.read_study(Path("study.toml"))
dataset

# %% [markdown]
# ## When do they withdraw?
#
# Expected: early and late, with a calm middle; a departure is not spread evenly over a term.

# %%
spells = ch.find_spells(dataset)
later = spells[spells["customer_id"].str.startswith("BBB/2013J/")]
week = (later["exit_at"] - later["started_at"].min()) // pd.Timedelta(days=7)
by_week = week.dropna().astype(int).value_counts().sort_index()
axes = by_week.plot.bar(figsize=(9, 3), color="#0072b2", rot=0)
axes.set(xlabel="week of BBB/2013J", ylabel="withdrawals")
axes.set_title(f"{by_week.max()} of {by_week.sum()} withdrawals fall in week {by_week.idxmax()}",
               loc="left", weight="bold")  # fmt: skip
axes.spines[["top", "right"]].set_visible(False)

# %%
Markdown(
    f"**{len(week.dropna()):,}** of {len(later):,} enrolments are withdrawn within "
    f"{by_week.index.max() + 1} weeks, {by_week.max()} of them in week {by_week.idxmax()}; "
    "after that it is even, and not late."
)

# %% [markdown]
# ## What do the data say about leaving?
#
# Expected: who does not hand in leaves; what is missed is known three weeks before.

# %%
examples, folds = ch.prepare(dataset, study=study, cache=CACHE)
missed = ch.exit_shares(examples, "missed_tasks_weight")
ch.exit_shares_figure(missed)

# %%
silent = ch.exit_shares(examples, "days_since_activity")
silent.round(3)

# %%
most = missed.loc[missed["share"].idxmax()]
Markdown(
    f"Of those with most work missed (weight {most['band']}) **{most['share']:.1%}** withdraw in "
    f"the window, of all {missed.attrs['base_rate']:.1%}. Silence alone reaches "
    f"{silent['share'].max():.1%}; those *unknown* are in modules without clicks, not silent "
    "students."
)

# %% [markdown]
# ## Does the model beat what a tutor could compute by hand?
#
# Expected: hardly. One earlier cohort is little to learn from, and a rank sum of five obvious
# signals is a serious rival. These are the stored figures of `make experiments ONLY=oulad`,
# with all rivals and 1,000 resamples, which take minutes.

# %%
stored = ch.read_judged(STORED / "study.json")
ch.rivals_figure(stored)

# %%
ours, rank_sum = (stored[name].metrics for name in ("model", "rank_sum"))
low, high = stored["model"].intervals["average_precision"]
Markdown(
    f"Average precision **{ours['average_precision']:.4f}** [{low:.4f}, {high:.4f}] against "
    f"{rank_sum['average_precision']:.4f} of the rank sum: the intervals overlap. In the queue the "
    f"rank sum finds as many: {rank_sum['recall_at_lead_21d']:.1%} of the exits in time, the model "
    f"{ours['recall_at_lead_21d']:.1%}. An honest reading: **no better than a good rule here**."
)

# %% [markdown]
# ## How early is the alarm?
#
# Expected: above chance at every notice, and falling with it. This part is computed here: one
# fit on what was closed when 2013J began, and the queue replayed on its test.

# %%
model = ch.Fitting.of(study, parameters=None).fit(examples, folds=folds, tested=folds.starts[0])
inside = examples.features[examples.counted]
_, tested = next(folds.split(inside))
scores = model.predict(inside.iloc[tested]).rename("probability").reset_index()
labels = examples.labels[examples.window].loc[inside.index[tested]].reset_index(drop=True)
live = ch.evaluate(
    scores, labels, spells, window=examples.window, observed_until=dataset.observed_until,
    policy=ch.Policy.of(study.alerts, seed=study.seed), resamples=100, seed=study.seed,
)  # fmt: skip

# %%
ch.headline_figure({"model": live, "rank_sum": stored["rank_sum"]})

# %%
three = live.lead_recall["3"], live.lead_recall_random["3"]
Markdown(
    f"At three weeks of notice **{three[0]:.0%}** of the exits are announced, by chance "
    f"{three[1]:.0%}. This fit: average precision {live.metrics['average_precision']:.4f}, stored "
    f"{ours['average_precision']:.4f}."
)
