import numpy as np
import pytest

from dimscope.plots import plot_dimension, plot_overlap_scaling, plot_scale
from dimscope.profile import Profile
from dimscope.reports.sections import SECTIONS, describe, draw_section, draw_sections, layer_texts
from dimscope.rules import recommend


def drawn(profile: Profile) -> list[tuple[str, bool]]:
    return [(figure.key, figure.is_wide) for figure in draw_sections(profile, recommend(profile))]


def test_with_labels_the_figure_without_partner_is_wide(profile: Profile) -> None:
    assert drawn(profile) == [
        ("dimension", True), ("label_overlap", False), ("overlap", False), ("scale", True), ("spectrum", True),
    ]  # fmt: skip


def test_without_labels_there_is_no_label_overlap(monotone_profile: Profile) -> None:
    assert drawn(monotone_profile) == [("dimension", True), ("overlap", False), ("scale", False), ("spectrum", True)]


def test_overlaps_at_several_k_have_a_figure_and_a_text_per_line(make_synthetic) -> None:
    made = make_synthetic(6, has_scaling=True)
    assert drawn(made)[-1] == ("overlap_scaling", True)
    (line,) = [text for text in layer_texts(made, plot_overlap_scaling(made))["block_03"].split("\n") if "k = 5" in text][:1]
    assert line == f"overlap with next, k = 5 {made.values('overlap_next_k5')[3]:.4f} ± 0.0040"


def test_a_profile_of_the_dimension_alone_has_one_figure(profile: Profile) -> None:
    assert drawn(Profile(profile.dataset[["dimension", "dimension_err", "twonn"]])) == [("dimension", True)]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.plot)
def test_every_section_says_what_it_shows(section) -> None:
    assert section.heading and section.lead.endswith(".") and section.caption.endswith(".")


def test_captions_explain_only_what_is_drawn(profile: Profile, monotone_profile: Profile) -> None:
    captions = []
    for found in (profile, monotone_profile, Profile(monotone_profile.dataset.isel(layer=np.arange(13)))):
        captions.append(draw_section(SECTIONS[0], found, recommend(found, "minimum"), is_wide=True).caption)
    assert ["Shaded" in caption for caption in captions] == [True, False, False]
    assert ["Open diamond" in caption for caption in captions] == [True, True, False]


def test_the_description_names_ends_and_extremes(profile: Profile) -> None:
    values = profile.values("dimension")
    text = describe(plot_dimension(profile))
    assert f"from {values[0]:.4g} at embed_00 to {values[-1]:.4g} at final_norm_12" in text
    assert f"highest {values.max():.4g} at block_04" in text
    assert f"lowest {values.min():.4g} at embed_00" in text


def test_texts_of_a_layer_list_what_the_figure_shows(profile: Profile) -> None:
    text = layer_texts(profile, plot_scale(profile))["block_03"]
    assert text.startswith("block_03\nrank 2: ")
    assert text.count("\n") == 6
    value, error = profile.values("gride_64")[3], profile.values("gride_64_err")[3]
    assert text.endswith(f"rank 64: {value:.2f} ± {error:.2f}")


def test_the_dimension_has_curves_to_choose(profile: Profile) -> None:
    first, *others = draw_sections(profile, recommend(profile))
    assert first.scales == (2, 4, 8, 16, 32, 64)
    assert len(first.published) == 2
    for drawing in first.published:
        assert "ESM-2 650M, published" in drawing and 'data-scale="64"' in drawing
    assert "published" not in first.svg + first.svg_narrow
    assert all(not other.scales and not other.published for other in others)


def test_without_a_page_there_is_nothing_to_choose(profile: Profile) -> None:
    alone = draw_section(SECTIONS[0], profile, recommend(profile), is_wide=False)
    assert (alone.scales, alone.published) == ((), ())
    assert "data-scale" not in alone.svg


def test_published_curves_are_not_described_as_the_run(profile: Profile) -> None:
    assert describe(plot_dimension(profile, show_published=True)) == describe(plot_dimension(profile))
