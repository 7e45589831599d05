"""Lexicographer classes from WordNet's own data files."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from dimscope.demos import glosses, lexnames
from dimscope.errors import InputError

LINES = """  1 This software and database is being provided to you
00001740 03 n 01 entity 0 003 ~ 00001930 n 0000 | a thing of no class asked for
00002137 05 n 02 cat 0 feline 0 001 @ 00001740 n 0000 | a small animal that purrs; "the cat sat"
00002138 05 n 01 cat 1 001 @ 00001740 n 0000 | a small animal that purrs; the same gloss again
00002452 13 n 01 bread 0 000 | food of baked dough
00002684 13 n 01 bun 0 000 | too short
"""


def test_classes_first_clauses_and_no_gloss_twice(tmp_path):
    (tmp_path / "data.noun").write_text(LINES)
    assert lexnames.read_glosses(tmp_path / "data.noun") == [
        ("n00002137", "a small animal that purrs", "animal"),
        ("n00002452", "food of baked dough", "food"),
    ]


def test_missing_data_name_their_package(tmp_path, monkeypatch):
    monkeypatch.setattr(lexnames, "PLACE", tmp_path)
    monkeypatch.setattr(glosses, "package_folder", lambda *_: tmp_path)
    with pytest.raises(InputError, match="apt-get install wordnet-base"):
        lexnames.prepare(tmp_path)


def test_a_class_with_too_few_glosses_is_named(tmp_path):
    for name in ("data.noun", "data.verb"):
        (tmp_path / name).write_text(LINES)
    with pytest.raises(InputError, match="0 usable glosses of the class act; 200 were expected"):
        lexnames.sample_glosses(tmp_path)


def test_the_data_file_has_as_many_of_each_class(tmp_path, monkeypatch):
    monkeypatch.setattr(lexnames, "PER_CLASS", 3)
    monkeypatch.setattr(lexnames, "PLACE", tmp_path)
    monkeypatch.setattr(glosses, "package_folder", lambda *_: tmp_path)
    lines = [
        f"{row:08d} {number:02d} n 01 word 0 000 | gloss {row} of class {number}"
        for row, number in enumerate(number for number in lexnames.CLASSES for _ in range(5))
    ]
    (tmp_path / "data.noun").write_text("\n".join(lines))
    (tmp_path / "data.verb").write_text("")
    prepared = lexnames.prepare(tmp_path / "data")
    with Path(prepared.config.data.path).open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert Counter(row["label"] for row in rows) == dict.fromkeys(lexnames.CLASSES.values(), 3)
    assert all(row["text"] == f"gloss {int(row['id'][1:])} of class {int(row['text'].split()[-1])}" for row in rows)
