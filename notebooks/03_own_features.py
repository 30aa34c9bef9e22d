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
# # What does a feature of my own add?
#
# A feature is declared once, as an expression over tables, never as a date comparison.
# From the declaration follow its values in training and scoring, its direction in the model
# and its words in a reason.

# %%
import os
from pathlib import Path

from IPython.display import Markdown

import churnml as ch
from churnml.config import Study
from churnml.errors import InputError
from churnml.explanation.reasons import reasons_of
from churnml.features import operators as o
from churnml.features.algebra import LAST_4_WEEKS, PRIOR_4_WEEKS, Rows
from churnml.features.row_sources import EVENTS

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/small"))
if not WORLD.exists():
    ch.simulate(WORLD, customers=300, weeks=70, seed=3)
plain = ch.open_dataset(WORLD / "data")
study = Study.model_validate(
    {"folds": {"blocks": 2, "test_every_days": 42}, "model": {"max_rows": 4000}}
)

# %% [markdown]
# ## What does it take to declare one?
#
# Expected: three lines. The idea: a team that is about to leave stops commenting on each
# other's work in the product.

# %%
comments = Rows(EVENTS, "name = 'comment_added'")
change = o.ratio(o.count(comments, LAST_4_WEEKS), o.count(comments, PRIOR_4_WEEKS))
mine = ch.Feature(
    "comments_change_28d", change,
    {"en": "Comments to colleagues, last 4 weeks against the 4 before",
     "ru": "Комментарии коллегам: 4 недели к предыдущим 4"},
    ch.Unit.RATIO, ch.Family.ADOPTION, risk=-1, play="usage_coaching",
)  # fmt: skip
dataset = ch.with_features(plain, [mine])
ch.catalogue(dataset).pick("comments_change_28d")

# %%
examples, folds = ch.prepare(dataset, study=study, cache=Path("../mlruns/cache"))
examples.features[["comments_change_28d"]].describe().round(2)

# %% [markdown]
# ## Does it tell leavers from the others, and how early?
#
# Expected: above one half some weeks before the exit, like other fading use, and neither
# first nor last.

# %%
signals = ch.signal_separation(examples)
own = signals[signals["feature"] == mine.name].set_index("weeks")
own[["value", "low", "high", "exits"]].round(2).T

# %%
in_time = signals[signals["weeks"].isin([3, 4])].groupby("feature")["value"].mean()
place = int(in_time.rank(ascending=False)[mine.name])
Markdown(
    f"Three to four weeks ahead it puts a leaver above **{in_time[mine.name]:.0%}** of the others: "
    f"place **{place}** of {len(in_time)}."
)

# %% [markdown]
# ## Is the model better with it?
#
# Expected: hardly. The catalogue knows fading use already; a new signal pays if it sees what
# no other does. The difference is on the same rows and resamples, so small ones show.

# %%
compared = ch.compare_features(
    dataset, examples, folds=folds, study=study,
    dropped={"with mine": [], "without mine": [mine.name]},
)  # fmt: skip
ch.fittings_figure(compared)

# %%
gap = compared[compared["figure"] == "average_precision"].set_index("tried").loc["without mine"]
verdict = "no more than noise" if gap["difference_low"] < 0 < gap["difference_high"] else "clear"
Markdown(
    f"Without it average precision changes by **{gap['difference']:+.4f}** "
    f"[{gap['difference_low']:+.4f}, {gap['difference_high']:+.4f}]: {verdict}."
)

# %% [markdown]
# ## Where is it in scores and reasons?
#
# Expected: everywhere by itself. Shown is the customer whose score it raises most.

# %%
fitting = ch.Fitting.of(study, parameters=None)
model = fitting.fit(examples, folds=folds, tested=dataset.observed_until)
bundle = ch.Bundle.of(model, examples, dataset=dataset, study=study)
newest = ch.features_for(dataset, bundle, [examples.as_ofs.max()])
moved = ch.explain(model, newest)[mine.name]
customer = moved.idxmax()[0]
story = ch.explain_customer(model, newest, customer, catalogue=examples.catalogue)
story

# %%
row = newest.loc[[moved.idxmax()]]
told = reasons_of(dataset, bundle, row, everyone=newest)[0]
strength = ch.feature_importance(ch.explain(model, newest), features=examples.catalogue)
rank = list(strength.index).index(mine.name) + 1
Markdown(
    f"Mine is number **{rank}** of {len(strength)} by mean contribution; for {customer} it "
    f"weighs {moved.max():+.3f} log-odds. The reasons as told:\n\n"
    + "\n".join(f"- {one['text_en']} / {one['text_ru']}" for one in told)
)

# %% [markdown]
# ## What if somebody scores without it?
#
# Expected: a refusal in words. The feature is Python, the model is data and carries none;
# the monthly run takes it as `ch.run_training(data, own=[mine])`.

# %%
kept = bundle.save(Path("../mlruns/bundles/own_feature"))
try:
    ch.features_for(plain, kept, [examples.as_ofs.max()])
except InputError as error:
    refused = str(error)
Markdown(f"> {refused}")
