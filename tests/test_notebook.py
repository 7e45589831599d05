"""What a notebook shows: whole, escaped, without a figure or a measurement."""

import copy
import pickle
import sys
from html.parser import HTMLParser
from subprocess import run

import numpy as np

import dimscope
from dimscope.notebook import answer_html, table_html
from dimscope.rules import recommend
from profiles import make_profile

FACTS = {"n": 100, "n_unique": 100, "n_near": 0, "width": 8}
HOSTILE = "<script>alert(1)</script>"


class Texts(HTMLParser):
    """Collects tags and texts, and refuses what is not closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.tags = [], [], set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_results_are_one_line_at_a_prompt():
    rng = np.random.default_rng(0)
    points, labels = rng.random((400, 3)), rng.integers(3, size=400)
    table = dimscope.neighbors(points[[*range(400), 0]], k=20, ranks=[64])
    profile = make_profile([3.0, 9.0, 5.0], **FACTS)
    results = {
        "Neighbors(n=400, k=20, n_merged=1, ranks=(64,), metric='euclidean', dtype='float64', backend='blas')": table,
        "Duplicates(n_rows=401, n_unique=400, policy='merge', n_near=0)": table.duplicates,
        "OverlapMatrix(layers=(1, 2), k=5, least=1, most=1)": dimscope.overlap_matrix([table], [table, table], k=5),
        "Plot(panels=1, size='column')": dimscope.plot_dimension(profile),
    }
    assert {repr(result): result for result in results.values()} == results
    for result in (
        dimscope.label_overlap(points, labels, k=5),
        dimscope.spectrum(points),
        dimscope.spectrum(np.ones((5, 4))),
        dimscope.overlap_matrix([points[:6]], k=5),
        dimscope.density_peaks(table),
        dimscope.permuted_labels(lambda dealt: dimscope.knn_accuracy(points, dealt, k=5), labels, repeats=3),
        dimscope.report(profile),
    ):
        assert repr(result).startswith(f"{type(result).__name__}(")
        assert "\n" not in repr(result)
        assert len(repr(result)) < 300


def test_results_come_through_pickle_and_copy():
    points = np.random.default_rng(0).random((60, 3))
    table = dimscope.neighbors(points, k=20)
    profile = make_profile([3.0, 9.0, 5.0], **FACTS)
    for result in (
        table,
        dimscope.dimension(table),
        dimscope.spectrum(points),
        profile,
        dimscope.recommend(profile),
        dimscope.report(profile),
    ):
        for same in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
            assert repr(same) == repr(result)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(table)).distances, table.distances)


def test_a_table_holds_every_cell_as_text():
    found = Texts(table_html(HOSTILE, ["layer", "a & b"], [["x<y", "1.5 +- 0.2"], ["z", "-"]], "note"))
    assert found.open == []
    assert found.texts == [HOSTILE, "layer", "a & b", "x<y", "1.5 \N{PLUS-MINUS SIGN} 0.2", "z", "-", "note"]
    assert "script" not in found.tags


def test_an_answer_holds_reasons_and_cautions_as_text():
    found = Texts(answer_html(HOSTILE, ["one & two"], ["three < four"]))
    assert found.open == []
    assert found.texts == [HOSTILE, "one & two", "Caution:", " three < four"]


def test_a_profile_shows_the_cells_of_its_summary():
    profile = make_profile([3.0, 9.0, 5.0, 4.0]).with_provenance(model={"name": f"org/{HOSTILE}"})
    found = Texts(profile._repr_html_())
    assert f"org/{HOSTILE}: 4 layers" in found.texts[0]
    summary = profile.summary()
    for row in summary.to_numpy().tolist():
        for cell in row:
            assert cell.replace("+-", "\N{PLUS-MINUS SIGN}") in found.texts
    assert [name for name in summary if name in found.texts] == list(summary)


def test_of_a_long_path_the_last_two_parts_are_the_title():
    profile = make_profile([3.0, 9.0]).with_provenance(model={"name": "/a/very/long/way/to/a/folder/with/the/weights/of/bert"})
    assert Texts(profile._repr_html_()).texts[0].startswith("of/bert: 2 layers")


def test_a_recommendation_shows_headline_reasons_and_cautions():
    answer = recommend(make_profile(np.r_[10.0, 25, 20, 12, 8, 8, 9, 12, 15]), "minimum")
    found = Texts(answer._repr_html_())
    assert found.texts[0] == answer.headline
    assert all(reason in found.texts for reason in answer.reasons)
    assert all(f" {caution}" in found.texts for caution in answer.cautions)


def test_nothing_heavy_is_loaded_to_show_them():
    code = (
        "import sys; sys.modules['dask'] = None;"  # xarray loads it where it is installed, and it loads jinja2
        "import numpy as np; from dimscope.profile import Layer, Profile; from dimscope.rules import recommend;"
        "columns = {'dimension': [1.0], 'dimension_err': [0.1]};"
        "p = Profile.from_columns([Layer('a', 'array', 0, 0.0)], columns, np.ones((1, 2)), {});"
        "p._repr_html_(); recommend(p)._repr_html_();"
        "sys.exit(bool({'matplotlib', 'torch', 'jinja2', 'rich'} & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0
