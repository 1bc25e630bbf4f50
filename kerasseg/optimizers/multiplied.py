"""An optimizer's step, variable by variable: its own rate and decay, on all replicas alike."""

import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError, unknown_name

WEIGHT_DECAY_KINDS = ("decoupled", "l2")


@functools.cache
def with_multipliers(
    optimizer_class: type[keras.optimizers.Optimizer],
) -> type[keras.optimizers.Optimizer]:
    """Returns a subclass of an optimizer that takes a step of its own for each variable.

    The class takes the arguments of the optimizer and two more:

    - `learning_rate_multipliers` maps the path of a variable to a factor, as `part_multipliers`
      returns it; all other variables have the factor 1. The factor scales the step that is
      applied and the weight decay, not the gradient: AdamW and Muon take steps whose size does
      not depend on the gradient's. A path that is none of a variable that trains is an error
      when the optimizer is built.
    - `weight_decay_kind` is `"decoupled"`, Keras' own: beside its step the optimizer takes
      `rate * weight_decay * w` off each weight. Or it is `"l2"`, as in the papers: the gradient
      is that of `loss + weight_decay / 2 * sum(w ** 2)`, so that it is clipped and enters the
      momentum as a whole; under AdamW this is Adam with an L2 term. (MatConvNet and PyTorch
      add it before the momentum too. PyTorch's gradients are clipped before it is added, unless
      the term is in the loss.) `exclude_from_weight_decay` holds for both.

    Three of Keras' own arguments mean what they say on several replicas too. `global_clipnorm`
    (`clipnorm`, `clipvalue`) clips the gradient summed over all replicas, where Keras clips each
    replica's. `gradient_accumulation_steps=k` takes one step for the mean of k gradients, that
    of a loss averaged over valid pixels being the mean of k such averages, whatever number of
    pixels each has; a learning-rate schedule, the moments and the moving average (`use_ema`)
    count steps that were taken, where Keras' schedule counts the gradients and its moving
    average moves with each.

    Args:
        optimizer_class: Any optimizer of Keras whose step is proportional to the learning
            rate: SGD, Adam, AdamW, Muon and others, `ConvMuon` too.

    Example:
        >>> optimizer = with_multipliers(keras.optimizers.AdamW)(
        ...     1e-3, learning_rate_multipliers={"stem_conv/kernel": 0.1})
        >>> optimizer.learning_rate_multipliers
        {'stem_conv/kernel': 0.1}
    """

    class Multiplied(_StepByVariable, optimizer_class):
        pass

    Multiplied.__name__ = f"{optimizer_class.__name__}WithMultipliers"
    Multiplied.__qualname__ = Multiplied.__name__
    return keras.saving.register_keras_serializable(package="kerasseg")(Multiplied)


