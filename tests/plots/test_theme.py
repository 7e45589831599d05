import matplotlib
import pytest

from dimscope.errors import UsageError
from dimscope.plots.theme import DASHES, DEPTH_STOPS, PALETTE, SIZES, depth_color, run_style, shorten, size_of, themed


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_settings_are_as_before_and_a_style_of_the_user_has_no_say() -> None:
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"lines.linewidth": 9.0, "text.usetex": True}):
        with themed("column"):
            assert matplotlib.rcParams["lines.linewidth"] == 1.6
            assert matplotlib.rcParams["text.usetex"] is False
        assert matplotlib.rcParams["lines.linewidth"] == 9.0
    assert dict(matplotlib.rcParams) == before


def test_depth_colors_are_seen_on_white_and_on_near_black() -> None:
    dark = luminance("#191c20")
    for step in range(21):
        found = luminance(depth_color(step / 20))
        assert 1.05 / (found + 0.05) >= 3
        assert (found + 0.05) / (dark + 0.05) >= 3
    assert depth_color(-1.0) == DEPTH_STOPS[0]
    assert depth_color(2.0) == DEPTH_STOPS[-1]


def test_many_runs_differ_in_color_or_dash() -> None:
    styles = [tuple(map(str, run_style(place).values())) for place in range(len(PALETTE) * len(DASHES))]
    assert len(set(styles)) == len(styles)


def test_long_names_keep_both_ends() -> None:
    assert shorten("short") == "short"
    found = shorten("first" + "x" * 100 + "last", 20)
    assert len(found) == 20
    assert found.startswith("first")
    assert found.endswith("last")
    assert shorten("two\nlines") == "two lines"


def test_an_unknown_size_names_the_nearest() -> None:
    assert size_of("page") is SIZES["page"]
    with pytest.raises(UsageError, match='Did you mean "column"'):
        size_of("colunm")
