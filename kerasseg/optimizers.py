"""Optimizers with a learning rate of its own for each part of a model."""

import functools
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError, unknown_name


def variable_multipliers(model: keras.Model, by_layer: Mapping[str, float]) -> dict[str, float]:
    """Returns the factor of each variable's path for factors given by layer.

    Args:
        model: A model as the builders return it, whose backbone is one layer.
        by_layer: Name of a layer of the model, a nested model as a rule, to its factor.

    Raises:
        KerassegError: If the model has no such layer, or a variable outside of it has the same
            path as one within, so that the factor could not tell them apart.

    Example:
        >>> head = keras.layers.Dense(2, name="head")
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, head(inputs))
        >>> variable_multipliers(model, {"head": 0.1})
        {'head/kernel': 0.1, 'head/bias': 0.1}
    """
    factors: dict[int, float] = {}
    names = [layer.name for layer in model.layers]
    for name, factor in by_layer.items():
        if name not in names:
            raise unknown_name("layer in the learning-rate multipliers", name, names)
        factors |= {id(variable): float(factor) for variable in model.get_layer(name).variables}
    by_path: dict[str, float] = {}
    for variable in model.variables:
        factor = factors.get(id(variable), 1.0)
        if by_path.setdefault(variable.path, factor) != factor:
            raise KerassegError(
                f"two variables with different learning-rate multipliers are named "
                f"{variable.path!r}; give the layers of the backbone and the decoder names of "
                "their own."
            )
    return {path: factor for path, factor in by_path.items() if factor != 1.0}


@functools.cache
def with_multipliers(
    optimizer_class: type[keras.optimizers.Optimizer],
) -> type[keras.optimizers.Optimizer]:
    """Returns a subclass of an optimizer that takes `learning_rate_multipliers`.

    The argument maps the path of a variable to a factor, as `variable_multipliers` returns it;
    all other variables have the factor 1. The factor scales the step that is applied and the
    weight decay, not the gradient: AdamW and Muon take steps whose size does not depend on the
    gradient's.

    Args:
        optimizer_class: Any optimizer of Keras whose step is proportional to the learning
            rate: SGD, Adam, AdamW, Muon and others.

    Example:
        >>> optimizer = with_multipliers(keras.optimizers.AdamW)(
        ...     1e-3, learning_rate_multipliers={"stem_conv/kernel": 0.1})
        >>> optimizer.learning_rate_multipliers
        {'stem_conv/kernel': 0.1}
    """

    class Multiplied(optimizer_class):
        def __init__(
            self,
            *args: Any,
            learning_rate_multipliers: Mapping[str, float] | None = None,
            **kwargs: Any,
        ) -> None:
            super().__init__(*args, **kwargs)
            self.learning_rate_multipliers = dict(learning_rate_multipliers or {})
            self._factors: list[float] = []

        def build(self, variables: list[keras.Variable]) -> None:
            super().build(variables)
            factors = self.learning_rate_multipliers
            self._factors = [factors.get(variable.path, 1.0) for variable in variables]

        def update_step(
            self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
        ) -> None:
            factor = self._factors[self._get_variable_index(variable)]
            rate = tf.cast(learning_rate, variable.dtype) * tf.cast(factor, variable.dtype)
            # Without it a graph computes what depends on the optimizer's state alone, such as
            # momentum times velocity, before the forward pass and holds it to the end.
            with tf.control_dependencies([gradient]):
                if self.weight_decay is not None and self._use_weight_decay(variable):
                    decay = tf.cast(self.weight_decay, variable.dtype)
                    variable.assign_sub(variable * decay * rate)
                super().update_step(gradient, variable, rate)

        def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
            if self._distribution_strategy.num_replicas_in_sync > 1:
                return super()._all_reduce_sum_gradients(grads_and_vars)
            # The sum over one replica would wait for the last gradient and hold all until then.
            return list(grads_and_vars)

        def _update_model_variables_moving_average(self, variables: list[keras.Variable]) -> None:
            for variable, average in zip(
                variables, self._model_variables_moving_average, strict=True
            ):
                if average is not None:
                    self._update_average(variable, average)

        def _update_average(self, variable: keras.Variable, average: keras.Variable) -> None:
            value = tf.convert_to_tensor(variable)
            with tf.control_dependencies([value]):
                # The first step copies the variable, as Keras' own average does.
                share = tf.where(self.iterations == 0, 1.0, 1.0 - self.ema_momentum)
                average.assign_add((value - average) * tf.cast(share, value.dtype))

        def _apply_weight_decay(self, variables: list[keras.Variable]) -> None:
            """Decays nothing: `update_step` does, by the variable's own learning rate."""

        def get_config(self) -> dict[str, Any]:
            multipliers = dict(self.learning_rate_multipliers)
            return {**super().get_config(), "learning_rate_multipliers": multipliers}

    Multiplied.__name__ = f"{optimizer_class.__name__}WithMultipliers"
    Multiplied.__qualname__ = Multiplied.__name__
    return keras.saving.register_keras_serializable(package="kerasseg")(Multiplied)
