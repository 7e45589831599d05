"""Another package adds an estimator, a rule and a check: they are listed, used, written to the provenance, and end no run."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from dimscope.profile import Profile

GUEST = """
    from dataclasses import dataclass
    from typing import ClassVar

    from dimscope.checks.base import Finding
    from dimscope.dimensions.twonn import TwoNN
    from dimscope.rules.base import Recommendation


    @dataclass(frozen=True)
    class Twice:
        summary: ClassVar[str] = "the same twice"
        source: ClassVar[str] = "a test"
        min_k: ClassVar[int] = 2

        @classmethod
        def readings(cls, k):
            return {"twice": cls()} if k >= 2 else {}

        def estimate(self, neighbors):
            return TwoNN().estimate(neighbors)

        def replicate(self, neighbors, draws):
            return TwoNN().replicate(neighbors, draws)


    @dataclass(frozen=True)
    class First:
        summary: ClassVar[str] = "the first layer"
        source: ClassVar[str] = "a test"

        def recommend(self, profile):
            name = profile.layers[0].name
            return Recommendation("first", True, (name,), name, float("nan"), ("It comes first.",))


    @dataclass(frozen=True)
    class Notes:
        code: ClassVar[str] = "G001"
        title: ClassVar[str] = "a note"
        severity: ClassVar[str] = "tip"
        summary: ClassVar[str] = "always there"

        def look(self, profile):
            return Finding("G001", "a note", "tip", f"{len(profile.layers)} layers were seen.", "Nothing.")


    @dataclass(frozen=True)
    class Falls(Notes):
        code: ClassVar[str] = "G002"

        def look(self, profile):
            raise ZeroDivisionError("oops")
"""
ENTRY_POINTS = """
    [dimscope.estimators]
    twice = guest:Twice
    [dimscope.rules]
    first = guest:First
    [dimscope.checks]
    G001 = guest:Notes
    G002 = guest:Falls
"""


@pytest.fixture(scope="module")
def dimscope(tmp_path_factory):
    """Runs the command beside the package `guest`; answers what it printed."""
    place = tmp_path_factory.mktemp("site")
    facts = place / "guest-0.3.dist-info"
    facts.mkdir()
    (place / "guest.py").write_text(textwrap.dedent(GUEST), encoding="utf-8")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 0.3\n", encoding="utf-8")
    (facts / "entry_points.txt").write_text(textwrap.dedent(ENTRY_POINTS), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "DIMSCOPE_PLUGINS"} | {"PYTHONPATH": str(place)}

    def call(*words, **more):
        command = [sys.executable, "-m", "dimscope", *words]
        done = subprocess.run(command, env=environment | more, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_a_run_uses_them_and_says_so(dimscope, tmp_path):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).random((2, 300, 3)))
    out = tmp_path / "run"
    dimscope("measure", str(tmp_path / "points.npy"), "-o", str(out), "--estimator", "twice", "--rule", "first", "--no-report")
    table = np.genfromtxt(out / "profile.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    np.testing.assert_array_equal(table["dimension"], table["twice"])
    answer = json.loads((out / "recommendation.json").read_text(encoding="utf-8"))
    assert (answer["rule"], answer["reasons"][0]) == ("first", "It comes first.")
    found = {entry["code"]: entry for entry in json.loads((out / "findings.json").read_text(encoding="utf-8"))}
    assert found["G001"]["text"] == "2 layers were seen."
    assert found["G002"]["text"] == "The check G002 of guest 0.3 failed (ZeroDivisionError: oops)."
    assert Profile.load(out / "profile.nc").provenance["environment"]["guest"] == "0.3"


def test_they_are_listed_with_their_package(dimscope):
    assert "from guest 0.3" in dimscope("list", "estimators")
    assert {entry["name"]: entry.get("package") for entry in json.loads(dimscope("list", "checks", "--json"))}[
        "G001"
    ] == "guest 0.3"
    assert "twice" not in dimscope("list", "estimators", DIMSCOPE_PLUGINS="0")
    assert "adds to dimscope's tables: guest 0.3" in dimscope("doctor")
