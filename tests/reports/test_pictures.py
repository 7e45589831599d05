import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dimscope.config import DataConfig
from dimscope.inputs.examples import read_examples
from dimscope.reports.pictures import SIDE, find_pictures, why_no_pictures

RED, BLUE = (220, 30, 20), (10, 40, 210)


def decoded(address: str) -> np.ndarray:
    head, _, body = address.partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(BytesIO(base64.b64decode(body))) as image:
        return np.asarray(image.convert("RGB"))


def save(path: Path, color: tuple[int, int, int], width: int, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), color).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "images" / "a" / "wide.png", RED, 400, 100)
    save(tmp_path / "images" / "b" / "small.png", BLUE, 8, 8)
    (tmp_path / "images" / "b" / "text.png").write_text("no image")
    save(tmp_path / "secret.png", RED, 9, 9)
    return tmp_path / "images"


def test_files_of_a_folder_are_drawn_small(folder: Path) -> None:
    names = ["a/wide.png", "b/small.png"]
    draw = find_pictures(DataConfig(path=str(folder)), names, names)
    assert draw is not None
    wide, small = decoded(draw(0)), decoded(draw(1))
    assert wide.shape == (SIDE // 4, SIDE, 3)
    assert np.abs(wide.astype(int) - RED).max() < 8
    assert small.shape == (8, 8, 3)
    np.testing.assert_array_equal(small, np.full((8, 8, 3), BLUE))


def test_what_cannot_be_drawn_is_empty(folder: Path) -> None:
    names = ["a/wide.png", "b/text.png", "b/gone.png", "b", "\0.png", "../secret.png", str(folder.parent / "secret.png")]
    draw = find_pictures(DataConfig(path=str(folder)), names, names)
    assert draw is not None
    assert [bool(draw(row)) for row in range(len(names))] == [True, *[False] * 6]


def test_a_table_may_name_images_beside_it(folder: Path) -> None:
    (folder / "table.csv").write_text("id,text\n")
    draw = find_pictures(DataConfig(path=str(folder / "table.csv")), ["b/small.png", "x"], ["what the model reads", "y"])
    assert draw is not None
    assert decoded(draw(0)).shape == (8, 8, 3)
    assert draw(1) == ""


@pytest.mark.parametrize("ids", [["0", "1"], ["gone.png", "not here.png"]])
def test_other_data_have_no_pictures(folder: Path, ids: list[str]) -> None:
    (folder / "texts.csv").write_text("text\na\nb\n")
    assert find_pictures(DataConfig(path=str(folder / "texts.csv")), ids, ["a", "b"]) is None
    assert find_pictures(DataConfig(path=str(folder / "nothing.csv")), ids, ["a", "b"]) is None
    assert find_pictures(DataConfig(), ids, ["a", "b"]) is None


def test_rows_of_an_array_are_those_of_the_run(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 6, 5), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    data = DataConfig(path=str(tmp_path / "images.npy"), points=10)
    examples = read_examples(data)
    draw = find_pictures(data, examples.ids, examples.texts, examples.source_hash)
    assert draw is not None
    for row in (0, 9):
        np.testing.assert_array_equal(decoded(draw(row)), np.repeat(pixels[int(examples.ids[row])][:, :, None], 3, axis=2))
    assert find_pictures(data, examples.ids, examples.texts, "sha256:other") is None
    assert find_pictures(data, examples.ids[:-1], examples.texts[:-1], examples.source_hash) is None


def test_token_ids_are_no_images(tmp_path: Path) -> None:
    np.save(tmp_path / "tokens.npy", np.zeros((5, 4), dtype=np.int64))
    data = DataConfig(path=str(tmp_path / "tokens.npy"))
    assert find_pictures(data, list("01234"), [""] * 5, read_examples(data).source_hash) is None


@pytest.mark.parametrize(
    ("path", "place"), [("images", "images"), ("images/table.csv", "images/table.csv"), ("elsewhere", "elsewhere")]
)
def test_pictures_that_are_gone_are_missed(folder: Path, path: str, place: str) -> None:
    data = DataConfig(path=str(folder.parent / path))
    why = why_no_pictures(data, ["gone.png", "x"], ["", ""])
    assert why == (
        f"Pictures are missing: the data are no longer at {folder.parent / place}. "
        "Put them back there and give dimscope report RUN again."
    )
    assert why_no_pictures(data, ["1", "2"], ["a text", "another"]) == ""


def test_an_array_that_is_gone_or_another_is_told(tmp_path: Path) -> None:
    data = DataConfig(path=str(tmp_path / "x.npy"))
    assert why_no_pictures(data, ["0"], [""]).startswith("If the examples are images, their pictures are missing: the data are")
    np.save(tmp_path / "x.npy", np.zeros((5, 4), dtype=np.int64))
    assert why_no_pictures(data, ["0"], [""]) == ""
    np.save(tmp_path / "x.npy", np.zeros((5, 4, 4), dtype=np.uint8))
    assert why_no_pictures(data, ["0"], [""]) == f"Pictures are missing: {data.path} is no longer what the run read."


def test_a_pillow_that_cannot_write_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimscope.reports.pictures._can_write", lambda: False)
    data = DataConfig(path=str(folder))
    assert find_pictures(data, ["a/wide.png"], [""]) is None
    assert "pip install 'dimscope[images]'" in why_no_pictures(data, ["a/wide.png"], [""])
    assert why_no_pictures(data, ["a"], [""]) == ""
