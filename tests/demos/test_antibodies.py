"""Germline genes from a table of a few lines."""

import shlex

import pytest

from dimscope.cli.main import cli
from dimscope.demos import antibodies
from dimscope.errors import InputError

TABLE = {
    "V": {
        "H": {
            "human": {"IGHV1-2*01": "QV-QL", "IGHV1-2*02": "QVQ-L", "IGHV3-7*01": "EVQ"},
            "rhesus": {"IGHV1-9*01": "QAQL", "IGHV1-2*01": "QVQL"},
            "mouse": {"IGHV1-2*01": "MMM"},
        },
        "K": {"human": {"IGKV1-5*01": "DIQM"}, "rhesus": {"IGKV1-6*01": "DI-QV"}},
        "L": {},
        "A": {"human": {"TRAV1*01": "GQS"}},
    }
}


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "anarci" / "germlines.py"
    file.parent.mkdir()
    file.write_text(f"all_germlines = {TABLE!r}\n")
    return file


def test_distinct_sequences_of_large_families_in_order(table, monkeypatch):
    monkeypatch.setattr(antibodies, "FEWEST", 2)
    assert antibodies.v_genes(table) == [
        ("human IGHV1-2*01", "QVQL", "IGHV1", "IGHV1-2"),
        ("human IGKV1-5*01", "DIQM", "IGKV1", "IGKV1-5"),
        ("rhesus IGHV1-9*01", "QAQL", "IGHV1", "IGHV1-9"),
        ("rhesus IGKV1-6*01", "DIQV", "IGKV1", "IGKV1-6"),
    ]
    monkeypatch.setattr(antibodies, "FEWEST", 3)
    assert antibodies.v_genes(table) == []


@pytest.mark.parametrize("content", ["", "import os\n", "all_germlines = print()\n", "all_germlines = {'J': {}}\n", "x = (\n"])
def test_another_file_is_refused_and_never_run(table, content):
    table.write_text(content)
    with pytest.raises(InputError, match=r"holds no table of germline genes; install anarci 2026\.2\.13\.2 again\.$"):
        antibodies.v_genes(table)


@pytest.mark.parametrize("package", ["antiberty==0.1.3", "anarci==2026.2.13.2"])
def test_a_missing_package_is_named_with_the_command(tmp_path, monkeypatch, package):
    from dimscope.demos import base

    class Installed:
        def locate_file(self, _):
            return tmp_path

    def find(name):
        if package.startswith(name):
            raise base.PackageNotFoundError(name)
        return Installed()

    monkeypatch.setattr(base, "distribution", find)
    with pytest.raises(InputError) as caught:
        antibodies.prepare(tmp_path / "data")
    assert str(caught.value).endswith(f"is not installed. Install it with: pip install --no-deps {package}")


def test_the_command_says_what_the_configuration_says(table, tmp_path, monkeypatch):
    monkeypatch.setattr(antibodies, "package_folder", lambda *_: table.parent)
    monkeypatch.setattr(antibodies, "FEWEST", 2)
    converted = []
    monkeypatch.setattr("dimscope.models.convert.convert_pickle", lambda *places, **_: converted.append(places))
    prepared = antibodies.prepare(tmp_path / "data")
    assert converted[0] == (table.parent, tmp_path / "data" / "antiberty")
    assert prepared.title == "AntiBERTy on 4 germline V genes in 2 families"
    words = shlex.split(prepared.command)[2:]
    with cli.get_command(None, "run").make_context("run", words) as context:
        given = {name: value for name, value in context.params.items() if value not in (None, (), False)}
    for part in ("data", "model", "measure"):
        for name, value in given.items():
            if name.startswith(f"{part}__"):
                assert getattr(getattr(prepared.config, part), name.removeprefix(f"{part}__")) == value
    assert given["measure__exclude_group"] is True
    assert (tmp_path / "data" / "antibodies.csv").read_text().splitlines()[:2] == [
        "id,text,label,group",
        "human IGHV1-2*01,QVQL,IGHV1,IGHV1-2",
    ]
