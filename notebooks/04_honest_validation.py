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
# # What may I believe of my own figures?
#
# Six doubts that any churn figure must survive, each asked with one call, on a company
# small enough to ask again in a minute. With few departures the bars are wide; on a larger
# one, and on real students, the answers are in `experiments/validation`.

# %%
import os
from pathlib import Path

from IPython.display import Markdown
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score

import churnml as ch
from churnml.config import Study

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/small"))
if not WORLD.exists():
    ch.simulate(WORLD, customers=300, weeks=70, seed=3)
dataset = ch.open_dataset(WORLD / "data")
# one head of the recipe's three, and no signals of messages: the doubts are the same, sooner
signals = ch.catalogue(dataset).frame()["family"]
study = Study.model_validate({
    "folds": {"blocks": 2, "test_every_days": 42},
    "model": {"max_rows": 2000, "heads": [[21, 28]]},
    "features": {"drop": list(signals.index[signals == "conversation"])},
})  # fmt: skip
examples, folds = ch.prepare(
    dataset, study=study, cache=Path("../mlruns/cache"), say=lambda _: None
)
shown = ["value", "low", "high", "difference", "difference_low", "difference_high"]

# %% [markdown]
# ## Does anything that trains know the test?
#
# Expected: no. Between the two lies the time in which labels were still open.

# %%
ch.folds_figure(folds, examples)

# %%
summary = folds.summary(examples.features[examples.population.to_numpy()])
summary

# %% [markdown]
# The folds are a scikit-learn cross-validator: anything that takes `cv=` can use them.

# %%
labels = examples.labels[examples.window]
rows = examples.population.to_numpy() & (labels != "unknown").to_numpy()
X = examples.features[rows].select_dtypes("number")
model = HistGradientBoostingClassifier(max_depth=3, max_iter=60, random_state=0)
each = cross_val_score(model, X, labels[rows] == "churned", cv=folds, scoring="average_precision")
Markdown(
    f"Another learner under the same folds: average precision "
    f"{', '.join(f'**{value:.3f}**' for value in each)}; at least "
    f"**{summary['purged_days'].min():.0f} days** lie between training and test."
)

# %% [markdown]
# ## What would another split have promised?
#
# Expected: more, as far as it shows with so few exits. Neighbouring weeks of one customer share
# their exit, so a random split shows the model the answer. The rows judged are the same for all.

# %%
splits = ch.split_gap(dataset, examples, folds=folds, study=study, parts=2, resamples=100)
ch.split_gap_figure(splits)

# %%
claimed = splits[splits["figure"] == "average_precision"].set_index("split")
Markdown(
    f"Honest: **{claimed.loc['forward', 'value']:.3f}**. Random customers "
    f"{claimed.loc['random_customers', 'difference']:+.3f}, random rows "
    f"**{claimed.loc['random_rows', 'difference']:+.3f}** "
    f"[{claimed.loc['random_rows', 'difference_low']:+.3f}, "
    f"{claimed.loc['random_rows', 'difference_high']:+.3f}], without a purge "
    f"{claimed.loc['forward_unpurged', 'difference']:+.3f}."
)

# %% [markdown]
# ## What if the data arrive late?
#
# Expected: a week costs part of three weeks of lead. A model that learnt from a history
# filled in later takes a late week for a silent one: that its probabilities suffer is sure,
# that its order does is to be seen.

# %%
late = ch.late_arrivals(dataset, examples, folds=folds, study=study, days=(7,), resamples=100)
ch.late_arrivals_figure(late)

# %%
week = late[(late["figure"] == "average_precision") & (late["delay_days"] == 7)]
week = week.set_index("training")
Markdown(
    f"A week of delay changes average precision by **{week.loc['as late', 'difference']:+.3f}** "
    f"[{week.loc['as late', 'difference_low']:+.3f}, "
    f"{week.loc['as late', 'difference_high']:+.3f}] if training was just as late, by "
    f"**{week.loc['on time', 'difference']:+.3f}** if it was not."
)

# %% [markdown]
# ## How much history does it take?
#
# Expected: the curve is still rising, or flat within its bars; a flat one says that more
# past outcomes would not help.

# %%
everything = study.model_copy(update={"model": study.model.model_copy(update={"max_rows": 10**6})})
curve = ch.learning_curve(
    dataset, examples, folds=folds, study=everything, weeks=(12,), resamples=100
)
ch.learning_curve_figure(curve)

# %%
lines = curve[curve["figure"] == "average_precision"].set_index("weeks")
lines[["train_rows", "train_leavers", *shown]].round(3)

# %% [markdown]
# ## How far back must a row look?
#
# Expected: most of it is in the last weeks; features without a window (days since, what is
# open) make up for long ones.

# %%
windows = ch.window_sufficiency(
    dataset, examples, folds=folds, study=study, weeks=(4,), resamples=100
)
ch.window_sufficiency_figure(windows)

# %%
bounded = windows[(windows["figure"] == "average_precision") & windows["since_ever"]]
bounded = bounded.set_index("weeks")
Markdown(
    f"With windows of at most four weeks ({bounded.loc[4, 'features']} features) average precision "
    f"differs by **{bounded.loc[4, 'difference']:+.3f}** "
    f"[{bounded.loc[4, 'difference_low']:+.3f}, {bounded.loc[4, 'difference_high']:+.3f}] "
    f"from all {bounded['features'].max()}."
)

# %% [markdown]
# ## Would another definition of leaving find other people?
#
# Expected: the base rate moves much, the order of the customers little, until the lead
# grows beyond what the signs announce.

# %%
defined = ch.label_sensitivity(
    dataset, examples, folds=folds, study=study, grace_days=(30,), lead_days=(35,),
    horizon_days=(56,), resamples=100,
)  # fmt: skip
ch.label_sensitivity_figure(defined)

# %%
lift = defined[defined["figure"] == "lift_at_10pct"].set_index(["varied", "days"])
columns = ["base_rate", "exits", "rank_agreement", "shared_top", "value", "low", "high"]
lift[columns].round(3)

# %%
others = lift[~lift["default"]]
Markdown(
    f"The base rate runs from {lift['base_rate'].min():.1%} to {lift['base_rate'].max():.1%}; the "
    f"order of the customers agrees by **{others['rank_agreement'].min():.2f}** at least, and of "
    f"the top tenth {others['shared_top'].min():.0%} to {others['shared_top'].max():.0%} stay."
)
