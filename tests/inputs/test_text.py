"""Examples from files: which column is meant, which rows are complete, and what is said about the others."""

import csv

import pytest

from dimscope.config import DataConfig
from dimscope.errors import InputError
from dimscope.files import hash_file
from dimscope.inputs.text import read_texts


@pytest.fixture
def write(tmp_path):
    def made(content, name="data.csv"):
        place = tmp_path / name
        place.write_text(content, encoding="utf-8")
        return place

    return made


def refusal(place, **options):
    with pytest.raises(InputError) as caught:
        read_texts(DataConfig(path=str(place), **options))
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(str(place), "FILE")


def test_all_roles_are_read_from_their_columns(write):
    place = write("name,body,topic,family\nb,one,007,x\na,two,NA,y\n")
    found = read_texts(DataConfig(path=str(place), text="body", label="topic", group="family", id="name"))
    assert found.ids == ["b", "a"]
    assert found.texts == ["one", "two"]
    assert found.labels == ["007", "NA"]
    assert found.groups == ["x", "y"]
    assert (found.n_dropped, found.source_hash) == (0, hash_file(place))


def test_without_names_the_rows_are_numbered_and_the_text_column_is_found(write):
    found = read_texts(DataConfig(path=str(write("label,text\nx,one\ny,two\n"))))
    assert (found.ids, found.texts, found.labels, found.groups) == (["0", "1"], ["one", "two"], None, None)
    assert read_texts(DataConfig(path=str(write("whatever\none\n")))).texts == ["one"]
    assert read_texts(DataConfig(path=str(write("one\ntwo\n", "data.TXT")))).texts == ["one", "two"]


def test_one_column_may_have_two_roles(write):
    found = read_texts(DataConfig(path=str(write("text,label\none,a\ntwo,b\n")), label="label", group="label", id="text"))
    assert found.labels == found.groups == ["a", "b"]
    assert found.ids == found.texts


def test_a_home_folder_is_understood(write, monkeypatch):
    place = write("one\n", "data.txt")
    monkeypatch.setenv("HOME", str(place.parent))
    monkeypatch.setenv("USERPROFILE", str(place.parent))
    assert read_texts(DataConfig(path="~/data.txt")).texts == ["one"]


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("data.csv", "text\n", {}, "FILE has no examples."),
        ("data.txt", "\ufeff", {}, "FILE has no examples."),
        (
            "data.csv",
            "text,label\na,b\n",
            {"label": "lable"},
            'FILE has no column "lable" for --label. Did you mean "label"?  Columns: text, label',
        ),
        (
            "data.csv",
            "Text\na\n",
            {"text": "text"},
            'FILE has no column "text" for --text. Did you mean "Text"?  Columns: Text',
        ),
        ("data.txt", "a\n", {"label": "topic"}, 'FILE has no column "topic" for --label.  Columns: text'),
        ("data.csv", "text\na\n", {"label": ""}, 'FILE has no column "" for --label.  Columns: text'),
        ("data.csv", "a,b\n1,2\n", {}, "FILE has no column named text; say which one with --text.  Columns: a, b"),
        (
            "data.csv",
            "text,label,text\na,b,c\n",
            {},
            'FILE has 2 columns named "text", which is asked for as --text; rename all but one.',
        ),
        ("data.csv", "text;label\na;b\n", {}, "FILE has a single column named 'text;label'; its cells seem to be separated by"),
    ],
)
def test_what_cannot_be_found_is_said(write, name, content, options, message):
    assert refusal(write(content, name), **options).startswith(message)


def test_a_folder_is_no_file(tmp_path):
    assert refusal(tmp_path) == ("FILE is a folder; a file with examples, or a data set written by save_to_disk, is expected.")


def test_a_column_that_stands_twice_matters_only_when_it_is_asked_for(write):
    place = write("text,x,x\na,b,c\n")
    assert read_texts(DataConfig(path=str(place))).texts == ["a"]
    assert refusal(place, label="x").startswith('FILE has 2 columns named "x", which is asked for as --label')


