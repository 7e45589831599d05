"""`dimscope paper`: the workflow of Valeriani et al. 2023."""

from pathlib import Path
from typing import Any

import click

from dimscope.cli.main import HELP_NAMES, NearGroup
from dimscope.cli.options import NearChoice

SIZES = ("small", "medium", "large")
PATH = click.Path(path_type=Path)
BESIDE_DATA = Path("//beside-data")
"""Stands for `--from-distances` without a folder."""


class Steps(NearGroup):
    """A group that lists its commands in the order of the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, as they are defined."""
        del ctx
        return list(self.commands)


@click.group(cls=Steps, context_settings={"help_option_names": HELP_NAMES})
def paper() -> None:
    """The workflow of Valeriani et al. 2023 (arXiv 2302.00294), step by step.

    \b
    Examples:
      dimscope paper download --to results
      dimscope paper plot --data results/data --to results/plots --published
      dimscope paper convert-igpt igpt/s/model.ckpt-1000000 --to models/igpt-small
      dimscope paper distances --ckpt-path models/igpt-small --data-path data --to results
    """


@paper.command("download", short_help="The arrays behind the published figures.")
@click.option("-o", "--to", default="results", show_default=True, type=PATH, metavar="DIR", help="The arrays go to DIR/data.")
@click.option(
    "--from", "mirror", metavar="PLACE", help="A folder or address that holds both archives, or one archive.  [figshare]"
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def download_arrays(to: Path, mirror: str | None, quiet: bool) -> None:
    """Fetch the arrays behind the published figures: iGPT ratios, indices and labels, ESM-2 curves.

    A transfer that breaks off goes on at the next call; what is there is not fetched again.

    \b
    Examples:
      dimscope paper download --to results
      dimscope paper download --from ~/Downloads
    """
    from dimscope.cli.progress import choose_progress
    from dimscope.paper.sources import ARCHIVES, fetch_archives, is_there

    for path in fetch_archives(to, mirror, choose_progress(quiet)):
        click.echo(path)
    for archive in ARCHIVES:
        if not is_there(archive, to):
            click.echo(f"not there yet: {archive.holds} ({archive.name})", err=True)


@paper.command("download-igpt", short_help="OpenAI's checkpoints, colour clusters, images.")
@click.option("--model", type=NearChoice(("s", "m", "l")), help="76, 455 or 1362 million parameters.")
@click.option("--ckpt", "step", type=NearChoice(("131000", "262000", "524000", "1000000")), help="Training step.")
@click.option("--bert", is_flag=True, help="The variant trained with the BERT objective.")
@click.option("--clusters", is_flag=True, help="The colour clusters.")
@click.option("--dataset", type=NearChoice(("imagenet", "cifar10")), help="Images as colour clusters, with labels.")
@click.option("-o", "--to", default="igpt", show_default=True, type=PATH, metavar="DIR", help="Where the files go.")
@click.option("--from", "mirror", metavar="PLACE", help="A folder or address that holds the files.  [OpenAI]")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def download_igpt(
    model: str | None, step: str | None, dataset: str | None, to: Path, mirror: str | None, quiet: bool, **which: bool
) -> None:
    """Fetch OpenAI's image GPT checkpoints, colour clusters and clustered images.

    \b
    Examples:
      dimscope paper download-igpt --model s --ckpt 1000000 --to igpt/s
      dimscope paper download-igpt --dataset imagenet --to data
    """
    from dimscope.cli.progress import choose_progress
    from dimscope.paper.sources import DATASET_BYTES, MODEL_BYTES, fetch_igpt, igpt_files

    remotes = igpt_files(model, step, dataset, **which)
    n_bytes = MODEL_BYTES.get(model or "", 0) + DATASET_BYTES.get(dataset or "", 0)
    for path in fetch_igpt(remotes, to, n_bytes, mirror, choose_progress(quiet)):
        click.echo(path)


@paper.command("convert-igpt", short_help="A TensorFlow checkpoint as a Hugging Face folder.")
@click.argument("checkpoint", type=PATH)
@click.option("-o", "--to", required=True, type=PATH, metavar="DIR", help="The new model folder.")
@click.option("--model", type=NearChoice(SIZES), help="Refuse a checkpoint of another size.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def convert_igpt(checkpoint: Path, to: Path, model: str | None, quiet: bool) -> None:
    """Write OpenAI's image GPT checkpoint (TensorFlow 1) as a Hugging Face ImageGPT folder.

    CHECKPOINT is the path before .index, as model.ckpt-1000000, or a folder with one checkpoint. All sizes, autoregressive and
    BERT variants; TensorFlow is not needed.

    \b
    Example:
      dimscope paper convert-igpt checkpoints/s/model.ckpt-1000000 --to models/igpt-small
    """
    from dimscope.cli.progress import choose_progress
    from dimscope.paper.igpt import convert

    shape = convert(checkpoint, to, size=model, progress=choose_progress(quiet))
    kind = "BERT variant" if shape.is_bert else "autoregressive"
    click.echo(f"{to}: {shape.n_layer} blocks of width {shape.n_embd}, {shape.n_head} heads, {kind}")


@paper.command(short_help="Neighbour tables of every layer, as the scripts wrote them.")
@click.option(
    "--data-path", type=PATH, metavar="PATH", help="Folder of imagenet_trX.npy, imagenet_trY.npy, ...; or DIR/cifar10."
)
@click.option("--ckpt-path", type=PATH, metavar="PATH", help="TensorFlow 1 checkpoint, or a folder made by convert-igpt.")
@click.option("--from-run", type=PATH, metavar="RUN", help="Write the layers of this run folder in the same format instead.")
@click.option("-o", "--to", default="results", show_default=True, type=PATH, metavar="DIR", help="Results folder.")
@click.option(
    "--model", type=NearChoice(SIZES), help="Refuse a checkpoint of another size; stands in the file names.  [its own size]"
)
@click.option("--split", default="train", show_default=True, type=NearChoice(("train", "valid", "test")), help="Which arrays.")
@click.option("--hidden-repr", "layers", type=int, multiple=True, metavar="L", help="Only this layer; may be repeated.  [all]")
@click.option("--logits", is_flag=True, help="The mean logits as one layer more, as in the published curves.")
@click.option(
    "--images-per-class", default=300, show_default=True, type=click.IntRange(1), help="The first so many of each class."
)
@click.option("--classes", type=PATH, metavar="FILE", help="Class ids, one per line.  [the paper's 300; of cifar10 all]")
@click.option("--batch-size", default=8, show_default=True, type=click.IntRange(1), help="Images per forward pass.")
@click.option("--maxk", default=50, show_default=True, type=click.IntRange(2), help="Neighbours per point besides itself.")
@click.option("--activations", is_flag=True, help="Keep the states, too.")
@click.option("--untrained", is_flag=True, help="Fresh weights, drawn as OpenAI's training starts.")
@click.option("--seed", default=42, show_default=True, help="For --untrained.")
@click.option(
    "--convention", default="exact", show_default=True, type=NearChoice(("exact", "paper")), help="Ratios of duplicates."
)
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, ...")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def distances(quiet: bool, from_run: Path | None, data_path: Path | None, **options: Any) -> None:
    """Neighbours, distances and ratios of every layer for 300 classes of ImageNet, in the files of the paper's scripts.

    One streamed pass over the images; a killed call goes on where it was, a second call does nothing.

    \b
    Examples:
      dimscope paper distances --ckpt-path models/igpt-small --data-path data
      dimscope paper distances --model small --untrained --data-path data --hidden-repr 16
      dimscope paper distances --from-run runs/demo --to results
    """
    from dimscope.cli.progress import choose_progress
    from dimscope.errors import UsageError
    from dimscope.paper.distances import Request
    from dimscope.paper.distances import distances as write_distances
    from dimscope.paper.export import export_run

    progress = choose_progress(quiet)
    if from_run is not None:
        written, left_out = export_run(from_run, Request(data_path=from_run, **options), progress)
        for sentence in left_out:
            click.echo(f"left out: {sentence}", err=True)
    elif data_path is None:
        raise UsageError("no images were named; give --data-path DIR, or --from-run RUN.")
    else:
        written = write_distances(Request(data_path=data_path, **options), progress)
    for path in written:
        click.echo(path)


@paper.command(short_help="The published figures, and a CSV of their numbers.")
@click.option("--data", type=PATH, metavar="DIR", help="Folder of the downloaded arrays.")
@click.option("-o", "--to", default="results/plots", show_default=True, type=PATH, metavar="DIR", help="Where the figures go.")
@click.option(
    "--from-distances",
    type=PATH,
    is_flag=False,
    flag_value=BESIDE_DATA,
    metavar="[DIR]",
    help="Results folder of `paper distances`: read its tables instead of mus.  [without DIR: --data, or the folder it is in]",
)
@click.option(
    "--split", default="train", show_default=True, help="Split in the names of the tables, as train or train_untrained."
)
@click.option("--decimation", default=32, show_default=True, type=click.IntRange(1), help="One point of so many is kept.")
@click.option("--repeats", default=4, show_default=True, type=click.IntRange(1), help="Random subsets.")
@click.option(
    "--fraction",
    default=0.98,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of the ratios that is fitted.",
)
@click.option(
    "--overlap-k", "k", default=10, show_default=True, type=click.IntRange(1), help="Neighbours of the label overlap."
)
@click.option(
    "--convention",
    default="exact",
    show_default=True,
    type=NearChoice(("exact", "paper")),
    help="Formulas: corrected, or the paper's own.",
)
@click.option("--published", is_flag=True, help="Overlay the published curves (digitised, +-0.3).")
@click.option("--seed", default=0, show_default=True, help="For the subsets.")
def plot(data: Path | None, to: Path, published: bool, **options: Any) -> None:
    """Both published figures, dimension and label overlap of iGPT and ESM-2, and a CSV of every number in them.

    What is missing is named file by file on stderr; the rest is drawn.

    \b
    Example:
      dimscope paper plot --data results/data --to results/plots --published
    """
    from dimscope.errors import UsageError
    from dimscope.paper.curves import Source
    from dimscope.paper.figures import write_figures
    from dimscope.paper.gather import all_curves
    from dimscope.paper.tabled import results_of

    results = options["from_distances"]
    if data is None and results in (None, BESIDE_DATA):
        raise UsageError("nothing to plot was named; give --data DIR with the downloaded arrays, or --from-distances DIR.")
    if data is not None and results == BESIDE_DATA:
        options["from_distances"] = results_of(data)
    curves, missing = all_curves(Source(data=data, **options))
    for sentence in missing:
        click.echo(f"left out: {sentence}", err=True)
    for path in write_figures(curves, to, published=published, k=options["k"]):
        click.echo(path)
