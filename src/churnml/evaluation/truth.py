"""What a simulated world knows: the true probability of each snapshot, a ceiling for models."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from churnml.sources.place import truth_beside

ORACLE = "oracle"


def oracle_scores(data: Path | str, index: pd.MultiIndex) -> pd.Series | None:
    """True probabilities of these snapshots, or None where the data is not a simulated world.

    Parameters
    ----------
    data : Path or str
        OUT/data of a world; the truth lies beside it in OUT/truth.
    index : MultiIndex of (customer_id, as_of)

    Returns
    -------
    Series of float, aligned with ``index``
        None also when the world states its truth at other as_ofs.
    """
    beside = truth_beside(data)
    path = None if beside is None else beside / "oracle.parquet"
    if path is None or not path.is_file():
        return None
    truth = pd.read_parquet(path)
    as_of = pd.to_datetime(truth["as_of"], utc=True).dt.tz_localize(None).astype("datetime64[us]")
    known = truth.assign(as_of=as_of).set_index(["customer_id", "as_of"])["probability"]
    found = known.reindex(index)
    return found if found.notna().mean() > 0.99 else None
