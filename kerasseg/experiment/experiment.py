"""An experiment from its recipe to its run directory: data, model, training, evaluation."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from kerasseg.data.streams import (
    check_again,
    some_examples,
)
from kerasseg.errors import KerassegError
from kerasseg.evaluation.report.report import write_report
from kerasseg.experiment.checks import check_for_several_machines, check_training
from kerasseg.experiment.run_claim import check_free, claim
from kerasseg.experiment.splits import Splits, find_splits
from kerasseg.experiment.training_loop import Trained, Training
from kerasseg.experiment.training_loss import check_loss
from kerasseg.files import says_no_room
from kerasseg.recipe import ARCHITECTURES, Recipe
from kerasseg.run import Run
from kerasseg.workers.workers import Workers, take_part


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
        check_free(run, recipe, splits, overwrite)
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
            claim(run, recipe, splits, overwrite)
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
    from kerasseg.serving.images import fitting
    from kerasseg.serving.signatures import MAX_PIXELS
    from kerasseg.serving.versions import latest_version

    if any(run.file("serving").glob("[0-9]*")):  # a run that had ended and was started again
        path = latest_version(run.file("serving"))
    else:
        examples = [
            fitting(example.image_place, example.image, MAX_PIXELS)
            for example in some_examples(splits.validation, 4)
        ]
        path = export_saved_model(
            model, run.file("serving"), labels=splits.labels, warmup_images=examples
        )
    print(f"SavedModel for TensorFlow Serving: {path}")
