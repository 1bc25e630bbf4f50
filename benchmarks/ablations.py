"""The papers' comparisons, on CamVid: trains every variant with three seeds and writes a page.

    python -m benchmarks.ablations --data-dir DIR [--only NAME ...] [--seeds 0 1 2] [--list]

Each run is a process of `training.train` on `benchmarks/ablations.toml` with the settings of its
configuration, in `runs/ablations/NAME/seed-0`. When it has ended, `result.json` is written there
and the weights are deleted. The tables go to docs/ablations.md, the results of the single runs to
docs/ablations.json. Started again the program goes on: a run that has its result is not trained
again, one that was interrupted is begun anew, so that its processor time is that of a whole run.
Several of these programs may run beside each other on disjoint `--only`, a core each; `--table`
then writes the tables. `--set` tries another budget in another `--output`; the page is then left
as it is, unless `--page` names one.
"""

import argparse
import dataclasses
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ablation_table import Configuration, Result, tables
from kerasseg.command_line import program
from kerasseg.errors import KerassegError, unknown_name
from kerasseg.files import atomic_file
from kerasseg.recipe import Recipe, read_recipe
from kerasseg.run import Run

if TYPE_CHECKING:
    from kerasseg.experiment.splits import Splits

PROGRAM = "benchmarks/ablations.py"
RECIPE = Path(__file__).with_suffix(".toml")
PAGE = Path(__file__).parents[1] / "docs" / "ablations.md"
SIZE = (360, 480)  # CamVid's photos, for which multiply-adds are counted
KEPT = {"result.json", "metrics.json", "recipe.toml", "run.json", "history.csv"}

_REFINENET = ("model.architecture=RefineNet", "model.filters=64", "model.coarse_filters=128")
_EFFICIENTFCN = (
    "model.architecture=EfficientFCN",
    "model.fusion_filters=256",
    "model.codeword_filters=512",
)
_CODEWORDS = (8, 16, 32, 64, 128, 256)
_REFERENCE_CODEWORDS = 64  # The nearest to the paper's advice, four times the 11 classes.


def _refinenet(name: str, label: str, *settings: str, reference: bool = False) -> Configuration:
    return Configuration(name, "RefineNet", label, (*_REFINENET, *settings), reference)


def _efficientfcn(codewords: int) -> Configuration:
    settings = (*_EFFICIENTFCN, f"model.num_codewords={codewords}")
    name, label = f"efficientfcn-{codewords}", f"{codewords} codewords"
    reference = codewords == _REFERENCE_CODEWORDS
    return Configuration(name, "EfficientFCN", label, settings, reference)


CONFIGURATIONS = (
    _refinenet("refinenet", "4-cascaded, one scale, 2 pooling blocks, `pool_conv`", reference=True),
    _refinenet("refinenet-2-cascaded", "2-cascaded", "model.cascade=2"),
    _refinenet("refinenet-single", "single", "model.cascade=1"),
    _refinenet("refinenet-2-scales", "two scales, 1.2 and 0.6", "model.scales=[1.2, 0.6]"),
    _refinenet("refinenet-conv-pool", "2 blocks, `conv_pool`", "model.pooling_order=conv_pool"),
    _refinenet("refinenet-4-blocks", "4 blocks, `pool_conv`", "model.pooling_blocks=4"),
    _refinenet(
        "refinenet-4-blocks-conv-pool",
        "4 blocks, `conv_pool`",
        "model.pooling_blocks=4",
        "model.pooling_order=conv_pool",
    ),
    *map(_efficientfcn, _CODEWORDS),
    Configuration(
        f"efficientfcn-{_REFERENCE_CODEWORDS}-unguided",
        "EfficientFCN",
        f"{_REFERENCE_CODEWORDS} codewords, without guidance",
        (*_efficientfcn(_REFERENCE_CODEWORDS).settings, "model.guided=false"),
    ),
)


