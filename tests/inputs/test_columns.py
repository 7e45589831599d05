"""Readers give back what was written, whatever stands in the cells, and refuse what they would misread."""

import csv
import json

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from dimscope.errors import InputError
from dimscope.inputs.columns import READERS, read_columns

HARD_TEXTS = [
    "plain", "NA", "null", "None", "nan", "NaN", "007", "1e5", "TRUE", "-", "#N/A", "  padded ", 'say "hi"', "a,b;c|d",
    "tab\there", "two\nlines", "mac\rlines", "dos\r\nlines", "\u202eright to left", "אבג دهו", "👩‍🔬 e\u0301",
    "zero\x00byte", "\u2028separator", "\x0cfeed", "'", "\\n", "x" * 200_000, "=1+1", "\ufeffmark inside",
]  # fmt: skip


def everything(columns):
    return list(columns)


def read(place, *names):
    return read_columns(place, lambda columns: list(names) or columns)


def write_csv(place, header, rows, delimiter=",", mark=""):
    with place.open("w", newline="", encoding="utf-8") as handle:
        handle.write(mark)
        writer = csv.writer(handle, delimiter=delimiter, lineterminator="\r\n")
        writer.writerows([header, *rows])


def write_json(place, records, mark=""):
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    place.write_text(mark + "\n".join(lines) + "\n", encoding="utf-8")


def write_any(place, texts, labels):
    if place.suffix == ".parquet":
        parquet.write_table(pyarrow.table({"text": texts, "label": labels}), place)
    elif place.suffix == ".jsonl":
        write_json(place, [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)], "\ufeff")
    else:
        rows = zip(texts, labels, strict=True)
        write_csv(place, ["text", "label"], rows, "\t" if place.suffix == ".tsv" else ",", "\ufeff")


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet", ".CSV"])
def test_hard_texts_come_back_unchanged(tmp_path, ending):
    place = tmp_path / f"data{ending}"
    write_any(place, HARD_TEXTS, HARD_TEXTS[::-1])
    assert read(place) == {"text": HARD_TEXTS, "label": HARD_TEXTS[::-1]}
    assert read(place, "label") == {"label": HARD_TEXTS[::-1]}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1),
    st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]),
)
def test_any_text_comes_back_unchanged(tmp_path_factory, texts, ending):
    place = tmp_path_factory.mktemp("any") / f"data{ending}"
    write_any(place, texts, texts)
    assert read(place, "text", "label") == {"text": texts, "label": texts}


def test_lines_keep_all_but_their_ends(tmp_path):
    place = tmp_path / "data.txt"
    place.write_bytes("\ufeffone\r\n  two \n\nNA\r\n\u2028three\x0c\nlast".encode())
    assert read(place) == {"text": ["one", "  two ", None, "NA", "\u2028three\x0c", "last"]}


def test_empty_and_absent_cells_are_none(tmp_path):
    (tmp_path / "a.csv").write_text('text,label,more\na,,\n"",b\n,,c,,\n', encoding="utf-8")
    assert read(tmp_path / "a.csv") == {"text": ["a", None, None], "label": [None, "b", None], "more": [None, None, "c"]}
    (tmp_path / "a.jsonl").write_text(
        '{"text": "a"}\n\n{"text": null, "label": "b"}\n{"text": ""}\n{"text": NaN}\n', encoding="utf-8"
    )
    assert read(tmp_path / "a.jsonl") == {"text": ["a", None, None, None], "label": [None, "b", None, None]}
    table = pyarrow.table({"text": ["a", None, ""], "number": pyarrow.array([1.5, None, float("nan")])})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == {"text": ["a", None, None], "number": ["1.5", None, None]}


