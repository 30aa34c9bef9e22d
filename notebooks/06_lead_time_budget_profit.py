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
# # How early, at what load, and for what money?
#
# The recipe without tuning, judged forward in time on rows it has not seen, beside chance,
# simple rules and, as the company is simulated, an oracle that knows the true hazards. The
# company is small, so that all of it runs in a minute; `make train` does the same on yours.

# %%
import os
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import churnml as ch
from churnml.config import Study

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/bench"))
if not WORLD.exists():
    ch.simulate(WORLD, customers=500, weeks=80, seed=5)
dataset = ch.open_dataset(WORLD / "data")
study = Study.model_validate(
    {"folds": {"blocks": 1, "test_every_days": 140}, "model": {"max_rows": 4000}}
)
examples, folds = ch.prepare(
    dataset, study=study, cache=Path("../mlruns/cache"), say=lambda _: None
)

# %% [markdown]
# ## Does it beat chance, plain rules and plain models?
#
# Expected: well above chance, above the best of the others, below the oracle.

# %%
fitting = ch.Fitting.of(study, parameters=None)
proof = ch.prove(
    dataset, examples, folds=folds, fitting=fitting, study=study, data=WORLD / "data",
    say=lambda _: None,
)  # fmt: skip
told = ["average_precision", "recall_at_lead_21d", "alert_precision", "median_lead_days"]
compared = pd.DataFrame({name: part.metrics for name, part in proof.judged.items()}).T
compared = compared[told].astype(float).sort_values("average_precision", ascending=False)
compared.round(3)

# %%
rules = compared.drop(["model", "random", "oracle"], errors="ignore")["average_precision"]
beside = ["model", str(rules.idxmax()), *(["oracle"] if "oracle" in proof.judged else [])]
low, high = proof.model.intervals["average_precision"] or (float("nan"), float("nan"))
Markdown(
    f"{proof.signal.sentence()} Average precision "
    f"**{compared.loc['model', 'average_precision']:.3f}** (95 % interval {low:.3f} to "
    f"{high:.3f}); the best of the others is {rules.idxmax().replace('_', ' ')} with "
    f"{rules.max():.3f}."
)

# %% [markdown]
# ## What share of the exits is announced, by how many weeks of notice?
#
# Expected: the curve falls with the notice asked for, and is still above chance at three to
# four weeks, when there is time to act.

# %%
ch.headline_figure({name: proof.judged[name] for name in beside})

# %%
curve, chance = proof.model.lead_recall or {}, proof.model.lead_recall_random or {}
reached = pd.DataFrame({"model": curve, "random": chance}).astype(float).rename_axis("weeks")
Markdown(
    f"Of the {proof.model.n_exits_on_curve} exits on the curve, so few that the band is wide, "
    f"**{reached.loc['3', 'model']:.0%}** are announced three weeks before or earlier; "
    f"chance would announce {reached.loc['3', 'random']:.0%}; with five weeks "
    f"{reached.loc['5', 'model']:.0%} against {reached.loc['5', 'random']:.0%}. The alerts "
    f"number {proof.model.metrics['alerts_per_week']:.1f} a week, and "
    f"{compared.loc['model', 'alert_precision']:.0%} of them were followed by an exit."
)

# %% [markdown]
# ## What would a larger team announce?
#
# Expected: more, but each further alert finds less: the surest come first.

# %%
ch.recall_by_load_figure({name: proof.judged[name] for name in beside})

# %%
loads = pd.DataFrame(proof.model.by_q).T
loads = loads[["recall_at_lead_21d", "random", "alert_precision"]].astype(float)
loads.index = [f"{float(q):.1%} a week" for q in loads.index]
loads.round(3)

# %%
first, last = loads.iloc[0], loads.iloc[-1]
Markdown(
    f"From {loads.index[0]} to {loads.index[-1]} recall grows from "
    f"**{first['recall_at_lead_21d']:.0%}** to **{last['recall_at_lead_21d']:.0%}**, while the "
    f"share of right alerts goes from {first['alert_precision']:.0%} to "
    f"{last['alert_precision']:.0%}."
)

# %% [markdown]
# ## Can the probabilities be taken at their word?
#
# Expected: yes, an unweighted model on natural rows keeps close to the diagonal; money is
# computed from these probabilities, so they have to.

# %%
known = proof.labels != "unknown"
ch.calibration_figure(proof.scores.loc[known, "model"], proof.labels[known] == "churned")

# %% [markdown]
# ## How many contacts pay?
#
# Expected: the curve rises while those contacted are likely to leave, then falls. It rests on
# the assumptions in its second line, which stand in `[money]` of the study.

# %%
money = {name: proof.money[name] for name in ("model", str(rules.idxmax()), "random")}
ch.profit_curve_figure(money)

# %%
figures, band = proof.money["model"].figures, proof.money["model"].intervals["optimal_share"]
caught = {name: proof.money[name].figures["share_of_value_caught"] for name in money}
Markdown(
    f"Most is earned by contacting **{figures['optimal_share']:.1%}** of the customers (95 % "
    f"interval {band[0]:.1%} to {band[1]:.1%}). At {study.alerts.q:.0%} a week the model catches "
    f"**{caught['model']:.0%}** of the leaving revenue in time, chance {caught['random']:.0%}."
)

# %% [markdown]
# ## What may a contact cost?
#
# Expected: the dearer the contact, the fewer are worth it.

# %%
dearer = ch.profit_by_contact_cost(
    dataset, examples, proof, study=study, costs=(5, 15, 50, 150, 500)
)
dearer.loc[:, ~dearer.columns.str.endswith(("_low", "_high"))].round(3)

# %%
cheap, dear = dearer.iloc[0], dearer.iloc[-1]
Markdown(
    f"At {dearer.index[0]:g} a contact **{cheap['optimal_share']:.1%}** of the customers are "
    f"worth one, at {dearer.index[-1]:g} **{dear['optimal_share']:.1%}**; an alert of the queue "
    f"earns {cheap['profit_per_contact']:,.0f} and {dear['profit_per_contact']:,.0f}."
)
