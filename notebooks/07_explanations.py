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
# # Why is this customer leaving?
#
# First what moves the scores of everyone, then one customer's story: what pushes the score,
# which reasons a manager reads and on what evidence, what changed since the last alert, and
# whether another training would say the same. Explanations are associations, not causes.

# %%
import os
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import churnml as ch
from churnml.config import Study
from churnml.explanation.account import account

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/small"))
if not WORLD.exists():
    ch.simulate(WORLD, customers=300, weeks=70, seed=3)
dataset = ch.open_dataset(WORLD / "data")
study = Study.model_validate(
    {"folds": {"blocks": 2, "test_every_days": 42}, "model": {"max_rows": 4000}}
)
examples, folds = ch.prepare(
    dataset, study=study, cache=Path("../mlruns/cache"), say=lambda _: None
)

# %%
fitting = ch.Fitting.of(study, parameters=None)
ensemble = fitting.fit(examples, folds=folds, tested=folds.starts[-1])
bundle = ch.Bundle.of(ensemble, examples, dataset=dataset, study=study)
later = examples.features[examples.as_ofs >= folds.starts[-1]]
later = later.loc[examples.population.loc[later.index].to_numpy()]
newest = later[later.index.get_level_values("as_of") == later.index.get_level_values("as_of").max()]
contributions = ch.explain(ensemble, newest)
Markdown(f"{len(newest)} customers explained, {len(newest.columns)} signals each.")

# %% [markdown]
# ## Which families of signals move the scores?
#
# Expected: use of the product first; then what is said and asked, for some leave by another
# way than silence.

# %%
families = ch.family_importance(contributions, features=examples.catalogue)
ch.family_importance_figure(families)

# %%
Markdown(
    f"**{str(families.index[0]).capitalize()}** moves the scores most, "
    f"**{families.iloc[0] / families.sum():.0%}** of all movement, before "
    f"{families.index[1]} with {families.iloc[1] / families.sum():.0%}."
)

# %% [markdown]
# ## Which signals, and in which direction?
#
# Expected: in each line dark and light lie on two sides; a signal that pushes either way at
# the same value would be one that a manager cannot act on.

# %%
ch.beeswarm_figure(contributions, newest, features=examples.catalogue, top=8)

# %% [markdown]
# ## From which value on does the strongest count alarm?
#
# Expected: a bend rather than a straight line, and where it lies can be told in the units in
# which the business counts.

# %%
strongest = ch.feature_importance(contributions, features=examples.catalogue)
counted = {one.name: one for one in examples.catalogue if one.unit in (ch.Unit.COUNT, ch.Unit.DAYS)}
feature = counted[next(name for name in strongest.index if name in counted)]
ch.dependence_figure(contributions, newest, feature=feature)

# %%
raised = contributions[feature.name] > 0
values = newest[feature.name].astype(float)
Markdown(
    f"“{feature.title['en']}” raises the risk of **{raised.sum()}** of {len(newest)} customers; "
    f"their median is **{values[raised].median():.3g}**, that of the others "
    f"**{values[~raised].median():.3g}** ({feature.unit})."
)

# %% [markdown]
# ## Whose story shall we read?
#
# The riskiest of those who have been alerted before: there the question is what is new.

# %%
policy = ch.Policy.of(study.alerts, seed=study.seed)
scored = ch.score(bundle, later)
alerts = ch.queue(scored, policy)
now = newest.index.get_level_values("as_of").max()
before = alerts[alerts["as_of"] < now].groupby("customer_id")["as_of"].max()
today = scored[(scored["as_of"] == now) & scored["customer_id"].isin(before.index)]
riskiest = today.sort_values("probability").iloc[-1]
customer, alerted = riskiest["customer_id"], before[riskiest["customer_id"]]
Markdown(
    f"**{customer}**, risk **{riskiest['probability']:.1%}** on {now:%d %B %Y}, "
    f"last alerted on {alerted:%d %B %Y}."
)

# %% [markdown]
# ## What leads from the usual customer to this one?
#
# Expected: no single signal decides. Many say nearly the same, so it is families, not signals,
# that tell a story.

# %%
row = contributions.loc[(customer, now)]
ch.waterfall_figure(row, newest.loc[(customer, now)], features=examples.catalogue, top=6)

# %%
pushed = row.drop("bias").abs().sort_values(ascending=False)
own = ch.family_contributions(contributions, features=examples.catalogue).loc[(customer, now)]
own = own.drop("bias").sort_values(ascending=False)
Markdown(
    f"The six strongest of {len(pushed)} signals make up "
    f"**{pushed.head(6).sum() / pushed.sum():.0%}** of all pushes; "
    f"{own.index[0]} as a whole adds **{own.iloc[0]:+.2f}** and {own.index[1]} "
    f"{own.iloc[1]:+.2f} to the log-odds."
)

# %%
ch.explain_customer(ensemble, newest, customer, catalogue=examples.catalogue)

# %% [markdown]
# ## What does a manager read, and on what evidence?
#
# Expected: two or three reasons, each a change with its date, in both languages, and the rows
# it rests on. What no fact tells is no reason, whatever it weighs.

# %%
story = account(dataset, bundle, customer, now, since=alerted)
reasons = pd.DataFrame(story["reasons"])
Markdown("\n".join(f"- {one['text_en']} / *{one['text_ru']}*" for one in story["reasons"]))

# %%
shown = ["family", "contribution", "was", "now", "since", "play", "would_lower"]
told = reasons[shown].assign(since=pd.to_datetime(reasons["since"]).dt.date)
told.style.format(precision=2, na_rep="–").hide(axis="index")

# %%
evidence = pd.DataFrame([{"reason": one["feature"], **row} for one in story["reasons"]
                         for row in one["evidence"][:3]])  # fmt: skip
evidence

# %% [markdown]
# ## What has changed since the last alert?
#
# Expected: a few topics explain the move; the differences add up to that of the log-odds.

# %%
change = pd.DataFrame(story["change"])
moved = change[["family", "difference", "text_en"]].head(6).style.format(precision=2)
moved.hide(axis="index").set_properties(subset=["text_en"], **{"text-align": "left"})

# %%
Markdown(
    f"From {story['probability_then']:.1%} to **{story['probability']:.1%}**: "
    f"{change['difference'].sum():+.2f} in log-odds, of which {change['family'].iloc[0]} brought "
    f"**{change['difference'].iloc[0]:+.2f}**."
)

# %% [markdown]
# ## Would another training give the same reasons?
#
# Expected: families keep their order from fold to fold; single signals that say nearly the same
# may change places, which is why reasons are chosen by topic.

# %%
trainings = {f"{start:%b %Y}": ch.explain(fitting.fit(examples, folds=folds, tested=start), newest)
             for start in folds.starts}  # fmt: skip
importances = {name: ch.feature_importance(each, features=examples.catalogue)["importance"]
               for name, each in trainings.items()}  # fmt: skip
ch.importance_stability_figure(importances, features=examples.catalogue)

# %%
by_family = {name: ch.family_importance(each, features=examples.catalogue)
             for name, each in trainings.items()}  # fmt: skip
signals, groups = ch.importance_stability(importances), ch.importance_stability(by_family, top=5)
Markdown(
    f"Of the ten strongest signals **{signals['top_shared'].min():.0%}** are shared, of the five "
    f"strongest families **{groups['top_shared'].min():.0%}**; ranks agree by "
    f"{signals['rank_correlation'].min():.2f} and {groups['rank_correlation'].min():.2f}."
)
