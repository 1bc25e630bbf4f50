"""An experiment from its recipe to its run directory: data, model, training, evaluation."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import keras
import tensorflow as tf

from kerasseg import checkout
from kerasseg.data.checking import say_absent, say_skipped
from kerasseg.data.streams import (
    Split,
    check_again,
    checked,
    fingerprint_of_split,
    some_examples,
)
from kerasseg.errors import KerassegError
from kerasseg.evaluation.report import write_report
from kerasseg.files import atomic_file, remove_partial, says_no_room
from kerasseg.label_set import LabelSet
from kerasseg.recipe import ARCHITECTURES, Recipe, difference, open_source, read_recipe, recipe_text
from kerasseg.run import Run, RunDescription
from kerasseg.training_checks import check_for_several_machines, check_training
from kerasseg.training_loop import Trained, Training
from kerasseg.training_loss import check_loss
from kerasseg.version import __version__
from kerasseg.workers import Workers, take_part


@dataclass(frozen=True)
class Splits:
    """What a run learns from and is measured on, checked, and why examples were left out."""

    train: Split
    validation: Split
    labels: LabelSet
    fingerprint: dict[str, str | int]
    skipped: tuple[str, ...] = ()


def run_experiment(
    recipe: Recipe,
    run_dir: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Run:
    """Trains by a recipe, or goes on where an earlier start of it ended, and evaluates.

    Where the environment variable `TF_CONFIG` names several machines, all train one model; the
    chief among them evaluates and writes, while the others wait.

    Args:
        recipe: What to do.
        run_dir: Where to leave it; see `kerasseg.run.Run` for the files.
        data_dir: Where the data lies, if not where the recipe says.
        overwrite: Whether a run that is there already may be deleted first.

    Returns:
        The run, with `model.keras`, `metrics.json` and the pictures written.

    Raises:
        KerassegError: If the data, the run directory or an argument cannot be used, when what was
            trained before is untouched; or another machine is missing or gone.

    Example:
        >>> from kerasseg.data import shapes
        >>> from kerasseg.recipe import EXAMPLE, parse_recipe
        >>> settings = (
        ...     "model.backbone=mobilenet",
        ...     "model.backbone_weights=none",
        ...     "data.dataset=shapes",
        ...     "augmentation.crop_size=[64, 64]",
        ...     "training.epochs=1",
        ...     "training.batch_size=2",
        ...     "training.deterministic=false",
        ... )
        >>> recipe = parse_recipe(EXAMPLE, settings)
        >>> folder = shapes.write("shapes", train=2, val=1)
        >>> run = run_experiment(recipe, "runs/tiny", data_dir=folder)  # doctest: +ELLIPSIS
        epoch 1/1: loss ...
        seconds spent in training: ...
        >>> run.load_model().output_shape
        (None, None, None, 8)
    """
    run = Run(run_dir)
    # Before the data are read and converted, which can take hours.
    recipe.model.check_weights()
    workers = take_part(recipe)
    splits = find_splits(recipe, data_dir)
    if workers.is_chief:
        _check_free(run, recipe, splits, overwrite)
    with _naming_bad_files(splits), workers.noticing_losses():
        workers.check_equal("the data", json.dumps(splits.fingerprint, sort_keys=True))
        trained = _train(recipe, splits, run, overwrite, workers)
        if workers.is_chief:
            _report(run, recipe, splits, trained)
        workers.wait_for_all()
    return run


def _report(run: Run, recipe: Recipe, splits: Splits, trained: Trained) -> None:
    write_report(
        run,
        trained.model,
        splits.validation,
        splits.labels,
        num_pictures=recipe.output.pictures,
        facts={
            "training_seconds": round(trained.seconds, 1),
            "input_share": trained.input_share and round(trained.input_share, 3),
            "epochs": trained.epochs,
            "skipped": splits.skipped,
        },
    )
    print(f"seconds spent in training: {trained.seconds:.0f}")
    if trained.input_share is not None:
        print(f"waiting for images: {trained.input_share:.1%} of a step")
    if recipe.output.saved_model:
        _export(run, trained.model, splits)


def find_splits(recipe: Recipe, data_dir: str | os.PathLike[str] | None) -> Splits:
    """Returns the checked splits of a recipe's data set; `shapes` is generated if need be.

    What is left out of them is said on standard error.
    """
    labels, find = open_source(recipe.data, data_dir)
    found = [find(name) for name in (recipe.data.train_split, recipe.data.validation_split)]
    parts = [checked(split, labels, recipe.data.on_error) for split in found]
    train_split, validation = (part.split for part in parts)
    skipped = tuple(message for part in parts for message in part.skipped)
    say_skipped(skipped, sum(len(part.split) + len(part.skipped) for part in parts))
    say_absent(parts[0].absent, f"the split {recipe.data.train_split!r}")
    fingerprint: dict[str, str | int] = {
        "train": fingerprint_of_split(train_split),
        "validation": fingerprint_of_split(validation),
    }
    if recipe.data.dataset == "shapes":
        from kerasseg.data.shapes import GENERATOR_VERSION

        fingerprint["generator_version"] = GENERATOR_VERSION
    return Splits(train_split, validation, labels, fingerprint, skipped)


@contextmanager
def _naming_bad_files(splits: Splits) -> Iterator[None]:
    """Names the file for an error of a decoder, which does not say what it was decoding.

    TensorBoard's files are written by TensorFlow, which has an error of its own for a full disk.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if says_no_room(error):
            raise KerassegError(
                f"a file cannot be written: {error.message}. Make room; the same command goes on "
                "from the last epoch that had ended."
            ) from error
        for split in (splits.train, splits.validation):
            try:
                check_again(split, splits.labels)
            except KerassegError as found:
                raise KerassegError(
                    f"{found}\nIt could be read when the run began: with it restored the same "
                    "command goes on."
                ) from error
        raise