class _StepByVariable(keras.optimizers.Optimizer):
    """What stands before an optimizer of Keras in the classes of `with_multipliers`."""

    def __init__(
        self,
        *args: Any,
        learning_rate_multipliers: Mapping[str, float] | None = None,
        weight_decay_kind: str = "decoupled",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if weight_decay_kind not in WEIGHT_DECAY_KINDS:
            raise unknown_name("weight_decay_kind", weight_decay_kind, WEIGHT_DECAY_KINDS)
        self.learning_rate_multipliers = dict(learning_rate_multipliers or {})
        self.weight_decay_kind = weight_decay_kind
        self._factors: list[float] = []

    def build(self, variables: list[keras.Variable]) -> None:
        factors = self.learning_rate_multipliers
        paths = [variable.path for variable in variables]
        for path in sorted(factors.keys() - set(paths)):
            raise _unknown_path(path, paths)
        super().build(variables)
        self._factors = [factors.get(path, 1.0) for path in paths]

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        # Until the first step, which may take several gradients, the average is all zeros.
        if keras.ops.convert_to_numpy(self.iterations) > 0:
            super().finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate_multipliers": dict(self.learning_rate_multipliers),
            "weight_decay_kind": self.weight_decay_kind,
        }

    def _get_current_learning_rate(self) -> Any:
        schedule = self._learning_rate
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            # Keras gives it the number of gradients, accumulated ones too.
            return schedule(self.iterations)
        return super()._get_current_learning_rate()

    def _backend_apply_gradients(
        self, grads: Sequence[tf.Tensor], trainable_variables: Sequence[keras.Variable]
    ) -> None:
        """Takes a step by the gradients, or keeps their sum for one to come."""
        variables = list(trainable_variables)
        reduced = self._all_reduce_sum_gradients(list(zip(grads, variables, strict=True)))
        sums = [gradient for gradient, _ in reduced]
        gradients = self._with_l2(self._means(sums, variables), variables)
        tf.__internal__.distribute.interim.maybe_merge_call(
            self._step_or_accumulate,
            self._distribution_strategy,
            sums,
            self._clip_gradients(gradients),
            [variable.value for variable in variables],
            self.learning_rate,
        )

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        if self._distribution_strategy.num_replicas_in_sync > 1:
            return super()._all_reduce_sum_gradients(grads_and_vars)
        # The sum over one replica would wait for the last gradient and hold all until then.
        return list(grads_and_vars)

    def _means(
        self, gradients: list[tf.Tensor], variables: list[keras.Variable]
    ) -> list[tf.Tensor]:
        """Returns the means of these gradients and those that were accumulated."""
        count = self.gradient_accumulation_steps
        if not count:
            return gradients
        kept = [self._accumulated_gradients[self._get_variable_index(one)] for one in variables]
        return [_mean(new, old, count) for new, old in zip(gradients, kept, strict=True)]

    def _with_l2(
        self, gradients: list[tf.Tensor], variables: list[keras.Variable]
    ) -> list[tf.Tensor]:
        if self.weight_decay_kind != "l2":
            return gradients
        pairs = zip(gradients, variables, strict=True)
        return [self._add_l2(gradient, variable) for gradient, variable in pairs]

    def _add_l2(self, gradient: tf.Tensor, variable: keras.Variable) -> tf.Tensor:
        decay = self._decay_of(self._get_variable_index(variable))
        if not decay:
            return gradient
        with tf.control_dependencies([gradient]):
            return gradient + tf.cast(decay, gradient.dtype) * tf.convert_to_tensor(variable)

    def _decay_of(self, index: int) -> float:
        """Returns the weight decay of a variable, 0 for one that is excluded from it."""
        variable = self._trainable_variables[index]
        if not self._use_weight_decay(variable):
            return 0.0
        if isinstance(self, keras.optimizers.Muon) and self._should_use_adamw(variable):
            return self.adam_weight_decay or 0.0
        return self.weight_decay or 0.0

    def _step_or_accumulate(
        self,
        distribution: tf.distribute.Strategy,
        sums: list[tf.Tensor],
        gradients: list[tf.Tensor],
        variables: list[tf.Variable],
        rate: tf.Tensor,
    ) -> None:
        """Updates the copies of the variables on every replica.

        The condition stands here, outside of the replicas: within one of them no variable of
        `MirroredStrategy` can be updated by a sum over all.
        """

        def each(update: Callable[..., None], on: list[tf.Variable], *of_each: Any) -> None:
            for variable, *arguments in zip(on, *of_each, strict=True):
                distribution.extended.update(variable, update, args=arguments, group=False)

        def step() -> None:
            each(self._update, variables, gradients, [rate] * len(variables))
            if self.use_ema:
                self._move_averages(each)

        def accumulate() -> None:
            kept = [self._accumulated_gradients[self._get_variable_index(v)] for v in variables]
            each(lambda old, new: old.assign_add(new), [one.value for one in kept], sums)

        def step_and_reset() -> None:
            step()
            accumulators = [one.value for one in self._accumulated_gradients]
            each(lambda old: old.assign(tf.zeros_like(old)), accumulators)

        count = self.gradient_accumulation_steps
        if count:
            tf.cond((self._iterations + 1) % count == 0, step_and_reset, accumulate)
        else:
            step()

    def _update(self, variable: tf.Variable, gradient: tf.Tensor, rate: tf.Tensor) -> None:
        self.update_step(gradient, variable, rate)

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        factor = tf.cast(self._factors[index], variable.dtype)
        rate = tf.cast(learning_rate, variable.dtype) * factor
        decay = self._decay_of(index) if self.weight_decay_kind == "decoupled" else 0.0
        # Without it a graph computes what depends on the optimizer's state alone, such as
        # momentum times velocity, before the forward pass and holds it to the end.
        with tf.control_dependencies([gradient]):
            if decay:
                variable.assign_sub(variable * tf.cast(decay, variable.dtype) * rate)
            super().update_step(gradient, variable, rate)

    def _move_averages(self, each: Callable[..., None]) -> None:
        variables = [variable.value for variable in self._trainable_variables]
        averages = [average.value for average in self._model_variables_moving_average]
        each(self._move_average, variables, averages)
        if self.ema_overwrite_frequency:
            tf.cond(
                (self.iterations + 1) % self.ema_overwrite_frequency == 0,
                lambda: each(
                    lambda variable, average: variable.assign(average), variables, averages
                ),
                lambda: None,
            )

    def _move_average(self, variable: tf.Variable, average: tf.Variable) -> None:
        value = tf.convert_to_tensor(variable)
        with tf.control_dependencies([value]):
            # The first step copies the variable, as Keras' own average does.
            share = tf.where(self.iterations == 0, 1.0, 1.0 - self.ema_momentum)
            average.assign_add((value - average) * tf.cast(share, value.dtype))


def _mean(gradient: tf.Tensor, accumulated: keras.Variable, count: int) -> tf.Tensor:
    with tf.control_dependencies([gradient]):
        return (gradient + tf.convert_to_tensor(accumulated)) / count


def _unknown_path(path: str, paths: list[str]) -> KerassegError:
    nearest = difflib.get_close_matches(path, paths, n=1, cutoff=0.5)
    hint = f": did you mean {nearest[0]!r}?" if nearest else "."
    return KerassegError(
        f"learning_rate_multipliers names {path!r}, which is no variable that trains{hint} Take "
        "paths of model.trainable_variables, as kerasseg.optimizers.part_multipliers gives them "
        "once all that is to be frozen is."
    )
