"""Training a model by `fit`, from the last epoch that was finished."""

import sys
from dataclasses import dataclass

import keras
import tensorflow as tf

from kerasseg import data
from kerasseg.callbacks import (
    AverageWeights,
    BestModel,
    EpochCheckpoint,
    LearningRateLog,
    PartialExecution,
    Progress,
    StopOnNonFinite,
    without_length,
)
from kerasseg.data.streams import Split
from kerasseg.errors import KerassegError
from kerasseg.evaluation.metrics import MeanIoU
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet
from kerasseg.losses import SegmentationCrossentropy
from kerasseg.models.freezing import backbones_of, freeze_stages
from kerasseg.optimizers.from_recipe import optimizer_of, plateau_of, schedule_of
from kerasseg.recipe import Recipe, TrainingRecipe
from kerasseg.run import Run
from kerasseg.training_graph import training_graph


@dataclass(frozen=True)
class Trained:
    """A model whose training has ended, and the seconds that `fit` took, all starts together."""

    model: keras.Model
    seconds: float


def check_training(
    training: TrainingRecipe, num_images: int, labels: LabelSet, strategy: tf.distribute.Strategy
) -> None:
    """Raises a `KerassegError` for a setting that the data or the devices rule out."""
    replicas = strategy.num_replicas_in_sync
    weights = len(training.class_weights)
    if weights not in (0, labels.num_classes):
        raise KerassegError(
            f"training.class_weights has {weights} weights for {labels.num_classes} classes; give "
            "one a class, or none."
        )
    if training.batch_size % replicas or training.batch_size > num_images:
        raise KerassegError(
            f"training.batch_size {training.batch_size} with {num_images} training images on "
            f"{replicas} device(s): give a multiple of {replicas}, at most {num_images}."
        )
    if training.jit_compile and replicas > 1:
        raise KerassegError(
            f"training.jit_compile works on one device; training.devices has {replicas}."
        )


def train(
    model: keras.Model,
    recipe: Recipe,
    train_pairs: Split,
    validation: Split,
    labels: LabelSet,
    run: Run,
    strategy: tf.distribute.Strategy,
) -> Trained:
    """Fits a model by its recipe and leaves its last and its best weights in the run.

    Args:
        model: The plain model, built in the scope of `strategy`.
        recipe: What to do.
        train_pairs: What it learns from.
        validation: What the best epoch is chosen by.
        labels: The classes and the void label of both.
        run: Where `model.keras`, `best.keras`, `history.csv`, `tensorboard` and `checkpoint` go.
        strategy: The devices.
    """
    training = recipe.training
    steps = len(train_pairs) // training.batch_size
    backbones = backbones_of(model)
    for backbone in backbones:
        freeze_stages(backbone, training.frozen_stages)
    with strategy.scope():
        twin = training_graph(model, training.batch_norm, [one.name for one in backbones])
        schedule = schedule_of(recipe, steps)
        _compile(twin, recipe, labels, optimizer_of(model, recipe, schedule))
    progress = Progress(training.batch_size, steps, training.epochs)
    best = BestModel(model, run.file("best.keras"))
    plateau = plateau_of(schedule, recipe)
    checkpoint = EpochCheckpoint(
        run.file("checkpoint"),
        run.file("history.csv"),
        {"progress": progress, "best": best, **plateau},
    )
    with strategy.scope():
        done = checkpoint.restore(twin)
    if done:
        print(f"going on after epoch {done} of {training.epochs}")
    if done < training.epochs:
        callbacks = _callbacks(checkpoint, progress, best, run, recipe, list(plateau.values()))
        _fit(twin, recipe, train_pairs, validation, labels, callbacks, done, strategy)
    else:
        twin.optimizer.finalize_variable_values(twin.trainable_variables)
    with atomic_file(run.file("model.keras")) as temporary:
        model.save(temporary)
    return Trained(model, progress.seconds)


def _compile(
    twin: keras.Model, recipe: Recipe, labels: LabelSet, optimizer: keras.optimizers.Optimizer
) -> None:
    weights = recipe.training.class_weights or None
    twin.compile(
        optimizer=optimizer,
        loss=SegmentationCrossentropy(labels.ignore_label, weights),
        metrics=[MeanIoU(labels.num_classes, labels.ignore_label)],
        jit_compile=recipe.training.jit_compile,
        steps_per_execution=recipe.training.steps_per_execution,
    )
    # `fit` would do so while it traces its first step, and trace that a second time.
    twin.optimizer.build(twin.trainable_variables)


def _callbacks(
    checkpoint: EpochCheckpoint,
    progress: Progress,
    best: BestModel,
    run: Run,
    recipe: Recipe,
    plateau: list[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    # `best` saves before the raw weights come back, the checkpoint of the epoch after that.
    average = [AverageWeights()] if recipe.optimizer.average else []
    board = keras.callbacks.TensorBoard(str(run.file("tensorboard")), write_graph=False)
    # The checkpoint keeps the state of those before it, and the rate in the epoch's logs.
    rates = [*plateau, LearningRateLog()]
    partial = PartialExecution(progress.steps_per_epoch)
    return [partial, StopOnNonFinite(), progress, best, *average, *rates, board, checkpoint]


def _fit(
    twin: keras.Model,
    recipe: Recipe,
    train_pairs: Split,
    validation: Split,
    labels: LabelSet,
    callbacks: list[keras.callbacks.Callback],
    done: int,
    strategy: tf.distribute.Strategy,
) -> None:
    training, draws = recipe.training, recipe.augmentation
    steps = len(train_pairs) // training.batch_size
    replicas = strategy.num_replicas_in_sync
    every = range(training.validate_every, training.epochs, training.validate_every)
    batches = data.training_batches(
        train_pairs,
        labels,
        batch_size=training.batch_size,
        seed=training.seed,
        first_epoch=done,
        epochs=training.epochs,
        cache=recipe.data.cache,
        **draws.model_dump(),
    )
    if steps % training.steps_per_execution:
        batches = without_length(batches)
    twin.fit(
        batches,
        validation_data=data.evaluation_batches(
            validation, labels, batch_size=training.batch_size, pad_to_multiple=replicas
        ),
        epochs=training.epochs,
        initial_epoch=done,
        steps_per_epoch=steps,
        validation_freq=[*every, training.epochs],
        callbacks=callbacks,
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 2,
    )