def test_numbers_become_texts_as_they_are_written(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\n1.50,007\n1e3,+1\n", encoding="utf-8")
    assert read(tmp_path / "a.csv") == {"text": ["1.50", "1e3"], "label": ["007", "+1"]}
    (tmp_path / "a.jsonl").write_text(
        '{"text": 1.50, "label": true}\n{"text": 12345678901234567890, "label": "007"}\n', encoding="utf-8"
    )
    assert read(tmp_path / "a.jsonl") == {"text": ["1.5", "12345678901234567890"], "label": ["True", "007"]}
    table = pyarrow.table(
        {"text": pyarrow.array([1, None], pyarrow.int64()), "label": pyarrow.array(["a", "b"]).dictionary_encode()}
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == {"text": ["1", None], "label": ["a", "b"]}


def test_parquet_columns_are_found_by_their_whole_name(tmp_path):
    parquet.write_table(pyarrow.table({"a.b": ["x"], "text": ["y"]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", "a.b") == {"a.b": ["x"]}


def test_blank_lines_of_a_table_are_no_rows(tmp_path):
    (tmp_path / "a.csv").write_text("\n\ntext,label\n\na,b\n\n", encoding="utf-8")
    assert read(tmp_path / "a.csv") == {"text": ["a"], "label": ["b"]}


def test_the_limit_of_cells_is_set_back(tmp_path):
    before = csv.field_size_limit()
    (tmp_path / "a.csv").write_text("text\n" + "x" * (before + 1) + "\n", encoding="utf-8")
    assert len(read(tmp_path / "a.csv")["text"][0]) == before + 1
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,label\na,A\nHello, world,B\n", "{}, line 3 has 3 cells where the header has 2. Put quotes around"),
        ("a.csv", "text,label\n1,a,A\n2,b,B\n", "{}, line 2 has 3 cells where the header has 2."),
        ("a.csv", 'text,label\n"two\nlines",A\na,b,c\n', "{}, line 4 has 3 cells where the header has 2."),
        ("a.csv", 'text,label\na,A\n"open,B\nc,C\n', "{}, line 3 cannot be read as a table: unexpected end of data."),
        ("a.csv", 'text,label\n"a"b,A\n', "{}, line 2 cannot be read as a table: ',' expected after '\"'."),
        ("a.csv", "\ufeff", "{} has no examples."),
        ("a.csv", "\n\n", "{} has no examples."),
        ("a.jsonl", '{"text": "a"}\n[1, 2]\n', "{}, line 2 is a JSON list; an object is expected."),
        ("a.jsonl", '"text"\n', "{}, line 1 is a JSON str; an object is expected."),
        ("a.jsonl", '{"text": "a"}\n\n{"text": \n', "{}, line 3 is not JSON: "),
        ("a.jsonl", '{"text": ' + "[" * 100_000 + "\n", "{}, line 1 is not JSON: "),
        ("a.jsonl", '{"text": ["a"]}\n', '{}, line 1, "text" holds a value of type list; a text or a number is expected.'),
        ("a.jsonl", '{"text": "a"}\n{"text": {"b": 1}}\n', '{}, line 2, "text" holds a value of type dict;'),
        ("a.jsonl", '{"text": "\\ud83d"}\n', '{}, line 1, "text" holds half of a character (\\ud83d); mend or remove it.'),
        ("a.jsonl", "\n\n", "{} has no examples."),
        ("a.parquet", "PAR1 this is not one", "{} cannot be read as Parquet: Parquet magic bytes not found"),
    ],
)
def test_what_would_be_misread_is_refused_with_its_line(tmp_path, name, content, message):
    place = tmp_path / name
    place.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_columns(place, everything)
    assert str(caught.value).startswith(message.format(place))


@pytest.mark.parametrize("ending", [".txt", ".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize(("encoding", "byte"), [("latin-1", "0xe9"), ("utf-16", "0xff")])
def test_other_encodings_are_refused_with_the_first_bad_byte(tmp_path, ending, encoding, byte):
    place = tmp_path / f"data{ending}"
    place.write_bytes('{"text": "caf\xe9"}\n'.encode(encoding))
    with pytest.raises(InputError) as caught:
        read_columns(place, everything)
    assert str(caught.value).startswith(f"{place} is not UTF-8 text: byte {byte} (")
    assert str(caught.value).endswith("Save it again in the encoding UTF-8.")


def test_damage_anywhere_in_a_parquet_file_is_an_error_or_harmless(tmp_path):
    place = tmp_path / "a.parquet"
    texts = [f"text number {row}" for row in range(200)]
    parquet.write_table(pyarrow.table({"text": texts}), place, compression="none")
    whole = place.read_bytes()
    refused = 0
    for start in range(4, len(whole) - 40, 97):
        place.write_bytes(whole[:start] + b"\xff" * 40 + whole[start + 40 :])
        try:
            assert len(read(place)["text"]) <= len(texts)
        except InputError as error:
            refused += 1
            assert str(place) in str(error)
    assert refused > 3
    for size in (1, 8, len(whole) // 2, len(whole) - 1):
        place.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"a\.parquet cannot be read"):
            read(place)


def test_bytes_in_a_parquet_file_are_no_texts(tmp_path):
    parquet.write_table(pyarrow.table({"text": pyarrow.array([b"ab"], pyarrow.binary())}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r'row 0, "text" holds a value of type bytes'):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize("ending", sorted(READERS))
def test_an_unreadable_file_is_one_sentence(tmp_path, ending):
    place = tmp_path / f"data{ending}"
    place.mkdir()
    with pytest.raises(InputError) as caught:
        read_columns(place, everything)
    assert str(caught.value).startswith(f"{place} cannot be read (")
    assert "\n" not in str(caught.value)
