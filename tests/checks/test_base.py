"""Findings are plain data, and lists of layers are short."""

import json

import pytest

from dimscope.checks.base import Finding, layer_list


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
