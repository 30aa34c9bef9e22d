"""What drives the scores of the as_of: SHAP values of the scored rows."""

from __future__ import annotations

import numpy as np

from churnml.explanation import explain
from churnml.model.bundle import Bundle
from churnml.report.stakeholder.facts import Drivers
from churnml.report.stakeholder.past_weeks import PastWeeks

#: SHAP is slow; so many rows, evenly taken, say the same as all.
EXPLAINED_ROWS = 1_000


def drivers(weeks: PastWeeks, bundle: Bundle) -> Drivers:
    """Contributions of the customers at risk at the newest as_of."""
    rows = weeks.table.loc[(weeks.scores["as_of"] == weeks.as_ofs[-1]).to_numpy()]
    taken = np.unique(np.linspace(0, len(rows) - 1, min(EXPLAINED_ROWS, len(rows))).astype(int))
    shown = rows.iloc[taken]
    return Drivers(explain(bundle.ensemble, shown), shown, weeks.features)
