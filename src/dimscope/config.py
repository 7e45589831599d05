"""Everything a run was asked to do, as frozen data: flags > file > defaults, written beside the results."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from hashlib import sha256
from json import dumps
from numbers import Integral
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from dimscope.errors import UsageError, unknown_name

POOLS = ("mean", "last", "cls", "tokens")
"""Ways of pooling that are one word; `tokens` leaves every token a row of its own."""
POSITION = re.compile(r"position:(-?\d{1,9})")
"""The other way: content token N of each example."""
KIND_NAMES: Mapping[Any, str] = {int: "a whole number", str: "a text in quotes", bool: "true or false"}
"""The types of options in the words of a TOML file."""


def option(default: Any, text: str, choices: tuple[str, ...] = ()) -> Any:
    """A configuration field with its one-sentence description and, where the values are words, all of them."""
    return field(default=default, metadata={"help": text, "choices": choices})


@dataclass(frozen=True, slots=True)
class DataConfig:
    """Which examples."""

    path: str = option(
        "",
        "examples: .txt .csv .tsv .jsonl .parquet .fasta .fasta.gz, a saved Hugging Face data set, a folder of images or "
        "sound, or .npy .npz with images or token ids",
    )
    text: str | None = option(None, "column with the text (of .npz the entry with the rows); default: `text`, or the only one")
    label: str | None = option(
        None, "column with one label per example (of .npz an entry, of .npy a file); default: for folders the sub-folder"
    )
    group: str | None = option(None, "column with one group per example (same-group neighbours can be excluded)")
    id: str | None = option(None, "column with a name per example; default: its row number in the file")
    points: int = option(10_000, "use at most this many examples, drawn at random without replacement")
    seed: int = option(0, "seed of every random choice")
    incomplete: str = option("error", "examples without text or label: stop, or drop and count them", ("error", "drop"))


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which representations."""

    name: str = option("", "folder or hub name of the model")
    revision: str | None = option(
        None,
        "branch, tag or commit of a hub model, or sub-folder of a folder of checkpoints; several, as in step0,step1000, are "
        "run one by one",
    )
    untrained: bool = option(False, "same configuration, fresh weights drawn from the seed")
    stack: str = option(
        "auto",
        "which part of a model with several: auto = the encoder of an encoder-decoder, otherwise the only one",
        ("auto", "encoder", "decoder", "text", "vision"),
    )
    blocks: str | None = option(None, "path of the list of blocks inside the model, where it is not found by itself")
    final_norm: str | None = option(
        None, "path of the norm after the blocks named by --blocks, or none; default: found by rule"
    )
    layers: str = option("all", "layers to read: all, or numbers and ranges such as 0:12:2,12")
    site: str = option(
        "block",
        "where: after each block; the same, but the last one after the last norm only; normalised input of each block; what "
        "its attention or its MLP adds",
        ("block", "hidden_states", "block_norm", "attention", "mlp"),
    )
    pool: str = option(
        "mean",
        "one vector per example from its tokens: mean, last, cls, or position:N (0 first, -1 last); several, as in mean,last, "
        "are read in one pass; tokens makes every token a row",
    )
    tokens: int = option(10_000, "rows of --pool tokens: at most this many tokens in all, drawn at random")
    skip_first: int = option(0, "leave this many tokens at the start of each example out of pooling")
    special_tokens: str = option("exclude", "special tokens in mean and last", ("exclude", "include"))
    max_tokens: int | None = option(None, "truncate examples to this many tokens; default: the model's maximum")
    batch_size: int | None = option(None, "examples per batch; default: as many as fit a fixed number of tokens")
    dtype: str = option("auto", "arithmetic of the model", ("auto", "float32", "bfloat16", "float16"))
    device: str = option(
        "auto",
        "where the model runs: auto, cpu, cuda, cuda:1, mps; one too large for a device is dealt over several, as in "
        "cuda:0,cuda:1,cpu,disk",
    )
    padding: str = option("right", "side on which short examples are padded", ("right", "left"))
    clusters: str | None = option(
        None, "colours (.npy) by which an ImageGPT without a preprocessor_config.json turns images into tokens"
    )
    allow_pickle: bool = option(False, "load weights that are stored as a pickle only (a pickle can run code)")