def test_a_single_column_with_a_semicolon_may_be_named(write):
    found = read_texts(DataConfig(path=str(write("what; why\nthis; that\n")), text="what; why"))
    assert found.texts == ["this; that"]


def test_many_columns_are_not_all_listed(write):
    text = refusal(write(",".join(f"c{number}" for number in range(500)) + "\n"))
    assert text.endswith("Columns: " + ", ".join(f"c{number}" for number in range(20)) + ", ...")


ROWS = 'text,label,group\na,x,g\n,x,g\nc,,\n" ",,g\ne,"  ",g\nf,x,g\n'


def test_gaps_are_counted_by_role_and_their_first_rows_named(write):
    assert refusal(write(ROWS), label="label", group="group") == (
        "FILE: 2 of 6 rows have no text (rows 1, 3, counted from 0) and 3 of 6 rows have no label (rows 2, 3, 4, counted "
        "from 0) and 1 of 6 rows have no group (rows 2, counted from 0). Complete them, or choose --incomplete drop to "
        "leave them out."
    )


def test_long_lists_of_gaps_are_cut(write):
    place = write("text,label\n" + "a,\n" * 9 + "b,x\n")
    assert refusal(place, label="label").startswith(
        "FILE: 9 of 10 rows have no label (rows 0, 1, 2, 3, 4, ..., counted from 0)."
    )


def test_dropping_leaves_out_rows_with_a_gap_in_any_role_and_counts_them_once(write):
    place = write(ROWS)
    found = read_texts(DataConfig(path=str(place), label="label", group="group", incomplete="drop"))
    assert (found.ids, found.texts, found.labels, found.n_dropped) == (["0", "5"], ["a", "f"], ["x", "x"], 4)
    found = read_texts(DataConfig(path=str(place), incomplete="drop"))
    assert (found.ids, found.n_dropped) == (["0", "2", "4", "5"], 2)


def test_nothing_left_is_an_error(write):
    assert refusal(write("text,label\na,\nb,\n"), label="label", incomplete="drop") == (
        "FILE has 2 rows and none of them is complete."
    )


def test_names_must_be_there_and_differ(write):
    assert refusal(write("id,text\n1,a\n2,b\n1,c\n"), id="id") == (
        'FILE: rows 0 and 2 (counted from 0) are both named "1" in the column "id". Each example needs a name of its own; '
        "without --id it is the row number."
    )
    assert refusal(write("id,text\n1,a\n,b\n"), id="id") == (
        'FILE: row 1 (counted from 0) has no "id", which is asked for as --id. Fill it, or drop --id.'
    )
    dropped = read_texts(DataConfig(path=str(write("id,text\n1,a\n1,\n")), id="id", incomplete="drop"))
    assert dropped.ids == ["1"]


def test_a_label_that_the_first_json_line_lacks_is_a_gap_not_a_missing_column(write):
    place = write('{"text": "a"}\n{"text": "b", "label": "x"}\n', "data.jsonl")
    assert "1 of 2 rows have no label (rows 0," in refusal(place, label="label")
    assert read_texts(DataConfig(path=str(place), label="label", incomplete="drop")).labels == ["x"]


def test_samples_are_drawn_from_complete_rows_and_keep_their_names(write):
    rows = [[f"text {row}" if row % 3 else "", f"label {row}"] for row in range(60)]
    place = write("")
    with place.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([["text", "label"], *rows])
    options = {"path": str(place), "label": "label", "incomplete": "drop", "points": 12}
    found = read_texts(DataConfig(**options, seed=1))
    numbers = [int(name) for name in found.ids]
    assert len(numbers) == 12
    assert numbers == sorted(set(numbers))
    assert all(number % 3 for number in numbers)
    assert found.texts == [rows[number][0] for number in numbers]
    assert found.labels == [rows[number][1] for number in numbers]
    assert found.n_dropped == 20
    assert read_texts(DataConfig(**options, seed=1)).ids == found.ids
    assert read_texts(DataConfig(**options, seed=2)).ids != found.ids
