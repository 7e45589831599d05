"""Findings: order, plain data, and lists of layers."""

import json

import pytest

from dimscope.checks import CHECKS, find_findings
from dimscope.checks.base import Finding, layer_list
from profiles import make_profile


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c", "d"], "a, b, c, d"),
        (["a", "b", "c", "d", "e"], "a to e (5 layers)"),
    ],
)
def test_long_lists_of_layers_are_cut(names, text):
    assert layer_list(names) == text


def test_a_finding_is_plain_data():
    finding = Finding("P001", "title", "tip", "text", "remedy", ("a", "b"))
    assert json.loads(json.dumps(finding.to_dict())) == {
        "code": "P001", "title": "title", "severity": "tip", "text": "text", "remedy": "remedy", "layers": ["a", "b"],
    }  # fmt: skip


def healthy(dimension=(5.0, 8.0, 6.0), **changes):
    columns = {"n": 1000, "n_unique": 1000, "n_near": 0, "dimension_status": "ok"}
    return make_profile(dimension, **{**columns, **changes})


def test_a_healthy_profile_has_no_findings():
    assert find_findings(healthy()) == []


def test_issues_come_first_then_the_order_of_the_codes():
    profile = healthy(n_unique=500, n_near=100, dimension=(5.0, float("nan"), 60.0), provenance={"data": {"n_dropped": 2}})
    findings = find_findings(profile)
    assert [finding.code for finding in findings] == ["P002", "P006", "P001", "P004", "P007"]
    assert [finding.severity for finding in findings] == ["issue"] * 2 + ["tip"] * 3


def test_every_check_has_its_code_and_a_file_of_that_name():
    for code, check in CHECKS.items():
        assert check.code == code
        assert CHECKS.places[code].startswith(f"dimscope.checks.{code.lower()}_")
