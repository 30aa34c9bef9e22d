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
# # Does tuning or rebalancing pay?
#
# Two habits cost most of the time in a churn project: long searches, and repairing the
# rarity of leavers. Both are asked here on weeks the models have not seen, for the ranking
# and for the probabilities. Few trials and few leavers: look at the bars, not the dots.

# %%
import os
from dataclasses import replace
from pathlib import Path

from IPython.display import Markdown

import churnml as ch
from churnml.config import Study
from churnml.evaluation.baselines import XGBOOST_DEFAULTS
from churnml.model.boosting import Parameters

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/small"))
if not WORLD.exists():
    ch.simulate(WORLD, customers=300, weeks=70, seed=3)
dataset = ch.open_dataset(WORLD / "data")
study = Study.model_validate(
    {"folds": {"blocks": 2, "test_every_days": 42}, "model": {"max_rows": 4000}}
)
examples, folds = ch.prepare(dataset, study=study, cache=Path("../mlruns/cache"))
recipe = ch.Fitting.of(study, parameters=None)
study

# %% [markdown]
# ## What does a search find before the test begins?
#
# Expected: settings that look better on the inner folds, by less than those folds differ.
# Only then the recipe stays.

# %%
tuned = ch.tune(examples, folds=folds, tested=folds.starts[0], trials=5, seed=study.seed)
trials = tuned.trials.set_index("trial")
trials.sort_values("average_precision", ascending=False).round(3)

# %%
Markdown(f"Trial 0 is the recipe. {tuned.reason}")

# %% [markdown]
# ## Would its best setting have been better afterwards?
#
# Expected: no more than noise, even for the best of those tried beside the recipe. XGBoost
# as it comes (deep, quick, unregularised) is worse.

# %%
tried = trials.drop(0)
best = tried.loc[tried["average_precision"].idxmax()].drop("average_precision")
setting = best.drop("rounds").to_dict() | {"max_depth": int(best["max_depth"])}
searched = Parameters(**setting, trees=max(30, int(1.1 * best["rounds"])))
ways = {
    "recipe": recipe,
    "best of the search": replace(recipe, parameters=searched),
    "XGBoost as it comes": replace(recipe, parameters=XGBOOST_DEFAULTS),
}
tuning = ch.compare_fittings(
    dataset, examples, folds=folds, study=study, fittings=ways, resamples=100
)
ch.fittings_figure(tuning)

# %%
gain = tuning[tuning["figure"] == "average_precision"].set_index("tried")
Markdown("  \n".join(
    f"{name}: average precision {gain.loc[name, 'difference']:+.3f} "
    f"[{gain.loc[name, 'difference_low']:+.3f}, {gain.loc[name, 'difference_high']:+.3f}] "
    "against the recipe."
    for name in list(ways)[1:]
))  # fmt: skip

# %% [markdown]
# ## Does it help to make leavers less rare?
#
# Expected: no. Weights and resampling hardly change the order of the customers. They shift
# every probability; the package undoes the shift (prior correction) before one is read.

# %%
names = {"none": "as they are", "scale_pos_weight": "weight", "undersample": "undersampling",
         "smote": "SMOTE"}  # fmt: skip
samplers = {name: replace(recipe, sampler=kind) for kind, name in names.items()}
balanced = ch.compare_fittings(
    dataset, examples, folds=folds, study=study, fittings=samplers, resamples=100
)
ch.fittings_figure(balanced)

# %%
shown = ["average_precision", "recall_at_lead_21d", "brier", "ece", "calibration_slope"]
balanced.pivot(index="tried", columns="figure", values="value").loc[list(samplers), shown].round(3)

# %%
ranking = balanced[balanced["figure"] == "average_precision"].set_index("tried").iloc[1:]
clear = (ranking["difference_low"] > 0) | (ranking["difference_high"] < 0)
errors = balanced[balanced["figure"] == "ece"].set_index("tried")["value"]
Markdown(
    f"Average precision moves by {ranking['difference'].min():+.3f} to "
    f"{ranking['difference'].max():+.3f}; for **{clear.sum()} of {len(clear)}** that is more than "
    f"noise. The calibration error is {errors.min():.3f} to {errors.max():.3f}. What wins nothing "
    "for certain, and takes a correction to be believed, is not the default."
)
