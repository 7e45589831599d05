"""The BibTeX of a run names what was used, and agrees with the sources that registries state."""

import re

import pytest

from dimscope.dimensions import ESTIMATORS
from dimscope.overlaps import MEASURES
from dimscope.profile import Profile
from dimscope.reports.citations import bibtex, works, works_of
from dimscope.rules import RULES
from dimscope.version import __version__

SOURCES = {f"{table.kind} {name}": table.load(name).source for table in (ESTIMATORS, MEASURES, RULES) for name in table.own}
IDENTIFIER = re.compile(r"doi:(?P<doi>10\.[^\s,;]+)|arXiv (?P<eprint>\d{4}\.\d{4,5})")
ENTRY = re.compile(r"^@(\w+)\{([^,]+),\n((?:  \w+ = \{.*\},\n)+)\}$", re.MULTILINE)


def parsed(text):
    return {
        key: {"type": kind} | dict(re.findall(r"^  (\w+) = \{(.*)\},$", body, re.MULTILINE))
        for kind, key, body in ENTRY.findall(text)
    }


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_work_with_a_year_is_known_and_has_the_same_identifier(source):
    dated = [part for part in source.split(";") if re.search(r"\b(19|20)\d\d\b", part)]
    keys = works_of(source)
    assert len(keys) == len(dated)
    for part, key in zip(dated, keys, strict=True):
        assert str(works()[key]["year"]) in part
        stated = IDENTIFIER.search(part)
        found = {name: works()[key].get(name) for name in ("doi", "eprint") if name in works()[key]}
        assert found == ({name: value for name, value in stated.groupdict().items() if value} if stated else {})


def test_no_work_is_there_that_nothing_cites():
    assert set(works()) == {key for source in SOURCES.values() for key in works_of(source)}


def test_a_run_cites_what_it_used_and_nothing_else(profile: Profile):
    found = parsed(bibtex(profile, "rank"))
    expected = ["cover1967", "denti2022", "doimo2020", "facco2017", "gao2017", "garrido2023", "roy2007", "valeriani2023"]
    assert list(found) == ["dimscope", *expected]
    assert found["dimscope"] == {
        "type": "software", "title": "dimscope", "author": "{The dimscope developers}", "version": __version__,
    }  # fmt: skip
    assert (found["facco2017"]["doi"], found["facco2017"]["type"]) == ("10.1038/s41598-017-11873-y", "article")
    assert (found["valeriani2023"]["eprint"], found["valeriani2023"]["archiveprefix"]) == ("2302.00294", "arXiv")
    bare = Profile(profile.dataset[["dimension", "twonn"]])
    assert list(parsed(bibtex(bare, "no such rule"))) == ["dimscope", "facco2017", "valeriani2023"]


def test_every_entry_is_whole_and_its_key_plain():
    text = "".join(bibtex_of_all())
    assert len(parsed(text)) == len(works())
    assert all(re.fullmatch(r"[a-z]+\d{4}", key) for key in parsed(text))
    assert text.count("{") == text.count("}")
    assert not re.search(r"[%#&_$~^\\]", text)  # what TeX reads in its own way


def bibtex_of_all():
    from dimscope.reports import citations

    return [citations._entry(key, fields) for key, fields in works().items()]


@pytest.mark.parametrize("source", ["common practice", "", "Nobody 1234; in no table, 2001", "a test"])
def test_what_is_no_known_work_is_left_out(source):
    assert works_of(source) == []
