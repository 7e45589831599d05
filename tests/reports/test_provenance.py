from dimscope.profile import Profile
from dimscope.reports.provenance import methods_of, provenance_groups, readable_time, with_links


def facts(provenance: dict) -> dict[str, dict[str, str]]:
    return {group.title: {fact.label: fact.value for fact in group.facts} for group in provenance_groups(provenance)}


def test_every_entry_is_shown_under_a_readable_name(profile: Profile) -> None:
    found = facts(profile.provenance)
    assert found["Model"]["parameters"] == "22\u202f713\u202f216"
    assert found["Model"]["causal attention"] == "no"
    assert found["Data"]["truncated"] == "12"
    assert found["Data"]["dropped as incomplete"] == "4"
    assert found["Measures"] == {
        "dimension": "twonn, gride", "neighbours kept": "100", "neighbours compared": "30", "bootstrap replicates": "60",
        "rule of choice": "minimum", "seed": "3",
    }  # fmt: skip
    assert found["Time"] == {"extract": "1 min 1 s", "neighbors": "1.7 s", "finished": "2026-01-02 03:04:05 UTC"}
    assert found["Software"] == {"dimscope": "0.1.0", "python": "3.12.1", "numpy": "2.1.0", "threads": "2"}


def test_entries_that_nobody_foresaw_are_kept() -> None:
    assert facts({"model": {"new_fact": [1, 2.5]}}) == {"Model": {"new fact": "1, 2.5"}}


def test_absent_or_odd_parts_are_left_out() -> None:
    assert provenance_groups({}) == []
    assert provenance_groups({"model": None, "seconds": [1], "environment": "x", "data": {"path": None}}) == []


def test_methods_are_those_in_use(profile: Profile) -> None:
    names = [method.name for method in methods_of(profile, "minimum")]
    assert names == ["twonn", "gride", "overlap", "label overlap", "knn accuracy", "spectrum", "rule minimum"]
    bare = Profile(profile.dataset[["dimension", "twonn"]])
    assert [method.name for method in methods_of(bare, "no such rule")] == ["twonn"]


def test_sources_are_links_and_texts_are_escaped() -> None:
    found = with_links("A <b> 2020, doi:10.1038/s41598-017-11873-y, arXiv 2302.00294; end")
    assert '<a href="https://doi.org/10.1038/s41598-017-11873-y">doi:10.1038/s41598-017-11873-y</a>,' in found
    assert '<a href="https://arxiv.org/abs/2302.00294">arXiv 2302.00294</a>; end' in found
    assert "A &lt;b&gt; 2020" in found
    assert 'href="https://doi.org/10.1000/&#34;&gt;&lt;x"' in with_links('doi:10.1000/"><x')


def test_times_are_readable() -> None:
    assert readable_time("2026-01-02T03:04:05+00:00") == "2026-01-02 03:04:05 UTC"
    assert readable_time(None) == ""


def test_words_in_backticks_are_code_and_nothing_else_is_markup() -> None:
    assert with_links("`<a>` & doi:10.1/x") == ('<code class="name">&lt;a&gt;</code> &amp; doi:10.1/x')
    assert with_links("one ` alone") == "one ` alone"
