"""The door of all data: which reader a path needs, and which labels it brings along."""

from dataclasses import replace
from pathlib import Path

from dimscope.config import DataConfig
from dimscope.errors import InputError
from dimscope.inputs.base import Examples
from dimscope.inputs.columns import READERS, ending_of
from dimscope.inputs.datasets import SPLITS, STATE
from dimscope.inputs.folders import CLASS, has_classes, holds_media, read_folder
from dimscope.inputs.image_arrays import ARRAY_ENDINGS, label_sibling, read_array_examples
from dimscope.inputs.text import read_texts


def read_examples(config: DataConfig) -> Examples:
    """The examples of a file or folder, sampled.

    Raises:
        InputError: no such path, an unknown ending, an empty file, or what the reader of its kind refuses.
        UsageError: options that this kind of data does not have.
    """
    path = Path(config.path).expanduser()
    if not path.exists():
        raise InputError(f"no data file at {path} (looked in {Path.cwd()}).")
    if path.is_dir():
        return read_texts(config) if _is_saved_data_set(path) else _read_other_folder(config, path)
    if ending_of(path) not in (*READERS, *ARRAY_ENDINGS):
        raise InputError(
            f"{path} has the ending {path.suffix or 'none'}; data may be: {', '.join(sorted((*READERS, *ARRAY_ENDINGS)))}, or "
            "a folder with images, sound or a saved data set."
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; a file with examples is expected.")
    return read_array_examples(config) if ending_of(path) in ARRAY_ENDINGS else read_texts(config)


def with_own_labels(config: DataConfig) -> DataConfig:
    """The configuration with the labels that the data bring along, where none were named.

    These are the sub-folders of a folder of images or sound, and the array of labels that stands beside an array of OpenAI's.
    """
    path = Path(config.path).expanduser()
    if config.label is not None or not path.exists():
        return config
    if path.is_file():
        labels = label_sibling(path)
        return config if labels is None else replace(config, label=str(labels))
    return replace(config, label=CLASS) if not _is_saved_data_set(path) and has_classes(path) else config


def _is_saved_data_set(path: Path) -> bool:
    return (path / STATE).is_file() or (path / SPLITS).is_file()


def _read_other_folder(config: DataConfig, path: Path) -> Examples:
    if not holds_media(path):
        raise InputError(
            f"{path} is a folder without images or sound; a file with examples, a folder of images or sound with a sub-folder "
            "per class, or a data set written by save_to_disk, is expected."
        )
    return read_folder(config)
