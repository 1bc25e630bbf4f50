"""Loss scaling for float16."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerasseg")
class LossScaling(keras.optimizers.LossScaleOptimizer):
    """Keras' `LossScaleOptimizer` whose replicas skip a step together.

    The loss is multiplied by a scale, the gradients are divided by it before the inner optimizer
    clips or accumulates them. Where a gradient overflows, the step is skipped and the scale
    halved; after `dynamic_growth_steps` steps without one it is doubled. Keras asks the first
    replica alone whether its gradients are finite, so that an overflow on another one would ruin
    the weights; here one overflow is enough.

    Args:
        inner_optimizer: The optimizer that takes the steps.
        initial_scale: The scale to begin with.
        dynamic_growth_steps: Steps after which the scale is doubled.
        name: Name of the optimizer.

    Example:
        >>> optimizer = LossScaling(keras.optimizers.SGD(0.1), initial_scale=8.0)
        >>> float(optimizer.scale_loss(2.0))
        16.0
    """

    def __init__(
        self,
        inner_optimizer: keras.optimizers.Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ) -> None:
        super().__init__(inner_optimizer, initial_scale, dynamic_growth_steps, name)

    def check_finite(self, grads: list[tf.Tensor]) -> tf.Tensor:
        """Returns whether the gradients of every replica are finite."""
        finite = super().check_finite(grads)
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return finite
        overflows = tf.cast(tf.logical_not(finite), tf.float32)
        return tf.equal(context.all_reduce(tf.distribute.ReduceOp.SUM, overflows), 0.0)
