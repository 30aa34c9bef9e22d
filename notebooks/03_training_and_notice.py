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
# # How early, how often, and against what?
#
# The recipe without tuning, judged forward in time on rows it has not seen, beside
# chance, simple rules and, as the company is simulated, an oracle that knows the true
# hazards. `make train` does the same, tunes, and keeps the result in MLflow.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

import churnml
from churnml.evaluation.forward import Fitting
from churnml.evaluation.proof import prove
from churnml.explanation import explain, family_contributions
from churnml.model.examples import prepare

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/demo"))
if not WORLD.exists():
    churnml.simulate(WORLD)
dataset = churnml.open_dataset(WORLD / "data")
study = churnml.read_study(Path("../experiments/studies/default.toml"))
examples, folds = prepare(dataset, study=study, cache=Path("../mlruns/cache"), say=lambda _: None)

# %% [markdown]
# ## Does it beat chance and the rules anyone could write down?
#
# Expected: well above chance and above the best rule, and below the oracle.

# %%
choices = study.model
fitting = Fitting(None, choices.sampler, study.seed, choices.seeds, choices.max_rows)
proof = prove(
    dataset, examples, folds=folds, fitting=fitting, study=study, data=WORLD / "data",
    say=lambda _: None,
)  # fmt: skip
figures = ["average_precision", "recall_at_lead_21d", "alert_precision", "median_lead_days"]
judged = {name: part.metrics for name, part in proof.judged.items()}
compared = pd.DataFrame(judged).T[figures].astype(float)
compared.sort_values("average_precision", ascending=False).round(3)

# %%
low, high = proof.model.intervals["average_precision"] or (float("nan"), float("nan"))
rules = compared.drop(["model", "random", "oracle"], errors="ignore")["average_precision"].astype(
    float
)
reached = compared.loc["model", "average_precision"]
Markdown(
    f"{proof.signal.sentence()} Average precision **{reached:.3f}** "
    f"(95 % interval {low:.3f} to {high:.3f}); the best of the others is {rules.idxmax()} "
    f"with {rules.max():.3f}."
)

# %% [markdown]
# ## What share of departures is alerted, by how many weeks of notice?
#
# Expected: the curve falls with the notice asked for, and stays above chance at three to
# four weeks.

# %%
styles = {"model": ("-", "#b3312c"), rules.idxmax(): ("--", "#4477aa"), "oracle": ("-.", "#228833"),
          "random": (":", "#777")}  # fmt: skip
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for name, (style, colour) in styles.items():
    if name in proof.judged and proof.judged[name].lead_recall:
        curve = pd.Series(proof.judged[name].lead_recall, dtype=float)
        axes.plot(curve.index.astype(int), curve, style, color=colour, linewidth=2, label=name)
axes.axvspan(3, 4, color="#eee", zorder=0)
axes.set(xlabel="weeks of notice, at least", ylabel="share of exits alerted", ylim=(0, 1))
axes.legend()
plt.show()

# %%
early, right = compared.loc["model", ["recall_at_lead_21d", "alert_precision"]]
load = proof.model.metrics["alerts_per_week"]
Markdown(
    f"**{early:.0%}** of the exits have a useful alert, at {load:.1f} alerts a week; "
    f"{right:.0%} of the alerts were followed by an exit."
)

# %% [markdown]
# ## Can the probabilities be taken at their word?
#
# Expected: yes; an unweighted model on natural rows is close to the diagonal.

# %%
known = proof.labels != "unknown"
score = proof.scores.loc[known, "model"]
left = (proof.labels[known] == "churned").astype(float)
tenths = pd.qcut(score.rank(method="first"), 10, labels=False)
reliability = pd.DataFrame(
    {"said": score.groupby(tenths).mean(), "came": left.groupby(tenths).mean()}
)
axes = reliability.plot.scatter("said", "came", figsize=(5, 5), color="#b3312c")
axes.axline((0, 0), slope=1, color="grey", linewidth=0.8)
axes.set(xlabel="mean probability of a tenth", ylabel="share that left")
plt.show()

# %% [markdown]
# ## Which families of signals drive the risk?
#
# Expected: usage first, then support and conversation. These are associations, not
# causes.

# %%
ensemble = fitting.fit(examples, folds=folds, tested=folds.starts[-1])
newest = examples.features[examples.as_ofs == examples.as_ofs.max()]
contributions = family_contributions(explain(ensemble, newest), features=examples.catalogue)
weight = contributions.drop(columns="bias").abs().mean().sort_values()
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
weight.plot.barh(ax=axes, color="#4477aa")
axes.set(xlabel="mean absolute contribution to the log-odds", ylabel="")
plt.show()

# %%
Markdown(
    f"**{weight.index[-1]}** moves the scores most: "
    f"{weight.iloc[-1] / weight.sum():.0%} of all movement."
)
