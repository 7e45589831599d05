"""The contracts for entries of other packages: those of dimscope pass, and each promise that is broken is told."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from dimscope.checks import CHECKS
from dimscope.checks.base import Finding
from dimscope.dimensions import ESTIMATORS
from dimscope.dimensions.twonn import TwoNN
from dimscope.rules import RULES
from dimscope.rules.base import Recommendation
from dimscope.rules.peak import Peak
from dimscope.testing import check_check, check_estimator, check_rule


@pytest.mark.parametrize("name", ESTIMATORS.own)
def test_every_estimator_of_dimscope_passes(name):
    check_estimator(ESTIMATORS.load(name))


@pytest.mark.parametrize("name", RULES.own)
def test_every_rule_of_dimscope_passes(name):
    check_rule(RULES.load(name))


@pytest.mark.parametrize("code", CHECKS.own)
def test_every_check_of_dimscope_passes(code):
    check_check(CHECKS.load(code))


@dataclass(frozen=True)
class Spoilt:
    """TwoNN with one promise broken."""

    summary: ClassVar[str] = "a wrong estimator"
    source: ClassVar[str] = "this test"
    min_k: ClassVar[int] = 2

    @classmethod
    def readings(cls, k):
        return {"spoilt": cls()} if k >= 2 else {}

    def estimate(self, neighbors):
        return TwoNN().estimate(neighbors)

    def replicate(self, neighbors, draws):
        return TwoNN().replicate(neighbors, draws)


def changed(**changes):
    return lambda self, neighbors: replace(TwoNN().estimate(neighbors), **changes)


def of_unit(self, neighbors):
    found = TwoNN().estimate(neighbors)
    return replace(found, value=found.value + 0.01 * np.log(neighbors.distances[:, 0].mean()))


def of_order(self, neighbors):
    found = TwoNN().estimate(neighbors)
    return replace(found, value=found.value + 1e-3 * neighbors.distances[0, 0])


SPOILT = {
    "has no source": {"source": ""},
    "fills no column": {"readings": classmethod(lambda cls, k: {})},
    "not in lower case": {"readings": classmethod(lambda cls, k: {"My Column": cls()} if k >= 2 else {})},
    "that read more": {"readings": classmethod(lambda cls, k: {"spoilt": cls()})},
    "gives 6 on a cube of dimension 3": {"estimate": changed(value=6.0)},
    "is not between 0 and its value": {"estimate": changed(stderr=0.0)},
    "the unit of the points changes Broken": {"estimate": of_unit},
    "the order of the points changes Broken": {"estimate": of_order},
    r"gives the shape \(3,\) for 20 draws": {"replicate": lambda self, neighbors, draws: np.ones(3)},
    "not finite": {"replicate": lambda self, neighbors, draws: np.full(20, np.nan)},
    "gives 9, its estimate": {"replicate": lambda self, neighbors, draws: np.full(20, 9.0)},
}


def test_the_estimator_that_is_spoilt_below_passes():
    check_estimator(Spoilt)


@pytest.mark.parametrize(("says", "spoilt"), SPOILT.items(), ids=SPOILT)
def test_a_broken_promise_of_an_estimator_is_told(says, spoilt):
    with pytest.raises(AssertionError, match=says):
        check_estimator(type("Broken", (Spoilt,), spoilt))


def test_a_number_without_its_status_is_told():
    def estimate(self, neighbors):
        found = TwoNN().estimate(neighbors)
        return found if found.status.is_ok else replace(found, value=3.0)

    with pytest.raises(AssertionError, match="gives 3 with the status"):
        check_estimator(type("Broken", (Spoilt,), {"estimate": estimate}))


class Labelled(Peak):
    """Looks at the labels."""

    def recommend(self, profile):
        found = super().recommend(profile)
        first = profile.layers[0].name
        return replace(found, layers=(first,), best=first) if profile.has("label_overlap") else found


class Elsewhere(Peak):
    """Names a layer that is not there."""

    def recommend(self, profile):
        return replace(super().recommend(profile), layers=("attic",), best="attic")


class Beside(Peak):
    """The best layer is not of the range."""

    def recommend(self, profile):
        found = super().recommend(profile)
        return replace(found, layers=(profile.layers[0].name,))


class Silent(Peak):
    """Gives no reasons."""

    def recommend(self, profile):
        return replace(super().recommend(profile), reasons=())


class Fickle(Peak):
    """Changes its mind."""

    asked = 0

    def recommend(self, profile):
        Fickle.asked += 1
        name = profile.layers[Fickle.asked % len(profile.layers)].name
        return Recommendation("fickle", True, (name,), name, float("nan"), ("A whim.",))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Labelled, "labels change the choice of Labelled"),
        (Elsewhere, r"names layers that the profile has not: \['attic'\]"),
        (Beside, "the best layer of Beside is not among its layers"),
        (Silent, "Silent gives no reasons"),
        (Fickle, "answers the same question in two ways"),
    ],
)
def test_a_broken_promise_of_a_rule_is_told(kind, says):
    with pytest.raises(AssertionError, match=says):
        check_rule(kind)


@dataclass(frozen=True)
class Gloomy:
    """Always finds something."""

    code: ClassVar[str] = "X001"
    title: ClassVar[str] = "gloom"
    severity: ClassVar[str] = "tip"
    summary: ClassVar[str] = "there is always something"
    found: ClassVar[object] = Finding("X001", "gloom", "tip", "Something.", "Hope.")

    def look(self, profile):
        return self.found


def test_a_check_that_finds_something_passes():
    check_check(Gloomy)


@pytest.mark.parametrize(
    ("says", "spoilt"),
    [
        ("is not letters and three digits", {"code": "gloom"}),
        ("is neither issue nor tip", {"severity": "grave"}),
        ("no title or no summary", {"summary": ""}),
        ("gives str, not a Finding", {"found": "all is lost"}),
        ("a finding with the code X002", {"found": replace(Gloomy.found, code="X002")}),
        ("no text or no remedy", {"found": replace(Gloomy.found, remedy="")}),
    ],
)
def test_a_broken_promise_of_a_check_is_told(says, spoilt):
    with pytest.raises(AssertionError, match=says):
        check_check(type("Broken", (Gloomy,), spoilt))
