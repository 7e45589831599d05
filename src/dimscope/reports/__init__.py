"""The report: one HTML file that answers first and then shows why, and works without a network."""

import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dimscope.checks import find_findings
from dimscope.checks.base import Finding
from dimscope.files import write_text
from dimscope.notebook import line_of
from dimscope.profile import Profile, as_profile
from dimscope.reports.neighborhoods import Neighborhoods
from dimscope.rules import DEFAULT, recommend
from dimscope.rules.base import Recommendation


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """A profile with its recommendation and findings, ready to be shown; made by `report`.

    Attributes:
        profile: the numbers.
        recommendation: which layers, or no clear choice.
        findings: what the health checks said.
        neighborhoods: who is near whom, for the map of overlaps and the explorer; None leaves both out of the page.
    """

    profile: Profile
    recommendation: Recommendation
    findings: tuple[Finding, ...]
    neighborhoods: Neighborhoods | None = None

    def __repr__(self) -> str:
        findings = tuple(finding.code for finding in self.findings)
        return line_of(self, layers=len(self.profile.layers), answer=self.recommendation.headline, findings=findings)

    def html(self) -> str:
        """The whole page; the same content gives the same text."""
        from dimscope.reports.render import render_page

        return render_page(self.profile, self.recommendation, self.findings, self.neighborhoods)

    def snippet(self) -> str:
        """A fragment of HTML for notebooks: the answer and the dimension profile."""
        from dimscope.reports.render import render_snippet

        return render_snippet(self.profile, self.recommendation)

    def json(self) -> str:
        """Everything in the report as JSON; missing numbers are null."""
        from dimscope.reports.context import report_context
        from dimscope.reports.embedded import json_text

        return json_text(report_context(self.profile, self.recommendation, self.findings))

    def write(self, path: str | Path) -> Path:
        """The path, after the page was written there (atomically).

        Raises:
            StoreError: the disk is full or the folder cannot be written.
        """
        target = Path(path)
        write_text(target, self.html())
        return target

    def open(self) -> Path:
        """The path of a temporary file with the page, which the default browser was asked to show."""
        target = self.write(Path(tempfile.mkdtemp(prefix="dimscope-")) / "report.html")
        webbrowser.open(target.as_uri())
        return target

    def _repr_html_(self) -> str:
        return self.snippet()


def report(
    profile: Profile,
    recommendation: Recommendation | None = None,
    findings: Sequence[Finding] | None = None,
    *,
    neighborhoods: Neighborhoods | None = None,
) -> Report:
    """The report on a profile; nothing is measured again.

    Args:
        profile: the result of a run.
        recommendation: default: the rule that the run was configured with.
        findings: default: those of all health checks.
        neighborhoods: of the run folder (`read_neighborhoods`); default: a page without map and explorer.

    Raises:
        UsageError: the run's rule is unknown, or no profile was given.

    Examples:
        >>> report(profile).write("report.html")  # doctest: +SKIP
    """
    profile = as_profile(profile)
    if recommendation is None:
        recommendation = recommend(profile, str(profile.provenance.get("measure", {}).get("rule") or DEFAULT))
    found = find_findings(profile) if findings is None else findings
    return Report(profile, recommendation, tuple(found), neighborhoods)


__all__ = ["Report", "report"]
