"""FASTA: sequences come back as written, headers in their forms, and what is wrong is named."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimscope.config import DataConfig
from dimscope.errors import InputError
from dimscope.inputs.fasta import RESIDUES, parse_header, read_fasta
from dimscope.inputs.text import read_texts

SCOPE = """>d1ux8a_ a.1.1.1 (A:) Truncated hemoglobin {Bacillus subtilis [TaxId: 1423]}
mnapyeaigeellsqlvdtfyervashpllkpifpsdl
tetarkqkqfltqylggpplyteehg
>d1b0b.1 b.29.2.3 (B:) automated matches {Clam (Lucina pectinata)}
SLSAAQKDNV*
"""
UNIPROT = """>sp|P69905|HBA_HUMAN Hemoglobin subunit alpha OS=Homo sapiens OX=9606 GN=HBA1 PE=1 SV=2
MVLSPADKTNVKAAW
>tr|A0A1|A0A1_BACIU Choline ABC transporter (ATP-binding) OS=Bacillus subtilis XF-1
MLTLENVSKTYKGG
"""


def everything(columns):
    return columns


def write(folder, content, name="data.fasta"):
    place = folder / name
    place.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return place


def refusal(place, content, name="data.fasta"):
    file = write(place, content, name)
    with pytest.raises(InputError) as caught:
        read_fasta(file, everything)
    return str(caught.value).replace(str(file), "FILE")


def test_scope_headers_give_every_level(tmp_path):
    found = read_fasta(write(tmp_path, SCOPE), everything)
    assert found == {
        "id": ["d1ux8a_", "d1b0b.1"],
        "class": ["a", "b"],
        "fold": ["a.1", "b.29"],
        "superfamily": ["a.1.1", "b.29.2"],
        "family": ["a.1.1.1", "b.29.2.3"],
        "name": ["Truncated hemoglobin", "automated matches"],
        "organism": ["Bacillus subtilis [TaxId: 1423]", "Clam (Lucina pectinata)"],
        "text": ["MNAPYEAIGEELLSQLVDTFYERVASHPLLKPIFPSDLTETARKQKQFLTQYLGGPPLYTEEHG", "SLSAAQKDNV"],
    }


def test_uniprot_headers_give_name_and_organism(tmp_path):
    found = read_fasta(write(tmp_path, UNIPROT), lambda columns: [name for name in columns if name != "text"])
    assert found == {
        "id": ["P69905", "A0A1"],
        "entry": ["HBA_HUMAN", "A0A1_BACIU"],
        "name": ["Hemoglobin subunit alpha", "Choline ABC transporter (ATP-binding)"],
        "organism": ["Homo sapiens", "Bacillus subtilis XF-1"],
    }


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("x", {"id": "x"}),
        ("x of no known form", {"id": "x", "description": "of no known form"}),
        ("sp|P1|E_X only a name", {"id": "P1", "entry": "E_X", "name": "only a name"}),
        ("d1 z.1.1.1 no such class", {"id": "d1", "description": "z.1.1.1 no such class"}),
    ],
)
def test_other_headers(header, columns):
    assert parse_header(header) == columns


@pytest.mark.parametrize("name", ["a.fa.gz", "a.FASTA.GZ", "a.faa"])
def test_packed_or_not_the_examples_are_the_same(tmp_path, name):
    place = tmp_path / name
    place.write_bytes(gzip.compress(SCOPE.encode()) if name.lower().endswith(".gz") else SCOPE.encode())
    found = read_texts(DataConfig(path=str(place), label="superfamily", group="family"))
    assert found.kind == "protein"
    assert found.ids == ["d1ux8a_", "d1b0b.1"]
    assert found.labels == ["a.1.1", "b.29.2"]
    assert found.groups == ["a.1.1.1", "b.29.2.3"]
    assert found.texts[1] == "SLSAAQKDNV"


@given(st.lists(st.text(alphabet=sorted(RESIDUES), min_size=1, max_size=90), min_size=1, max_size=5), st.integers(1, 70))
def test_sequences_come_back_however_they_are_broken(tmp_path_factory, sequences, width):
    lines = [
        f">r{number}\r\n" + "\r\n".join(text[start : start + width] for start in range(0, len(text), width))
        for number, text in enumerate(sequences)
    ]
    place = write(tmp_path_factory.mktemp("fasta"), "\r\n\r\n".join(lines))
    assert read_fasta(place, everything)["text"] == sequences


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("MKV\n", "FILE, line 1 is not FASTA: a header that begins with > is expected first."),
        (">a\nMK1V\n", 'FILE: the record "a" has "1" at position 3, which is no residue; mend or remove it.'),
        (">a\nMK-V\n", 'FILE: the record "a" has "-" at position 3, which is no residue; take the gaps of an alignment out.'),
        (">a\nM*KV\n", 'FILE: the record "a" has "*" at position 2, which is no residue; mend or remove it.'),
        (">a\nMK\n>b\n", 'FILE, line 3: the record "b" has no sequence.'),
        (">a\nMK\n> \nMK\n", 'FILE, line 3: the record "" has no name.'),
        (">a\nMK\n>a\nMK\n", 'FILE: the records of lines 1 and 3 are both named "a"; give each a name of its own.'),
        ("; nothing\n", "FILE has no examples."),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message):
    assert refusal(tmp_path, content) == message


def test_a_damaged_archive_is_one_sentence(tmp_path):
    place = write(tmp_path, SCOPE, "a.fa.gz")
    place.write_bytes(place.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"cannot be unpacked \(.*\); copy or download it again\.$"):
        read_fasta(place, everything)
    place.write_text(SCOPE)
    with pytest.raises(InputError, match=r"cannot be unpacked \(Not a gzipped file"):
        read_fasta(place, everything)


def test_a_level_that_no_header_gives_is_missed_by_name(tmp_path):
    with pytest.raises(InputError, match=r'no column "superfamily" for --label.*Columns: id, entry, name, organism, text'):
        read_texts(DataConfig(path=str(write(tmp_path, UNIPROT)), label="superfamily"))
