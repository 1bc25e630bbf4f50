"""Training a model by `fit`, from the last epoch that was finished."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import keras
import tensorflow as tf

from kerasseg import data
from kerasseg.callbacks import (
    AverageWeights,
    BestModel,
    EarlyStop,
    EpochCheckpoint,
    EpochLine,
    EpochScalars,
    PartialExecution,
    Progress,
    ProgressBar,
    StopOnNonFinite,
    ValidationBoard,
    forget_later_epochs,
    without_length,
)
from kerasseg.data.feeds import names_in_feed
from kerasseg.data.streams import Split, decoded, some_examples
from kerasseg.evaluation.metrics import MeanIoU
from kerasseg.experiment.auxiliary_heads import DeeplySupervisedModel, with_auxiliary_heads
from kerasseg.experiment.input_share import input_share
from kerasseg.experiment.training_graph import training_graph
from kerasseg.experiment.training_loss import loss_of_run
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet
from kerasseg.models.freezing import backbones_of, freeze_stages
from kerasseg.optimizers.from_recipe import (
    learning_rate_log_of,
    optimizer_of,
    plateau_of,
    schedule_of,
)
from kerasseg.recipe import Recipe
from kerasseg.run import Run
from kerasseg.workers.workers import Workers


@dataclass(frozen=True)
class Trained:
    """A model whose training has ended.

    Attributes:
        model: The plain model.
        seconds: What `fit` took, all starts together.
        epochs: How many it has had, fewer than the recipe's where `training.stop_after` ended it.
        input_share: The part of a step that its images were waited for; None where this start
            made too few steps to tell, or several machines train.
    """

    model: keras.Model
    seconds: float
    epochs: int
    input_share: float | None = None


@dataclass(frozen=True)
class Training:
    """What is trained, on what and how; `finish` does it.

    Args:
        model: The plain model, built in the scope of the workers' strategy.
        recipe: What to do.
        split: What it learns from.
        validation: What the best epoch is chosen by.
        labels: The classes and the void label of both.
        run: Where `model.keras`, `best.keras`, `history.csv`, `tensorboard` and `checkpoint` go,
            which the chief of the workers writes.
        workers: The devices, of this machine or of several.
    """

    model: keras.Model
    recipe: Recipe
    split: Split
    validation: Split
    labels: LabelSet
    run: Run
    workers: Workers

    def finish(self) -> Trained:
        """Fits the model and leaves its last and its best weights in the run."""
        twin = self.twin()
        done, share = self._restore(twin), None
        if done < self.recipe.training.epochs and not self._has_stopped:
            with self._keeping_the_moment(twin):
                batches = self._fit(twin, done)
            done = max(done, self._progress.epochs_done)
            if self._progress.step_seconds and self.workers.cluster is None:
                share = input_share(twin, batches, self._progress.step_seconds)
        else:
            twin.optimizer.finalize_variable_values(twin.trainable_variables)
        if self.workers.is_chief:
            self._leave(done)
        return Trained(self.model, self._progress.seconds, done, share)

    def _restore(self, twin: keras.Model) -> int:
        """Returns how many epochs earlier starts have done."""
        with self.workers.strategy.scope():
            done = self._checkpoint.restore(twin, self.workers)
        if self.workers.is_chief:
            forget_later_epochs(self.run.file("tensorboard"), done)
            if done:
                print(f"going on after epoch {done} of {self.recipe.training.epochs}")
        return done

    def _leave(self, done: int) -> None:
        if self._has_stopped:
            training = self.recipe.training
            print(
                f"stopped after epoch {done} of {training.epochs}: {training.stop_after} "
                "validations without a better mean IoU (training.stop_after)"
            )
        with atomic_file(self.run.file("model.keras")) as temporary:
            self.model.save(temporary)

    @cached_property
    def _steps(self) -> int:
        """Steps in an epoch."""
        return len(self.split) // self.recipe.training.batch_size

    def twin(self) -> keras.Model:
        """Returns the model that trains, compiled, which shares the variables of the plain one."""
        loss = loss_of_run(self.recipe.loss, self.split, self.labels, self.run)
        backbones = backbones_of(self.model)
        for backbone in backbones:
            freeze_stages(backbone, self.recipe.training.frozen_stages)
        names = [backbone.name for backbone in backbones]
        with self.workers.strategy.scope():
            graph = self.model
            if self.recipe.loss.auxiliary_weight:
                graph = with_auxiliary_heads(graph, self.recipe.loss.auxiliary_strides)
            twin = training_graph(graph, self.recipe.training.batch_norm, names)
            twin = self.workers.ready_to_fit(twin)
            self._compile(twin, loss)
        return twin

    def _compile(self, twin: keras.Model, loss: keras.losses.Loss) -> None:
        if isinstance(twin, DeeplySupervisedModel):
            twin.supervise(loss, self.recipe.loss.auxiliary_weight)
        twin.compile(
            optimizer=optimizer_of(self.model, self.recipe, self._schedule),
            loss=loss,
            metrics=[MeanIoU(self.labels.num_classes, self.labels.ignore_label)],
            jit_compile=self.recipe.training.jit_compile,
            steps_per_execution=self.recipe.training.steps_per_execution,
        )
        # `fit` would do so while it traces its first step, and trace that a second time.
        twin.optimizer.build(twin.trainable_variables)

    @cached_property
    def _schedule(self) -> keras.optimizers.schedules.LearningRateSchedule:
        with self.workers.strategy.scope():
            return schedule_of(self.recipe, self._steps)

    @cached_property
    def _plateau(self) -> dict[str, keras.callbacks.Callback]:
        return {**plateau_of(self._schedule, self.recipe)}

    @cached_property
    def _early_stop(self) -> dict[str, EarlyStop]:
        patience = self.recipe.training.stop_after
        return {"early_stop": EarlyStop(patience)} if patience else {}

    @property
    def _has_stopped(self) -> bool:
        return any(one.stopped for one in self._early_stop.values())

    @cached_property
    def _progress(self) -> Progress:
        training = self.recipe.training
        return Progress(training.batch_size, self._steps, training.epochs)

    @cached_property
    def _best(self) -> BestModel:
        return BestModel(self.model, self.run.file("best.keras"))

    @cached_property
    def _checkpoint(self) -> EpochCheckpoint:
        always = {"progress": self._progress, "best": self._best}
        stateful = {**always, **self._plateau, **self._early_stop}
        run = self.run
        return EpochCheckpoint(run.file("checkpoint"), run.file("history.csv"), stateful)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Returns those callbacks that act on the model; the chief alone writes files."""
        chief = self.workers.is_chief
        # `best` saves before the raw weights come back, the checkpoint of the epoch after that,
        # with the state of those before it, the learning rates in the epoch's logs, and all that
        # TensorBoard shows of it written.
        return [
            PartialExecution(self._steps),
            StopOnNonFinite(self._names),
            self._progress,
            *([self._best] if chief else []),
            *([AverageWeights()] if self.recipe.optimizer.average else []),
            *self._plateau.values(),
            *self._early_stop.values(),
            learning_rate_log_of(self.recipe),
            *([EpochScalars(self.run.file("tensorboard"))] if chief else []),
            self._pictures(),
            *([self._checkpoint, self._shown()] if chief else []),
        ]

    @property
    def _on_terminal(self) -> bool:
        return self.workers.is_chief and sys.stdout.isatty()

    def _shown(self) -> keras.callbacks.Callback:
        """Returns what tells whoever waits how far the training is."""
        return ProgressBar(self._progress) if self._on_terminal else EpochLine(self._progress)

    def _names(self, epoch: int, steps: range) -> list[str]:
        """Returns the files of the images of some steps."""
        training = self.recipe.training
        size = training.batch_size
        places = range(steps.start * size, steps.stop * size)
        cache, seed = self.recipe.data.cache, training.seed
        return names_in_feed(self.split, cache, seed=seed, epoch=epoch, places=places)

    def _pictures(self) -> ValidationBoard:
        """Returns what shows pictures; beside the chief it only takes part in adding up."""
        if not self.workers.is_chief:
            return ValidationBoard(self.model, None, [], self.labels)
        shown = some_examples(self.validation, self.recipe.output.pictures)
        directory = self.run.file("tensorboard") / "validation"
        return ValidationBoard(self.model, directory, [decoded(one) for one in shown], self.labels)

    @contextmanager
    def _keeping_the_moment(self, twin: keras.Model) -> Iterator[None]:
        """Saves the weights of the moment when training is interrupted from the keyboard."""
        try:
            yield
        except KeyboardInterrupt:
            if self.workers.is_chief:
                twin.optimizer.finalize_variable_values(twin.trainable_variables)
                file = self.run.file("interrupted.keras")
                with atomic_file(file) as temporary:
                    self.model.save(temporary)
                print(
                    f"the weights of this moment: {file}; the same command goes on from the last "
                    "epoch that had ended"
                )
            raise

    def _fit(self, twin: keras.Model, done: int) -> tf.data.Dataset:
        """Trains the epochs that are left and returns the batches of the training."""
        training, workers = self.recipe.training, self.workers
        batches, seen = self.batches(done), self._seen()
        every = range(training.validate_every, training.epochs, training.validate_every)
        twin.fit(
            workers.dealt_out(batches),
            validation_data=workers.dealt_out(seen),
            validation_steps=len(seen),
            epochs=training.epochs,
            initial_epoch=done,
            steps_per_epoch=self._steps,
            validation_freq=[*every, training.epochs],
            callbacks=self.callbacks(),
            shuffle=False,
            # `callbacks` says what there is to be said; Keras' own bar would come without it.
            verbose=1 if self._on_terminal else 0,
        )
        return batches

    def batches(self, done: int) -> tf.data.Dataset:
        """Returns the batches of the training from an epoch on."""
        training = self.recipe.training
        batches = data.training_batches(
            self.split,
            self.labels,
            batch_size=training.batch_size,
            seed=training.seed,
            first_epoch=done,
            epochs=training.epochs,
            cache=self.recipe.data.cache,
            share=self.workers.share,
            **self.recipe.augmentation.model_dump(),
        )
        divides = self._steps % training.steps_per_execution == 0
        return batches if divides else without_length(batches)

    def _seen(self) -> tf.data.Dataset:
        return data.evaluation_batches(
            self.validation,
            self.labels,
            batch_size=self.recipe.training.batch_size,
            pad_to_multiple=self.workers.strategy.num_replicas_in_sync,
            share=self.workers.share,
        )
