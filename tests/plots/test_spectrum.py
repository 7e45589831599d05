import pytest

from dimscope.errors import UsageError
from dimscope.plots import plot_spectrum
from dimscope.profile import Profile

QUANTITIES = ("effective_rank", "participation_ratio", "anisotropy", "norm_median", "r1_median")


def test_one_panel_per_quantity(profile: Profile) -> None:
    plot = plot_spectrum(profile)
    assert [set(panel.rows["quantity"]) for panel in plot.panels] == [{name} for name in QUANTITIES]


def test_a_quantity_that_is_not_there_has_no_panel(profile: Profile) -> None:
    plot = plot_spectrum(Profile(profile.dataset.drop_vars(["anisotropy"])), size="page")
    assert len(plot.axes) == 4
    assert len(plot.figure.axes) == 4


def test_wide_figures_have_more_beside_each_other(profile: Profile) -> None:
    for size, rows in (("column", 3), ("screen", 2)):
        plot = plot_spectrum(profile, size=size)
        plot.svg()
        assert len({round(axes.get_position().y0, 3) for axes in plot.axes}) == rows


def test_an_empty_panel_says_so(profile_with_gaps: Profile) -> None:
    axes = plot_spectrum(profile_with_gaps).axes[2]
    assert [text.get_text() for text in axes.texts] == ["no value in any layer"]
    assert list(axes.get_yticks()) == []


def test_every_panel_names_its_unit(profile: Profile) -> None:
    units = ["directions", "directions", "share of variance", "Euclidean, median", "Euclidean, median"]
    assert [axes.get_ylabel() for axes in plot_spectrum(profile).axes] == units


def test_a_profile_without_any_is_refused(profile: Profile) -> None:
    with pytest.raises(UsageError, match="holds no effective_rank or participation_ratio"):
        plot_spectrum(Profile(profile.dataset.drop_vars(list(QUANTITIES))))
