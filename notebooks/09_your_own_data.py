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
# # How far does a company get with its own data in ten minutes?
#
# A small company exports its tables as its programs write them: Russian and English names
# of columns, semicolons, Windows-1251, days before months, decimal commas. Nothing below
# knows our names. The company is simulated, so that the notebook runs anywhere; with files
# of your own, begin at the second question.

# %%
import os
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import churnml as ch

FOLDER = Path(tempfile.mkdtemp(prefix="acme-"))
ch.simulate(FOLDER / "world", customers=300, weeks=70, seed=7)
exports = FOLDER / "exports"
exports.mkdir()

# %%
FILES = {
    "customers": ("Клиенты.csv", {
        "customer_id": "Код клиента", "name": "Наименование", "signed_up_at": "Дата регистрации",
        "region": "Регион", "industry": "Отрасль"}),
    "subscriptions": ("Договоры.csv", {
        "subscription_id": "Номер договора", "customer_id": "Код клиента",
        "started_at": "Дата начала", "ended_at": "Дата окончания", "mrr": "Абонентская плата",
        "plan": "Тариф"}),
    "events": ("activity.csv", {
        "customer_id": "client", "event_time": "timestamp", "name": "action", "user_id": "user"}),
    "tickets": ("Обращения.csv", {
        "ticket_id": "Номер обращения", "customer_id": "Клиент", "opened_at": "Дата создания",
        "resolved_at": "Дата закрытия", "category": "Тема"}),
    "invoices": ("bills.csv", {
        "invoice_id": "Bill ID", "customer_id": "ClientID", "issued_at": "Invoice Date",
        "amount": "Total", "due_at": "Due Date", "paid_at": "Payment Date"}),
}  # fmt: skip

# %%
for table, (file, names) in FILES.items():
    frame = pd.read_parquet(FOLDER / "world" / "truth" / "clean" / f"{table}.parquet")
    frame = frame[list(names)].rename(columns=names)
    for column in frame.columns[frame.columns.str.startswith("Дата")]:
        frame[column] = frame[column].dt.strftime("%d.%m.%Y %H:%M:%S")
    office = {"sep": ";", "decimal": ",", "encoding": "cp1251"} if file > "z" else {}
    frame.to_csv(exports / file, index=False, **office)
sorted(path.name for path in exports.iterdir())

# %% [markdown]
# ## What does it make of files that it has never seen?
#
# Expected: it names each table and column, and says where it is not sure.

# %%
project = ch.start_project(FOLDER / "acme", [exports])
os.chdir(project.folder)  # the project is a folder of its own, with its own runs
os.environ.pop("MLFLOW_TRACKING_URI", None)
guessed = pd.DataFrame(project.guess.as_json()["tables"])[["file", "table", "confidence"]]
guessed

# %%
columns = pd.concat(
    {one["file"]: pd.DataFrame(one["columns"]) for one in project.guess.as_json()["tables"]},
    names=["file"],
)
renamed = columns.loc[columns["column"] != columns["source"], ["column", "source", "confidence"]]
renamed.droplevel(1).groupby("file", sort=False).head(2)

# %%
decide = project.guess.as_json()["open"]
Markdown(
    f"**{len(guessed)} of {len(FILES)}** files are placed, {len(renamed)} columns are renamed. "
    f"What it leaves to you ({len(decide)}):\n\n" + "\n".join(f"- {line}" for line in decide)
)

# %% [markdown]
# ## Is it fit for training?
#
# Expected: yes, and what was refused is named with its reason. What is wrong is mended in
# `dataset.toml`, which `start_project` wrote.

# %%
MAPPING = Path("dataset.toml")
report = ch.check(exports, dataset_file=MAPPING)
report

# %%
dataset = ch.open_dataset(exports, dataset_file=MAPPING)
Markdown(
    f"{'Fit' if report.ok else '**Not** fit'} for training. Rows run until "
    f"**{dataset.observed_until:%d %B %Y}**; "
    f"{ch.find_spells(dataset)['exit_at'].notna().sum()} customers have left until then."
)

# %% [markdown]
# ## Does the model see them leave, and does it beat simple rules?
#
# Expected: so small a company has few departures, so wide intervals. A model that does not
# beat the best simple rule would not be put into use, and the run would say so.

# %%
study = ch.read_study(Path("experiments/studies/default.toml"))
quick = {  # a first look: no search, two test blocks of six weeks, one of the recipe's heads
    "folds": study.folds.model_copy(update={"blocks": 2, "test_every_days": 42}),
    "tuning": study.tuning.model_copy(update={"trials": 0}),
    "model": study.model.model_copy(update={"heads": ((21, 28),), "final_seeds": 1}),
}
study = study.model_copy(update=quick)
training = ch.run_training(exports, study=study, dataset_file=MAPPING, out=Path("model"))
training

# %%
found = training.as_json()
Markdown(f"**{found['reason']}**")

# %% [markdown]
# ## Who is at risk today, and why?
#
# Expected: a short list on top, with reasons that a colleague can check.

# %%
bundle = ch.Bundle.load(Path("model"))
today = dataset.observed_until
heard = ch.listened(dataset, bundle)
scores, features, _ = ch.score_everyone(dataset, bundle, [today], study=study)
said = ch.strongest_reasons(heard, bundle, features, scores["probability"], study=study)
first = scores["probability"].nlargest(5).index
scores.loc[first, ["customer_id", "probability", "health", "tier", "value_at_risk"]].round(3)

# %%
lines = [
    f"- **{scores.loc[row, 'customer_id']}** ({scores.loc[row, 'probability']:.1%}): "
    + ("; ".join(each["text_en"] for each in said["reasons"].iloc[row][:3]) or "no reason told")
    for row in first
]
Markdown("\n".join(lines))

# %% [markdown]
# ## What do we hand to the people who call?
#
# Expected: one page that opens offline, in English and Russian; training leaves it beside the
# model, and `ch.make_report` writes that of another day. On the command line it is
# `churnml init`, `check`, `train`, `score`, `report`.

# %%
pages = sorted(path for path in Path.cwd().iterdir() if path.suffix == ".html")
Markdown(
    "\n".join(f"- `{page.name}`, {page.stat().st_size / 1e6:.1f} MB" for page in pages)
    + f"\n\n**{scores['tier'].isin(['critical', 'high']).sum()}** of {len(scores)} customers are "
    "critical or high. The project lies in a temporary folder; yours stays."
)

# %% [markdown]
# ## How true are the probabilities it gives?
#
# Expected: higher where more is said, around the diagonal; with so few departures nothing could
# be calibrated, and a mean said too low or too high is what that costs. More of them mend it.

# %%
ch.reliability_figure(ch.read_record(Path("model")).reliability)
