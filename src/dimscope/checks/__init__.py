"""Health checks: one per file, each with a code, silent unless something is wrong."""

from dimscope.checks.base import Finding
from dimscope.profile import Profile, as_profile
from dimscope.registry import Registry

CHECKS = Registry(
    "check",
    {
        "P001": "dimscope.checks.p001_duplicates:Duplicates",
        "P002": "dimscope.checks.p002_near_duplicates:NearDuplicates",
        "P003": "dimscope.checks.p003_truncated:Truncated",
        "P004": "dimscope.checks.p004_few_points:FewPoints",
        "P005": "dimscope.checks.p005_labels_at_chance:LabelsAtChance",
        "P006": "dimscope.checks.p006_no_estimate:NoEstimate",
        "P007": "dimscope.checks.p007_incomplete:Incomplete",
        "P008": "dimscope.checks.p008_scale_changes_shape:ScaleChangesShape",
        "P009": "dimscope.checks.p009_tail:Tail",
        "P010": "dimscope.checks.p010_ceiling:Ceiling",
        "P011": "dimscope.checks.p011_no_plateau:NoPlateau",
        "P012": "dimscope.checks.p012_one_coordinate:OneCoordinate",
        "P013": "dimscope.checks.p013_few_inputs:FewInputs",
        "P014": "dimscope.checks.p014_estimators_disagree:EstimatorsDisagree",
        "P015": "dimscope.checks.p015_like_its_null:LikeItsNull",
        "P016": "dimscope.checks.p016_biased_interval:BiasedInterval",
    },
    "dimscope list checks",
    group="dimscope.checks",
)


def find_findings(profile: Profile) -> list[Finding]:
    """The findings of all checks, issues first, in the order of their codes.

    Raises:
        UsageError: something else than a profile.
    """
    profile = as_profile(profile)
    found = [finding for code in CHECKS if (finding := _finding_of(code, profile)) is not None]
    return sorted(found, key=lambda finding: (finding.severity != "issue", finding.code))


def _finding_of(code: str, profile: Profile) -> Finding | None:
    """What one check says; one of another package that fails is told as such and ends no run."""
    try:
        return CHECKS.load(code)().look(profile)  # type: ignore[no-any-return]
    except Exception as error:
        if code in CHECKS.own:
            raise
        text = f"The check {code} of {CHECKS.origin(code)} failed ({type(error).__name__}: {error})."
        return Finding(code, "check failed", "tip", text, "Update or uninstall that package; the other checks were made.")


__all__ = ["CHECKS", "Finding", "find_findings"]
