"""What rules a training out before it begins."""

import tensorflow as tf

# Keras asks the same; there is no public name.
from tensorflow.python.framework.config import is_op_determinism_enabled

from kerasseg.errors import KerassegError
from kerasseg.recipe import Recipe, TrainingRecipe


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
    if training.jit_compile and is_op_determinism_enabled():
        raise KerassegError(
            "training.jit_compile = true has no effect in a process in which determinism is on: "
            "Keras leaves XLA out, and TensorFlow cannot turn determinism off again. A run with "
            "training.deterministic = true was here before: train in a process of its own."
        )


def check_for_several_machines(recipe: Recipe) -> None:
    """Raises a `KerassegError` for what `fit` cannot do on several machines."""
    if recipe.loss.auxiliary_weight:
        raise KerassegError(
            "loss.auxiliary_weight works on one machine, with as many devices as it has; TF_CONFIG "
            "names several. Set it to 0."
        )
    if recipe.training.steps_per_execution > 1:
        raise KerassegError(
            "training.steps_per_execution works on one machine: TensorFlow cannot run several "
            "steps in one call on several. Set it to 1."
        )
