"""What the other rules say: agreement is a reason, disagreement a caution."""

from collections.abc import Mapping
from dataclasses import replace

from dimscope.profile import Profile
from dimscope.rules.base import Recommendation, one_coordinate

LEAST_AGREEMENT = 0.5
"""Where fewer of the other rules than this share choose within the range, the answer says that the rules disagree."""


def with_others(found: Recommendation, profile: Profile, choices: Mapping[str, str | None]) -> Recommendation:
    """The same answer with what the other rules choose.

    Args:
        found: the answer of one rule.
        profile: what it was given for.
        choices: other rule -> its first layer, None where it sees no clear choice.
    """
    seen = {rule: layer for rule, layer in choices.items() if layer is not None}
    inside = [rule for rule, layer in seen.items() if layer in found.layers]
    outside = {rule: layer for rule, layer in seen.items() if rule not in inside}
    cautions = list(found.cautions)
    if not seen:
        reason = "No other rule sees a clear choice."
    elif not found.is_clear:
        reason = f"Other rules would choose: {_listed(seen)}."
    else:
        named = f" ({', '.join(inside)})" if inside else ""
        is_range = len(found.layers) > 1
        rest = f"; {'outside it' if is_range else 'others'}: {_listed(outside)}" if outside else ""
        what = "a layer of this range" if is_range else "this layer"
        reason = f"{len(inside)} of {len(seen)} other rules choose {what}{named}{rest}."
        if len(inside) < LEAST_AGREEMENT * len(seen):
            cautions.append("Most other rules choose another layer; check with a small labelled probe.")
    peak = seen.get("peak")
    if peak is not None and found.is_clear and profile.provenance.get("model", {}).get("is_causal"):
        place = "" if peak == found.best else ", in this range" if peak in found.layers else ", not among the layers advised"
        cautions.append(f"The peak of the dimension, where later work finds abstraction, is at {peak}{place}.")
    cautions += one_coordinate(profile, found.layers)
    return replace(found, reasons=(*found.reasons, reason), cautions=tuple(cautions), others=dict(choices))


def _listed(choices: Mapping[str, str]) -> str:
    return ", ".join(f"{rule} {layer}" for rule, layer in choices.items())
