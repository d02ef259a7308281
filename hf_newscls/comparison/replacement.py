"""Compare the card of a run with the card of the model that it would replace."""

import logging

from hf_newscls.comparison.model_scores import is_fingerprint, read_card
from hf_newscls.errors import DataError

_METRIC = "f1_macro"

logger = logging.getLogger(__name__)


def find_objection(published: str, own: str) -> str | None:
    """Return why a published model should not be replaced; None if there is no reason.

    Both texts are model cards, because their scores are rounded equally. A published card without scores is no reason.
    """
    try:
        claims = read_card(published)
    except DataError as error:
        logger.warning("the scores of the published model are unknown: %s", error)
        return None
    scores = {claim.split: claim.scores.get(_METRIC) for claim in claims if is_fingerprint(claim.split or "")}
    (mine,) = read_card(own)
    if scores and mine.split not in scores:
        return "is a model of another split, so the scores cannot be compared"
    before, now = scores.get(mine.split), mine.scores[_METRIC]
    if before is not None and before > now:
        return f"has a better macro F1 on the same split: {before:.4f}, this run {now:.4f}"
    return None
