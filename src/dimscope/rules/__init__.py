"""Layer rules: which layers to use, from the profile alone."""

from dimscope.profile import Profile
from dimscope.registry import Registry
from dimscope.rules.base import Recommendation, Regret

RULES = Registry(
    "rule",
    {
        "minimum": "dimscope.rules.minimum:Minimum",
        "middle": "dimscope.rules.middle:Middle",
        "last": "dimscope.rules.last:Last",
    },
    "dimscope list rules",
)


def recommend(profile: Profile, rule: str = "minimum") -> Recommendation:
    """Which layers to use, with reasons, stability and (with labels) regret; `is_clear` may be False.

    Args:
        profile: the result of a run.
        rule: a name of `dimscope list rules`.

    Raises:
        UsageError: unknown rule.
    """
    found: Recommendation = RULES.load(rule)().recommend(profile)
    return found


__all__ = ["RULES", "Recommendation", "Regret", "recommend"]
