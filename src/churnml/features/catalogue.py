"""All features of a dataset, in their one order."""

from __future__ import annotations

from churnml.features.adoption import adoption
from churnml.features.billing import billing
from churnml.features.comparison import comparison
from churnml.features.conversation import conversation
from churnml.features.declaration import Feature
from churnml.features.outreach import outreach
from churnml.features.profile import profile
from churnml.features.purchases import purchases
from churnml.features.relationship import relationship
from churnml.features.support import support
from churnml.features.surveys import surveys
from churnml.features.tone import tone
from churnml.features.usage import usage
from churnml.sources.dataset import Dataset
from churnml.sources.description import Description


def catalogue(data: Dataset | Description) -> tuple[Feature, ...]:
    """Every feature that this dataset, or one of this description, can have.

    Examples
    --------
    >>> names = [feature.name for feature in catalogue(Description())]
    >>> "days_since_activity" in names, len(names) == len(set(names))
    (True, True)
    """
    description = data if isinstance(data, Description) else data.description
    features = (
        *usage(description),
        *purchases(description),
        *adoption(description),
        *support(description),
        *conversation(),
        *tone(),
        *billing(description),
        *relationship(description),
        *surveys(description),
        *outreach(),
        *profile(data),
    )
    return (*features, *comparison(features))
