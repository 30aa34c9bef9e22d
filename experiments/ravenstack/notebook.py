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
# # Does a run without signal say so?
#
# RavenStack is a synthetic company (Rivalytics) whose usage and tickets were drawn without
# regard to its exits. It looks like a churn set and is none: the negative control.

# %%
import os
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import churnml as ch

DATA = Path(os.environ.get("CHURNML_DATA", "../../../shared/data")) / "ravenstack"
if not DATA.is_dir():
    raise SystemExit(
        f"{DATA} is no folder. Set CHURNML_DATA to the folder that holds ravenstack/; "
        "the README beside this notebook says where the files come from."
    )
STORED = Path("results")
CACHE = Path("../../mlruns/cache")
dataset = ch.open_dataset(DATA, dataset_file=Path("dataset.toml"))
study = ch.read_study(Path("study.toml"))
dataset

# %% [markdown]
# ## Is the data set what it seems?
#
# Expected: no. Much of the usage and of the tickets lies before the account's own sign-up.

# %%
report = ch.check(DATA, dataset_file=Path("dataset.toml")).as_json()
tables = pd.DataFrame(report["tables"]).set_index("table")
refused = tables[tables["quarantined"] > 0]
refused

# %%
said = ", ".join(f"**{row['quarantined']:,}** of {row['rows_in']:,} rows of {name}"
                 for name, row in refused.iterrows())  # fmt: skip
Markdown(f"The gate refuses {said}. With data of your own, training would stop here.")

# %% [markdown]
# ## What do the data say about leaving?
#
# Expected: nothing. Whatever is looked at, the share that leaves is the same.

# %%
examples, folds = ch.prepare(dataset, study=study, cache=CACHE)
usage = ch.exit_shares(examples, "events_28d")
ch.exit_shares_figure(usage)

# %%
silence = ch.exit_shares(examples, "days_since_activity")
silence.round(3)

# %%
base = usage.attrs["base_rate"]
inside = pd.concat([usage, silence])
holds = ((inside["low"] <= base) & (base <= inside["high"])).sum()
Markdown(
    f"**{holds} of {len(inside)}** intervals hold the base rate of {base:.1%}. "
    "In data with a signal the bands climb from left to right."
)

# %% [markdown]
# ## What does the run say about itself?
#
# Expected: no usable signal, nothing put into use. The verdict falls before the first test,
# so that no lucky test can overturn it. Stored figures of `make experiments ONLY=ravenstack`.

# %%
stored = ch.read_judged(STORED / "study.json")
ch.rivals_figure(stored, figure="roc_auc")

# %%
verdict = pd.read_json(STORED / "study.json", typ="series")["reason"]
ours, chance = stored["model"], stored["random"]
low, high = ours.intervals["roc_auc"]
right, by_chance = (
    "{:.0%} [{:.0%}, {:.0%}]".format(each.metrics["alert_precision"],
                                     *each.intervals["alert_precision"])
    for each in (ours, chance)
)  # fmt: skip
Markdown(
    f"> {verdict}\n\nOn the test the model's ROC AUC is {ours.metrics['roc_auc']:.3f} "
    f"[{low:.3f}, {high:.3f}]. Who looks at many figures finds one that flatters: of its alerts "
    f"{right} are followed by an exit, by chance {by_chance}. That is why the verdict comes from "
    "an earlier block, and why no figure stands without its interval and chance beside."
)

# %% [markdown]
# ## Are the probabilities at least harmless?
#
# Expected: no. Without a signal a model can only repeat the past, and is wrong as soon as more
# people leave than before. This part is computed here: one fit on what was closed before the
# first test, scored on all tests.

# %%
model = ch.Fitting.of(study, parameters=None).fit(examples, folds=folds, tested=folds.starts[0])
rows = examples.features[examples.counted]
tested = pd.concat([rows.iloc[test] for _, test in folds.split(rows)])
probability = model.predict(tested)
labels = examples.labels[examples.window].loc[probability.index]
known = labels[labels != "unknown"]
ch.calibration_figure(probability[known.index], known == "churned")

# %%
left = known == "churned"
upper = probability[known.index] > probability[known.index].median()
Markdown(
    f"Said {probability.mean():.1%}, came **{left.mean():.1%}**: leaving has become more frequent, "
    f"and no signal told. Of the lower half of the scores {left[~upper].mean():.1%} left, of the "
    f"upper half {left[upper].mean():.1%}."
)
