"""What happens to recommendations."""

from __future__ import annotations

from saas.kit.events import event


@event
class ModelsOutdated:
    """There is news to learn from; `soon` when there is so little yet that each order counts."""

    soon: bool


@event
class OfferTrialPaused:
    """A trial of offers stopped showing its arms because one of them harmed the shop; its owners are told."""

    trial_id: str