@dataclasses.dataclass(frozen=True)
class Job:
    """A run that is asked for: a configuration and a seed, and where it goes."""

    configuration: Configuration
    seed: int
    settings: tuple[str, ...]
    recipe: Recipe
    run: Run

    @property
    def name(self) -> str:
        """What the messages call it."""
        return f"{self.configuration.name}, seed {self.seed}"

    def result(self) -> Result | None:
        """Returns what the run has left, None where it has not ended.

        Raises:
            KerassegError: If it is the result of another recipe.
        """
        path = self.run.file("result.json")
        if not path.is_file():
            return None
        try:
            result = Result(**json.loads(path.read_text()))
        except (ValueError, TypeError):
            raise KerassegError(
                f"{path} is no result of this program. Delete it, and the run is done again."
            ) from None
        if result.recipe != self.recipe.fingerprint:
            raise KerassegError(
                f"{path} is the result of another recipe than {RECIPE.name} with these settings. "
                "Give another --output, or delete it."
            )
        return result


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what has not been trained yet and writes the tables."""
    options = _parser().parse_args(arguments)
    for name in options.only:
        if name not in _names():
            raise unknown_name("configuration", name, _names())
    jobs = list(_jobs(options))
    if options.list:
        for job in jobs:
            print(f"{job.name}: {'done' if job.result() else 'to do'}")
        return
    if not options.table:
        wanted = options.only or _names()
        _train_all([job for job in jobs if job.configuration.name in wanted], options)
    done = [result for job in jobs if (result := job.result())]
    text = page_text(jobs, done)
    print(text)
    if options.page or not options.set:
        from benchmarks import page_table

        page = options.page or PAGE
        page_table.replace(PROGRAM, text, page)
        _write_results(done, page.with_suffix(".json"))


def _write_results(done: Sequence[Result], path: Path) -> None:
    """Leaves what the tables are the means of."""
    if done:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps([*map(dataclasses.asdict, done)], indent=2) + "\n")


def _names() -> list[str]:
    return [each.name for each in CONFIGURATIONS]


def _jobs(options: argparse.Namespace) -> Iterator[Job]:
    for each in CONFIGURATIONS:
        for seed in dict.fromkeys(options.seeds):
            settings = (*each.settings, *options.set, f"training.seed={seed}")
            recipe = read_recipe(RECIPE, settings)
            run = Run(options.output / each.name / f"seed-{seed}")
            yield Job(each, seed, settings, recipe, run)


def _train_all(jobs: Sequence[Job], options: argparse.Namespace) -> None:
    from kerasseg.experiment.splits import find_splits

    splits = find_splits(jobs[0].recipe, options.data_dir)
    for number, job in enumerate(jobs, start=1):
        result = job.result()
        if result is None:
            print(f"{number} of {len(jobs)}: {job.name}", flush=True)
            result = _train(job, len(splits.train), options)
        _check_data(job, result, splits)
        _delete_all_but(job.run, KEPT)


def _train(job: Job, train_images: int, options: argparse.Namespace) -> Result:
    """A process of its own, so that the memory of one run does not burden the next."""
    command = [sys.executable, "-m", options.program, str(RECIPE), "--run-dir", str(job.run.path)]
    command += ["--overwrite"] if job.run.path.exists() else []
    command += ["--data-dir", options.data_dir] if options.data_dir else []
    command += [part for setting in job.settings for part in ("--set", setting)]
    before = _processor_seconds()
    if subprocess.run(command, check=False).returncode:
        raise KerassegError(
            f"{job.name} has not ended well; what it said stands above. The same command goes on."
        )
    result = _measured(job, train_images, _processor_seconds() - before)
    with atomic_file(job.run.file("result.json")) as temporary:
        temporary.write_text(json.dumps(dataclasses.asdict(result), indent=2) + "\n")
    return result


def _processor_seconds() -> float:
    """What the processes that this one has started and seen end took of all cores."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _measured(job: Job, train_images: int, processor_seconds: float) -> Result:
    import math

    from kerasseg.macs import count_macs

    metrics = json.loads(job.run.file("metrics.json").read_text())
    model = job.run.load_model()
    model.trainable = True  # the frozen stages too, whose parameters are counted
    return Result(
        configuration=job.configuration.name,
        seed=job.seed,
        recipe=job.recipe.fingerprint,
        data=job.run.description.fingerprint,
        mean_iou=metrics["mean_iou"],
        processor_seconds=processor_seconds,
        train_images=train_images,
        parameters=sum(math.prod(weight.shape) for weight in model.trainable_weights),
        macs=count_macs(model, SIZE),
    )


def _check_data(job: Job, result: Result, splits: "Splits") -> None:
    if result.data != splits.fingerprint:
        raise KerassegError(
            f"{job.run.path} holds the result of other data than --data-dir has. Give another "
            "--output, or delete it."
        )


def _delete_all_but(run: Run, kept: set[str]) -> None:
    for path in run.path.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in kept:
            path.unlink()


def page_text(jobs: Sequence[Job], done: Sequence[Result]) -> str:
    """Returns what stands between the marks of the page: the budget, and the tables.

    Args:
        jobs: Every run that belongs to the comparison, done or not.
        done: The results of those that are done.

    Raises:
        KerassegError: If their results are those of different data.
    """
    if not done:
        return (
            f"Not run yet. `python -m benchmarks.ablations --data-dir DIR` trains the {len(jobs)} "
            "networks and writes the tables here."
        )
    if any(result.data != done[0].data for result in done):
        raise KerassegError("the results are those of different data sets: give another --output.")
    results: dict[str, list[Result]] = {}
    for result in done:
        results.setdefault(result.configuration, []).append(result)
    return f"{_budget(jobs, done)}\n\n{tables(CONFIGURATIONS, results)}"


def _budget(jobs: Sequence[Job], done: Sequence[Result]) -> str:
    recipe, images = jobs[0].recipe, done[0].train_images
    training, (height, width) = recipe.training, recipe.augmentation.crop_size
    steps = training.epochs * (images // training.batch_size)
    seeds = ", ".join(str(seed) for seed in dict.fromkeys(job.seed for job in jobs))
    minutes = sum(result.processor_seconds for result in done) / 60
    return (
        f"Each run has {steps:,} steps of {training.batch_size} crops of {height}x{width}: "
        f"{training.epochs} epochs of {images} photos, {steps * training.batch_size:,} crops. "
        f"{len(done)} of {len(jobs)} runs were done (seeds {seeds}), {minutes:.0f} minutes of one "
        f"core in all. GMAC are those of one photo of {SIZE[0]}x{SIZE[1]}; core minutes are those "
        "of a whole run, its start and its evaluation too; they and mean IoU are means over the "
        "seeds, ± the standard deviation between them."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablations", description=__doc__)
    parser.add_argument("--data-dir", help="where CamVid lies")
    parser.add_argument("--output", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="trains these alone")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--list", action="store_true", help="says what is done; trains nothing")
    parser.add_argument("--table", action="store_true", help="writes the tables; trains nothing")
    parser.add_argument("--page", type=Path, help=f"where the tables go (default: {PAGE.name})")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--program", default="training.train", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
