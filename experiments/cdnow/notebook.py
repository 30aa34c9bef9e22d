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
# # Which new buyers come back?
#
# Every purchase of the 23,570 people who first bought CDs at CDNOW in early 1997 (Fader and
# Hardie 2001): dates and money, nothing else. Leaving is no purchase in the 90 days that begin
# three weeks from now. The README beside tells the mapping.

# %%
import os
from pathlib import Path

from IPython.display import Markdown

import churnml as ch

DATA = Path(os.environ.get("CHURNML_DATA", "../../../shared/data")) / "cdnow"
if not DATA.is_dir():
    raise SystemExit(
        f"{DATA} is no folder. Set CHURNML_DATA to the folder that holds cdnow/; "
        "the README beside this notebook says where the files come from."
    )
STORED = Path("results")
CACHE = Path("../../mlruns/cache")
dataset = ch.open_dataset(DATA, dataset_file=Path("dataset.toml"))
study = ch.read_study(Path("cdnow90lead.toml"))
dataset

# %% [markdown]
# ## What do the data say about leaving?
#
# Expected: frequency first; who bought often comes back, even after a pause.

# %%
examples, folds = ch.prepare(dataset, study=study, cache=CACHE)
ever = ch.exit_shares(examples, "purchase_days_ever")
ch.exit_shares_figure(ever)

# %%
recent = ch.exit_shares(examples, "days_since_activity")
recent.round(3)

# %%
Markdown(
    f"By days ever bought on, **{ever['share'].min():.0%} to {ever['share'].max():.0%}** fall "
    f"silent; by days since the last one, {recent['share'].min():.0%} to "
    f"{recent['share'].max():.0%}. And these are good customers, three purchases and more: "
    f"{ever.attrs['base_rate']:.0%} of all rows fall silent."
)

# %% [markdown]
# ## Is there more in it than the classic finds?
#
# Expected: next to nothing. BG/NBD was made for these data, and they hold dates and money only.
# These are the stored figures of `make experiments ONLY=cdnow`, which take minutes.

# %%
stored = ch.read_judged(STORED / "cdnow90lead.json")
ch.rivals_figure(stored)

# %%
ours, classic = stored["model"], stored["bg_nbd"]
(low, high), value = ours.intervals["average_precision"], ours.metrics["average_precision"]
Markdown(
    f"Average precision **{value:.4f}** [{low:.4f}, {high:.4f}] against "
    f"{classic.metrics['average_precision']:.4f} of BG/NBD: **level**, well inside the interval. "
    f"Its probabilities are the better ones: calibration error {classic.metrics['ece']:.3f} "
    f"against {ours.metrics['ece']:.3f}. On data like these, four parameters do."
)

# %% [markdown]
# ## Can the probabilities be taken at their word?
#
# Expected: nearly; everyone joined in one quarter, so the test is older buyers than training.
# This part is computed here: one fit on what was closed before the test, scored on the test.

# %%
model = ch.Fitting.of(study, parameters=None).fit(examples, folds=folds, tested=folds.starts[0])
inside = examples.features[examples.counted]
_, tested = next(folds.split(inside))
probability = model.predict(inside.iloc[tested])
silent = examples.labels[examples.window].loc[probability.index] == "churned"
ch.calibration_figure(probability, silent)

# %%
Markdown(
    f"Said **{probability.mean():.1%}** on average, came **{silent.mean():.1%}**, on "
    f"{len(silent):,} rows of {silent.groupby('customer_id').size().shape[0]:,} buyers."
)