@dataclass(frozen=True, slots=True)
class MeasureConfig:
    """Which measures."""

    estimators: tuple[str, ...] = option(("twonn", "gride"), "dimension estimators; the first gives the profile")
    k: int = option(100, "neighbours kept of each example")
    overlap_k: int = option(30, "neighbours compared by overlaps and votes")
    replicates: int = option(200, "bootstrap replicates behind the recommendation")
    scale: str = option(
        "first",
        "where the dimension of the profile is read: first = first column; auto = the Gride rank, common to all layers, where "
        "it changes least; paper = TwoNN on quarters of the points",
        ("first", "auto", "paper"),
    )
    duplicates: str = option("merge", "equal rows of a layer: one point, or neighbours at distance 0", ("merge", "keep"))
    measures: tuple[str, ...] = option(
        (),
        "what else to measure, of dimscope list measures; may be given several times",
        (
            "class_fraction_overlap", "retrieval_accuracy", "linear_probe", "density_peaks", "mutual_knn", "cka",
            "information_imbalance",
        ),
    )  # fmt: skip
    further_k: str = option("", "further numbers of neighbours at which overlaps are read, such as 5,10,60")
    exclude_group: bool = option(False, "label measures skip neighbours of the example's own group (needs --group)")
    rule: str = option("turn", "how the layers are chosen (dimscope list rules)")
    control: tuple[str, ...] = option(
        (),
        "what the same measures give where there is nothing to find: fresh weights, shuffled tokens, normal points of the same "
        "covariance, permuted labels",
        ("untrained", "shuffled", "gaussian", "permuted"),
    )


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One whole run."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    measure: MeasureConfig = field(default_factory=MeasureConfig)

    def __post_init__(self) -> None:
        for entry in fields(self):
            part = getattr(self, entry.name)
            if not isinstance(part, entry.type):  # type: ignore[arg-type]
                raise UsageError(f"the part {entry.name} of a configuration is a {entry.type.__name__}, found {part!r}.")  # type: ignore[union-attr]
            given = {option.name: getattr(part, option.name) for option in fields(part)}
            object.__setattr__(self, entry.name, replace(part, **_coerced(entry.name, part, given)))
            _check_choices(getattr(self, entry.name))
        _check_numbers(self)
        _check_pool(self.model.pool)

    def key(self, *parts: str) -> str:
        """A stable hash of the named parts (`data`, `model`, `measure`), hex of 16 digits."""
        text = dumps({part: asdict(getattr(self, part)) for part in parts}, sort_keys=True)
        return sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Nested plain data without the options that are unset, equal to what TOML gives back."""
        return {
            part: {name: _plain(value) for name, value in values.items() if value is not None}
            for part, values in asdict(self).items()
        }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def config_from(values: Mapping[str, Mapping[str, Any]], base: RunConfig | None = None) -> RunConfig:
    """The configuration with these values over those of `base`.

    Raises:
        UsageError: unknown part or option (the nearest is named), a value of the wrong type or out of range.
    """
    base = base or RunConfig()
    parts = {part.name: getattr(base, part.name) for part in fields(base)}
    for part, options in values.items():
        if part not in parts:
            raise unknown_name("part of the configuration", part, parts)
        if not isinstance(options, Mapping):
            raise UsageError(f'"{part}" in the configuration must be a table of options, found {options!r}.')
        parts[part] = replace(parts[part], **_coerced(part, parts[part], options))
    return RunConfig(**parts)


def as_config(given: "RunConfig | Mapping[str, Mapping[str, Any]] | str | Path | None") -> RunConfig:
    """The configuration itself, or that of nested values (`{"measure": {"k": 50}}`) or of a TOML file; None has the defaults.

    Raises:
        UsageError: see `config_from` and `read_config`.
    """
    if isinstance(given, RunConfig):
        return given
    if isinstance(given, str | Path):
        return config_from(read_config(Path(given)))
    if given is None or isinstance(given, Mapping):
        return config_from(given or {})
    raise UsageError(f"config={given!r} was given; it may be a RunConfig, nested values in a dict, or a TOML file.")


def read_config(path: Path) -> dict[str, dict[str, Any]]:
    """The nested values of a TOML file.

    Raises:
        UsageError: no such file, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"no configuration file at {path}.") from None
    except OSError as error:
        raise UsageError(f"the configuration {path} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from None


def changed_options(old: Mapping[str, Any], new: Mapping[str, Any], parts: tuple[str, ...]) -> list[str]:
    """Texts such as `data.points = 10000, now 20000` for the options in which two nested configurations differ.

    An option that is absent has its default, so that a folder of an older version, which knew fewer options, is the same.
    """
    changes = []
    for part, defaults in RunConfig().to_dict().items():
        if part not in parts:
            continue
        before, after = ({**defaults, **_table(values, part)} for values in (old, new))
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                changes.append(f"{part}.{name} = {before.get(name)!r}, now {after.get(name)!r}")
    return changes


def _table(values: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = values.get(part, {})
    return found if isinstance(found, Mapping) else {}


def _coerced(part: str, current: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {entry.name: entry.type for entry in fields(current)}
    values = {}
    for name, value in options.items():
        if name not in kinds:
            raise unknown_name(f"option of {part}", name, kinds)
        value = tuple(value) if isinstance(value, list) else value
        if not isinstance(value, bool | int) and isinstance(value, Integral):
            value = int(value)  # numpy's numbers
        if not _fits(value, kinds[name]):
            raise UsageError(f"{part}.{name} = {value!r} is of the wrong type; {_kind_name(kinds[name])} is expected.")
        values[name] = value
    return values


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return any(_fits(value, choice) for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _kind_name(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (choice for choice in get_args(kind) if choice is not type(None))
        return f"{_kind_name(kind)} (absent means the default)"
    return KIND_NAMES.get(kind, 'a list of texts such as ["twonn"]')


def _check_choices(part: Any) -> None:
    assert is_dataclass(part)
    for entry in fields(part):
        choices, value = entry.metadata["choices"], getattr(part, entry.name)
        for word in (value if isinstance(value, tuple) else (value,)) if choices else ():
            if word not in choices:
                raise unknown_name(entry.name.replace("_", "-"), str(word), choices)


def pooled_position(pool: str) -> int | None:
    """N of `position:N`, the place among the content tokens (negative from the end); None for the other words."""
    found = POSITION.fullmatch(pool)
    return int(found[1]) if found else None


def pools_of(pool: str) -> tuple[str, ...]:
    """The poolings of an option such as `mean` or `mean,last`, in the order given."""
    return tuple(word.strip() for word in pool.split(","))


def further_ks(options: MeasureConfig) -> list[int]:
    """The numbers of `further_k`, ascending.

    Raises:
        UsageError: something else than whole numbers between 1 and k.
    """
    words = [word.strip() for word in options.further_k.split(",")] if options.further_k.strip() else []
    if not all(word.isdecimal() and 1 <= int(word) <= options.k for word in words):
        raise UsageError(
            f"--further-k {options.further_k} was asked for; give whole numbers from 1 to --k {options.k}, with commas between."
        )
    return sorted({int(word) for word in words})


def _check_pool(pool: str) -> None:
    found = pools_of(pool)
    for word in found:
        if word not in POOLS and pooled_position(word) is None:
            raise unknown_name("pool", word, (*POOLS, "position:N"))
    if len(set(found)) < len(found):
        raise UsageError(f"--pool {pool} names one pooling twice; name each once.")
    if "tokens" in found and len(found) > 1:
        raise UsageError(f"--pool {pool} was asked for; tokens has other rows than the others and needs a run of its own.")


def _check_numbers(config: RunConfig) -> None:
    lowest = {
        "--points": (config.data.points, 4),
        "--skip-first": (config.model.skip_first, 0),
        "--tokens": (config.model.tokens, 4),
        "--k": (config.measure.k, 2),
        "--overlap-k": (config.measure.overlap_k, 1),
        "--replicates": (config.measure.replicates, 0),
        "--seed": (config.data.seed, 0),
        "--batch-size": (config.model.batch_size, 1),
        "--max-tokens": (config.model.max_tokens, 1),
    }
    for name, (value, least) in lowest.items():
        if value is not None and value < least:
            raise UsageError(f"{name} {value} was asked for; it must be at least {least}.")
    if config.measure.overlap_k > config.measure.k:
        raise UsageError(
            f"--overlap-k {config.measure.overlap_k} is more than --k {config.measure.k}, the neighbours that are kept; "
            f"raise --k or lower --overlap-k."
        )
    further_ks(config.measure)
    if config.measure.scale == "auto" and ("gride" not in config.measure.estimators or config.measure.k < 8):
        raise UsageError("--scale auto compares Gride at several ranks; it needs --estimator gride and --k of at least 8.")
    if not config.measure.estimators:
        raise UsageError("at least one dimension estimator is needed, for example --estimator twonn.")
