"""All checks over one profile: silence, order, codes."""

from dimscope.checks import CHECKS, find_findings
from profiles import make_profile


def healthy(dimension=(5.0, 8.0, 6.0), **changes):
    columns = {"n": 1000, "n_unique": 1000, "n_near": 0, "dimension_status": "ok"}
    return make_profile(dimension, **{**columns, **changes})


def test_a_healthy_profile_has_no_findings():
    assert find_findings(healthy()) == []


def test_issues_come_first_then_the_order_of_the_codes():
    profile = healthy(n_unique=500, n_near=100, dimension=(5.0, float("nan"), 60.0), provenance={"data": {"n_dropped": 2}})
    findings = find_findings(profile)
    issues = [finding.code for finding in findings if finding.severity == "issue"]
    tips = [finding.code for finding in findings if finding.severity == "tip"]
    assert [finding.code for finding in findings] == [*issues, *tips]
    assert issues == ["P002", "P006"]
    assert tips == sorted(tips)
    assert {"P001", "P004", "P007"} <= set(tips)


def test_every_check_has_its_code_and_a_file_of_that_name():
    for code, check in CHECKS.items():
        assert check.code == code
        assert CHECKS.places[code].startswith(f"dimscope.checks.{code.lower()}_")


def test_every_check_says_in_one_line_what_it_looks_for():
    for _, check in CHECKS.items():
        assert check.summary == check.summary.strip()
        assert check.summary[0].islower() or check.summary.startswith("TwoNN")
        assert "\n" not in check.summary
        assert check.severity in ("issue", "tip")
