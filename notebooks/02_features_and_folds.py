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
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What does the model see, and is its examination honest?
#
# A row is a customer at an as_of. Nothing at or after the as_of is known to it; its label
# is known only when the label window and the label delay have passed.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

import churnml
from churnml.model.examples import prepare
from churnml.windows import DAY, weekly

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/demo"))
if not WORLD.exists():
    churnml.simulate(WORLD)
dataset = churnml.open_dataset(WORLD / "data")
study = churnml.read_study(Path("../experiments/studies/default.toml"))
examples, folds = prepare(dataset, study=study, cache=Path("../mlruns/cache"), say=lambda _: None)
features, labels = examples.features, examples.labels[examples.window]

# %% [markdown]
# ## Which families of signals are there, and how much of them is known?
#
# Expected: usage is known for nearly everybody, surveys and outreach for some.

# %%
about = pd.DataFrame([{"name": f.name, "family": str(f.family)} for f in examples.catalogue])
known = features.notna().mean().rename("share of rows known")
families = about.join(known, on="name").groupby("family")["share of rows known"]
families.agg(features="size", known="mean").sort_values("features").style.format(precision=2)

# %% [markdown]
# ## What does one departure look like, as the model sees it?
#
# Expected: the features move some weeks before the line breaks off. The customer is the
# first leaver by identifier, not one that suits us.

# %%
leaver = labels[labels == "churned"].index.get_level_values("customer_id").min()
story = features.loc[leaver, ["events_7d", "active_days_28d", "days_since_event"]]
figure, axes = plt.subplots(3, 1, figsize=(9, 5), sharex=True, layout="constrained")
story.plot(subplots=True, ax=axes, legend=False, title=list(story.columns), xlabel="as_of")
plt.show()

# %% [markdown]
# ## When is a label known?
#
# Expected: the newest rows are all `unknown`. Taking them for `stayed` would teach the
# model that yesterday's warning signs are harmless.

# %%
newest = weekly(examples.as_ofs.max() - 20 * 7 * DAY, dataset.observed_until)
snapshots = churnml.take_snapshots(dataset, list(newest))
outcome = churnml.label(dataset, snapshots, window=examples.window)
by_week = pd.crosstab(snapshots["as_of"], outcome.rename("label"))
by_week = by_week.reindex(columns=["stayed", "left_early", "churned", "unknown"], fill_value=0)
axes = by_week.plot.area(figsize=(9, 4), linewidth=0, color=["#bbb", "#e8a33d", "#b3312c", "#eee"])
axes.set(xlabel="as_of", ylabel="customers at risk")
plt.show()

# %%
base = (labels == "churned").sum() / (labels != "unknown").sum()
Markdown(
    f"A label closes **{examples.window.closing_days} days** after its as_of. Of the closed rows "
    f"**{base:.2%}** churned."
)

# %% [markdown]
# ## Does any training row know the test?
#
# Expected: between the last training row and the first test row lies the purge: every
# label was complete when its test began.

# %%
summary = folds.summary(features)
summary

# %%
figure, axes = plt.subplots(figsize=(9, 0.8 + 0.6 * len(summary)), layout="constrained")
for number, fold in summary.iterrows():
    spans = [("train_from", "train_last", "#4477aa"), ("test_from", "test_until", "#cc6677")]
    for first, last, colour in spans:
        axes.barh(number, fold[last] - fold[first], left=fold[first], color=colour, height=0.6)
axes.set(yticks=summary.index, ylabel="fold", title="trained (blue), purged (gap), tested (red)")
axes.invert_yaxis()
plt.show()

# %%
gap = ((summary["test_from"] - summary["train_last"]) / DAY).min()
purged = summary["purged_rows"].sum() / summary[["purged_rows", "train_rows"]].to_numpy().sum()
assert gap >= examples.window.closing_days
Markdown(
    f"At least **{gap:.0f} days** lie between training and test; "
    f"the purge costs {purged:.0%} of the rows."
)

# %% [markdown]
# ## Is there a single signal that knows too much?
#
# Expected: no feature alone ranks leavers near perfection. One that does has seen the
# future.

# %%
closed = (labels != "unknown").to_numpy()
numeric = features.loc[closed].select_dtypes("number").rank(pct=True)
churned = (labels[closed] == "churned").to_numpy()
strength = (numeric[churned].mean() - numeric[~churned].mean()).abs() + 0.5
strongest = strength.sort_values().tail(15)
figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
strongest.plot.barh(ax=axes, xlim=(0.5, 1), color="#4477aa")
axes.set(title="ranking power of single features (area under the ROC curve)")
plt.show()

# %%
Markdown(f"The strongest is **{strongest.index[-1]}** with {strongest.iloc[-1]:.2f}.")
