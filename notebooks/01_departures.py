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
# # What does a departure look like in the data?
#
# The company is simulated, so the truth is known: who left, why, and since when it could
# be seen. With own data, the last but one section has no truth to show.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

import churnml
from churnml.labels import with_exits
from churnml.windows import DAY, LabelWindow, weekly

WORLD = Path(os.environ.get("CHURNML_DEMO", "../data/demo"))
if not WORLD.exists():
    churnml.simulate(WORLD)
dataset = churnml.open_dataset(WORLD / "data")

# %% [markdown]
# ## Which tables are there, and what did the gate refuse?
#
# Expected: every table is there, and the planted dirt is a small share of each.

# %%
report = churnml.check(WORLD / "data").as_json()
tables = pd.DataFrame(report["tables"]).set_index("table")
tables

# %%
share = tables["quarantined"].sum() / tables["rows_in"].sum()
Markdown(f"The gate set aside **{share:.2%}** of {tables['rows_in'].sum():,} rows.")

# %% [markdown]
# ## Does use fade before a customer leaves, and how early?
#
# Expected: in the last two months before an exit, leavers do less and less, against
# everybody else in the same week. All numbers are features, so each is what was known at
# its as_of.

# %%
as_ofs = weekly(dataset.observed_until - 52 * 7 * DAY, dataset.observed_until)
snapshots = churnml.take_snapshots(dataset, list(as_ofs))
catalogue = churnml.catalogue(dataset)
shown = ["events_7d", "active_users_28d", "events_change_28d", "days_since_event"]
features = churnml.compute_features(
    dataset, snapshots, features=[one for one in catalogue if one.name in shown]
)

# %%
keys = ["customer_id", "as_of"]
ranks = features.groupby("as_of").rank(pct=True)
notice = with_exits(dataset, snapshots).set_index(keys)
weeks = ((notice["exit_at"] - notice.index.get_level_values("as_of")) // (7 * DAY)).rename("weeks")
fading = ranks[shown].join(weeks).groupby("weeks").mean().loc[:20]

# %%
colours = ["#0072b2", "#d55e00", "#009e73", "#6b7780"]
axes = fading.plot(figsize=(9, 4.5), style=["-", "--", "-.", ":"], color=colours, linewidth=2)
axes.set_xticks(range(0, 21, 2))
axes.invert_xaxis()
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.spines[["top", "right"]].set_visible(False)
axes.set(xlabel="Whole weeks until the exit", ylabel="Mean rank among all in that week, 0 to 1")
axes.set_title("Leavers fall back from ten weeks before the exit on", loc="left", weight="bold")
titles = {one.name: one.title["en"] for one in catalogue}
axes.legend([titles[name] for name in shown], frameon=False)
plt.show()

# %%
early, late = fading.loc[12:20, "events_7d"].mean(), fading.loc[0:2, "events_7d"].mean()
Markdown(
    f"Events of the last week rank at **{early:.2f}** three to five months before an exit and at "
    f"**{late:.2f}** in the last three weeks, which are too late: the alarm is wanted before."
)

# %% [markdown]
# ## Why do they leave, and since when could one know?
#
# Expected: several causes, most of them visible for some weeks, some not at all. This is
# the ceiling for any model.

# %%
exits = pd.read_parquet(WORLD / "truth" / "exits.parquet")
visible = (exits["exit_at"] - exits["signal_began_at"]) / DAY / 7
causes = exits["cause"].str.replace("_", " ").value_counts().sort_values()
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
causes.plot.barh(ax=left, color=colours[0], xlabel="Exits", ylabel="")
visible.plot.hist(bins=range(21), ax=right, color=colours[0])
right.axvline(3, color="black", linestyle="--")
right.set(xlabel="Weeks from the first sign to the exit (dashed: three)", ylabel="Exits")
right.set_xticks(range(0, 21, 2))
left.set_title("What made them leave", loc="left", weight="bold")
right.set_title("How long before it could be seen", loc="left", weight="bold")
for axis in (left, right):
    axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
in_time = visible.gt(3).mean()
Markdown(
    f"**{in_time:.0%}** of {len(exits)} exits showed a sign more than three weeks before; "
    f"{visible.isna().mean():.0%} never did."
)

# %% [markdown]
# ## Would the obvious rule do?
#
# Expected: no. Many customers halve their use and come back, so few of those who halve it
# leave in the weeks that matter, `[as_of + 21 d, as_of + 49 d)`.

# %%
window = LabelWindow(21, 28, delay_days=dataset.description.churn.delay_days)
labels = churnml.label(dataset, snapshots, window=window).set_axis(notice.index)
halved = features["events_change_28d"].lt(0.5)
outcome = pd.crosstab(halved, labels[labels != "unknown"].rename("label"))
outcome = outcome.rename({False: "use kept", True: "use halved"}).rename_axis(None)
outcome

# %%
leave = outcome["churned"] / outcome.sum(axis=1)
caught = outcome["churned"] / outcome["churned"].sum()
Markdown(
    f"Of the rows with halved use **{leave['use halved']:.1%}** leave in the window, of the others "
    f"{leave['use kept']:.1%}. The rule sees {caught['use halved']:.0%} of the departures. "
    "A model has to do better on both counts: notebook 06."
)
