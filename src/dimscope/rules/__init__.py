"""Layer rules: which layers to use, from the profile alone."""

from dimscope.profile import Profile, as_profile
from dimscope.registry import Registry
from dimscope.rules.agreement import with_others
from dimscope.rules.base import Recommendation, Regret

RULES = Registry(
    "rule",
    {
        "turn": "dimscope.rules.turn:Turn",
        "minimum": "dimscope.rules.minimum:Minimum",
        "plateau": "dimscope.rules.plateau:Plateau",
        "overlap": "dimscope.rules.overlap:Overlap",
        "peak": "dimscope.rules.peak:Peak",
        "entropy": "dimscope.rules.entropy:Entropy",
        "rank": "dimscope.rules.rank:Rank",
        "nearest": "dimscope.rules.nearest:Nearest",
        "middle": "dimscope.rules.middle:Middle",
        "last": "dimscope.rules.last:Last",
    },
    "dimscope list rules",
    group="dimscope.rules",
)


BASELINES = ("middle", "last")
"""Rules that look at nothing; they do not count when rules are compared."""
DEFAULT = "turn"
"""The rule of runs that name none."""
RELATED = frozenset({"turn", "minimum"})
"""One is a part of the other: their agreement says nothing."""


def recommend(profile: Profile, rule: str = DEFAULT) -> Recommendation:
    """Which layers to use, with reasons, stability, agreement of the rules and (with labels) regret; `is_clear` may be False.

    Args:
        profile: the result of a run.
        rule: a name of `dimscope list rules`.

    Raises:
        UsageError: unknown rule, or no profile.
    """
    profile = as_profile(profile)
    found: Recommendation = RULES.load(rule)().recommend(profile)
    related = RELATED if rule in RELATED else {rule}
    # Rules of other packages are not compared: an answer must not change with what else is installed.
    compared = [name for name in RULES.own if name not in {*related, *BASELINES}]
    return with_others(found, profile, {name: RULES.load(name)().recommend(profile).best for name in compared})


__all__ = ["RULES", "Recommendation", "Regret", "recommend"]
