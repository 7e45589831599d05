"""The command line in this process, over small runs."""

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from cli_runs import SMALL
from dimscope.cli.main import main
from tiny import make_texts


@dataclass(frozen=True)
class Left:
    """How a command ended."""

    code: int
    out: str
    err: str


Call: TypeAlias = Callable[..., Left]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs `dimscope` with these words in an empty folder: `call("list", "rules")`."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Left:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        found = capsys.readouterr()
        return Left(left.value.code, found.out, found.err)

    return run


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 60 texts, columns id, text, label (letters beyond ASCII), group; rows 7 and 8 have the same text."""
    made = make_texts(60, seed=5)
    made[8] = made[7]
    place = tmp_path_factory.mktemp("data") / "texts.csv"
    with place.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "text", "label", "group"])
        for row, text in enumerate(made):
            writer.writerow([f"e{row}", text, "größer" if len(text.split()) % 2 else "日本", f"g{row // 3}"])
    return place


@pytest.fixture(scope="session")
def finished(bert: Path, table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with its report, made once; not to be changed."""
    out = tmp_path_factory.mktemp("finished") / "a run"
    words = ["run", str(bert), "--data", str(table), "--label", "label", "--id", "id", *SMALL, "-q", "-o", str(out)]
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    return out


@pytest.fixture
def mine(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "mine"))
