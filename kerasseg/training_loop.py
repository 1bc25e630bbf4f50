"""Training a model by `fit`, from the last epoch that was finished."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import tensorflow as tf

from kerasseg import data
from kerasseg.auxiliary_heads import DeeplySupervisedModel, with_auxiliary_heads
from kerasseg.callbacks import (
    AverageWeights,
    BestModel,
    EpochCheckpoint,
    Progress,
    StopOnNonFinite,
    ValidationBoard,
)
from kerasseg.data.streams import Split, decoded, some_examples
from kerasseg.errors import KerassegError
from kerasseg.evaluation.metrics import MeanIoU
from kerasseg.files import atomic_file
from kerasseg.input_share import input_share
from kerasseg.label_set import LabelSet
from kerasseg.models.freezing import backbones_of, freeze_stages
from kerasseg.optimizers import variable_multipliers, with_multipliers
from kerasseg.recipe import Recipe, TrainingRecipe
from kerasseg.run import Run
from kerasseg.schedules import PolySchedule
from kerasseg.training_graph import training_graph
from kerasseg.training_loss import loss_of_run
from kerasseg.workers import Workers


@dataclass(frozen=True)
class Trained:
    """A model whose training has ended.

    Attributes:
        model: The plain model.
        seconds: What `fit` took, all starts together.
        input_share: The part of a step that its images were waited for; None where this start
            had nothing left to train.
    """

    model: keras.Model
    seconds: float
    input_share: float | None = None


def check_training(
    training: TrainingRecipe, num_images: int, strategy: tf.distribute.Strategy
) -> None:
    """Raises a `KerassegError` for a setting that the data or the devices rule out."""
    replicas = strategy.num_replicas_in_sync
    if training.batch_size % replicas or training.batch_size > num_images:
        raise KerassegError(
            f"training.batch_size {training.batch_size} with {num_images} training images on "
            f"{replicas} device(s): give a multiple of {replicas}, at most {num_images}."
        )
    if training.jit_compile and replicas > 1:
        raise KerassegError(
            f"training.jit_compile works on one device; training.devices has {replicas}."
        )


def check_for_several_machines(recipe: Recipe) -> None:
    """Raises a `KerassegError` for what `fit` cannot do on several machines."""
    if recipe.loss.auxiliary_weight:
        raise KerassegError(
            "loss.auxiliary_weight works on one machine, with as many devices as it has; TF_CONFIG "
            "names several. Set it to 0."
        )


def train(
    model: keras.Model,
    recipe: Recipe,
    train_pairs: Split,
    validation: Split,
    labels: LabelSet,
    run: Run,
    workers: Workers,
) -> Trained:
    """Fits a model by its recipe and leaves its last and its best weights in the run.

    Args:
        model: The plain model, built in the scope of the workers' strategy.
        recipe: What to do.
        train_pairs: What it learns from.
        validation: What the best epoch is chosen by.
        labels: The classes and the void label of both.
        run: Where `model.keras`, `best.keras`, `history.csv`, `tensorboard` and `checkpoint` go,
            which the chief of the workers writes.
        workers: The devices, of this machine or of several.
    """
    training = recipe.training
    steps = len(train_pairs) // training.batch_size
    loss = loss_of_run(recipe.loss, train_pairs, labels, run)
    backbones = backbones_of(model)
    for backbone in backbones:
        freeze_stages(backbone, training.frozen_stages)
    with workers.strategy.scope():
        twin = workers.ready_to_fit(_twin(model, recipe, [one.name for one in backbones]))
        _compile(twin, model, recipe, labels, steps, loss)
    progress = Progress(training.batch_size, steps, training.epochs)
    best = BestModel(model, run.file("best.keras"))
    checkpoint = EpochCheckpoint(
        run.file("checkpoint"), run.file("history.csv"), {"progress": progress, "best": best}
    )
    with workers.strategy.scope():
        done = checkpoint.restore(twin, workers)
    if done and workers.is_chief:
        print(f"going on after epoch {done} of {training.epochs}")
    share = None
    if done < training.epochs:
        board = _board(model, validation, labels, run if workers.is_chief else None, recipe)
        callbacks = _of_this_worker(_callbacks(checkpoint, progress, best, run, recipe), workers)
        with _keeping_the_moment(model, twin, run, workers):
            batches = _fit(
                twin, recipe, train_pairs, validation, labels, [*callbacks, board], done, workers
            )
        if progress.step_seconds and workers.cluster is None:
            share = input_share(twin, batches, progress.step_seconds)
    else:
        twin.optimizer.finalize_variable_values(twin.trainable_variables)
    if workers.is_chief:
        with atomic_file(run.file("model.keras")) as temporary:
            model.save(temporary)
    return Trained(model, progress.seconds, share)


def _twin(model: keras.Model, recipe: Recipe, backbones: list[str]) -> keras.Model:
    """Returns the model that trains, which shares the variables of the plain one."""
    graph = model
    if recipe.loss.auxiliary_weight:
        graph = with_auxiliary_heads(model, recipe.loss.auxiliary_strides)
    return training_graph(graph, recipe.training.batch_norm, backbones)


def _compile(
    twin: keras.Model,
    model: keras.Model,
    recipe: Recipe,
    labels: LabelSet,
    steps: int,
    loss: keras.losses.Loss,
) -> None:
    if isinstance(twin, DeeplySupervisedModel):
        twin.supervise(loss, recipe.loss.auxiliary_weight)
    twin.compile(
        optimizer=_optimizer(model, recipe, steps),
        loss=loss,
        metrics=[MeanIoU(labels.num_classes, labels.ignore_label)],
        jit_compile=recipe.training.jit_compile,
    )
    # `fit` would do so while it traces its first step, and trace that a second time.
    twin.optimizer.build(twin.trainable_variables)


def _optimizer(model: keras.Model, recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    wanted = recipe.optimizer
    own = {"SGD": {"momentum": 0.9}, "AdamW": {}}[wanted.name]
    optimizer = with_multipliers(getattr(keras.optimizers, wanted.name))(
        PolySchedule(
            wanted.learning_rate,
            steps * recipe.training.epochs,
            wanted.warmup_steps,
            wanted.power,
        ),
        weight_decay=wanted.weight_decay,
        learning_rate_multipliers=variable_multipliers(
            model, {one.name: wanted.backbone_multiplier for one in backbones_of(model)}
        ),
        use_ema=wanted.average > 0,
        ema_momentum=wanted.average or 0.99,
        **own,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if recipe.training.precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _callbacks(
    checkpoint: EpochCheckpoint, progress: Progress, best: BestModel, run: Run, recipe: Recipe
) -> list[keras.callbacks.Callback]:
    # `best` saves before the raw weights come back, the checkpoint of the epoch after that.
    average = [AverageWeights()] if recipe.optimizer.average else []
    board = keras.callbacks.TensorBoard(str(run.file("tensorboard")), write_graph=False)
    return [StopOnNonFinite(), progress, best, *average, board, checkpoint]


def _of_this_worker(
    callbacks: list[keras.callbacks.Callback], workers: Workers
) -> list[keras.callbacks.Callback]:
    """Returns those callbacks that act on the model; the chief alone writes files."""
    writing = (BestModel, EpochCheckpoint, keras.callbacks.TensorBoard)
    return [one for one in callbacks if workers.is_chief or not isinstance(one, writing)]


@contextmanager
def _keeping_the_moment(
    model: keras.Model, twin: keras.Model, run: Run, workers: Workers
) -> Iterator[None]:
    """Saves the weights of the moment when training is interrupted from the keyboard."""
    try:
        yield
    except KeyboardInterrupt:
        if workers.is_chief:
            twin.optimizer.finalize_variable_values(twin.trainable_variables)
            with atomic_file(run.file("interrupted.keras")) as temporary:
                model.save(temporary)
            print(
                f"the weights of this moment: {run.file('interrupted.keras')}; the same command "
                "goes on from the last epoch that had ended"
            )
        raise


def _board(
    model: keras.Model, validation: Split, labels: LabelSet, run: Run | None, recipe: Recipe
) -> ValidationBoard:
    """Returns what shows pictures; without a run it only takes part in adding up the matrix."""
    if run is None:
        return ValidationBoard(model, None, [], labels)
    examples = [decoded(each) for each in some_examples(validation, recipe.output.pictures)]
    return ValidationBoard(model, run.file("tensorboard") / "validation", examples, labels)


def _fit(
    twin: keras.Model,
    recipe: Recipe,
    train_pairs: Split,
    validation: Split,
    labels: LabelSet,
    callbacks: list[keras.callbacks.Callback],
    done: int,
    workers: Workers,
) -> tf.data.Dataset:
    training, draws = recipe.training, recipe.augmentation
    every = range(training.validate_every, training.epochs, training.validate_every)
    batches = data.training_batches(
        train_pairs,
        labels,
        batch_size=training.batch_size,
        seed=training.seed,
        first_epoch=done,
        epochs=training.epochs,
        cache=recipe.data.cache,
        share=workers.share,
        **draws.model_dump(),
    )
    seen = data.evaluation_batches(
        validation,
        labels,
        batch_size=training.batch_size,
        pad_to_multiple=workers.strategy.num_replicas_in_sync,
        share=workers.share,
    )
    twin.fit(
        workers.dealt_out(batches),
        validation_data=workers.dealt_out(seen),
        validation_steps=len(seen),
        epochs=training.epochs,
        initial_epoch=done,
        steps_per_epoch=len(train_pairs) // training.batch_size,
        validation_freq=[*every, training.epochs],
        callbacks=callbacks,
        shuffle=False,
        verbose=(1 if sys.stdout.isatty() else 2) if workers.is_chief else 0,
    )
    return batches