def _check_free(run: Run, recipe: Recipe, splits: Splits, overwrite: bool) -> None:
    """Refuses a run directory that is neither new nor of the same experiment."""
    if run.path.exists() and not run.path.is_dir():
        raise KerassegError(f"--run-dir {run.path} is a file; give a directory.")
    is_run = run.file("run.json").is_file()
    if not (overwrite and is_run) and any(map(_is_whole, _entries(run))):
        _check_same(run, recipe, splits)


def _entries(run: Run) -> list[Path]:
    return list(run.path.iterdir()) if run.path.is_dir() else []


def _is_whole(path: Path) -> bool:
    """Returns False for what a start that was killed left of a file that it was writing."""
    return not (path.name.startswith(".") and ".partial" in path.name)


def _claim(run: Run, recipe: Recipe, splits: Splits, overwrite: bool) -> None:
    """Makes the directory that of the experiment, unless it is that already."""
    if overwrite:
        _delete(run)
    remove_partial(run.path)
    if not run.file("run.json").is_file():
        run.describe(_description(recipe, splits))
    if not run.file("recipe.toml").is_file():
        with atomic_file(run.file("recipe.toml")) as temporary:
            temporary.write_text(recipe_text(recipe), encoding="utf-8")


def _delete(run: Run) -> None:
    # run.json goes last: without it the rest would be taken for somebody else's files.
    for path in sorted(_entries(run), key=lambda path: path.name == "run.json"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _check_same(run: Run, recipe: Recipe, splits: Splits) -> None:
    if not run.file("run.json").is_file():
        raise KerassegError(
            f"{run.path} is not empty and holds no run. Give a new directory as --run-dir."
        )
    remedy = "Choose another --run-dir, or say --overwrite to delete what was trained there."
    if run.description.recipe_hash != recipe.fingerprint:
        there = read_recipe(run.file("recipe.toml"))
        raise KerassegError(
            f"{run.path} holds a run of another recipe: {difference(recipe, there)}. {remedy}"
        )
    if run.description.fingerprint != splits.fingerprint:
        raise KerassegError(f"{run.path} was trained on other data than this. {remedy}")


def _description(recipe: Recipe, splits: Splits) -> RunDescription:
    return RunDescription(
        kerasseg_version=__version__,
        architecture=recipe.model.architecture,
        class_names=splits.labels.class_names,
        palette=splits.labels.colours,
        ignore_label=splits.labels.ignore_label,
        dataset=recipe.data.dataset,
        fingerprint=splits.fingerprint,
        recipe_hash=recipe.fingerprint,
        versions={
            "python": ".".join(map(str, sys.version_info[:3])),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy")},
        },
        commit=checkout.commit(),
    )


def _train(recipe: Recipe, splits: Splits, run: Run, overwrite: bool, workers: Workers) -> Trained:
    training = recipe.training
    check_training(training, len(splits.train), workers.strategy)
    check_loss(recipe.loss, splits.labels)
    if workers.cluster is not None:
        check_for_several_machines(recipe)
    if training.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(training.seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(training.precision)
    try:
        with workers.strategy.scope():
            model = build_model(recipe, splits.labels.num_classes)
        # Not before: until here anything that cannot be used has cost nothing.
        if workers.is_chief:
            _claim(run, recipe, splits, overwrite)
        parts = splits.train, splits.validation, splits.labels
        return Training(model, recipe, *parts, run, workers).finish()
    finally:
        keras.config.set_dtype_policy(policy)


def build_model(recipe: Recipe, num_classes: int) -> keras.Model:
    """Returns the model that a recipe describes, under the global dtype policy."""
    wanted = recipe.model
    return ARCHITECTURES[wanted.architecture](
        wanted.backbone,
        num_classes,
        backbone_weights=_unless_none(wanted.backbone_weights),
        weights=_unless_none(wanted.weights),
        **wanted.options,
    )


def _unless_none(weights: str) -> str | None:
    return None if weights == "none" else weights


def _export(run: Run, model: keras.Model, splits: Splits) -> None:
    from kerasseg.serving import export_saved_model
    from kerasseg.serving.versions import latest_version

    if any(run.file("serving").glob("[0-9]*")):  # a run that had ended and was started again
        path = latest_version(run.file("serving"))
    else:
        examples = [example.image for example in some_examples(splits.validation, 4)]
        path = export_saved_model(
            model, run.file("serving"), labels=splits.labels, warmup_images=examples
        )
    print(f"SavedModel for TensorFlow Serving: {path}")
