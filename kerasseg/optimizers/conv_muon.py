"""Muon for networks of convs."""

import re
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerasseg")
class ConvMuon(keras.optimizers.Muon):
    """Muon that orthogonalises the steps of conv kernels too.

    Keras' own takes Muon's step for matrices alone and Adam's for all the rest; of a network of
    convs nothing is left to it. Here a kernel `(h, w, in, out)` is the matrix `(h·w·in, out)`
    that maps a patch to a pixel, as the authors of Muon propose. Adam's step stays for biases,
    batch norm, kernels of one output a channel (depthwise convs) and what `exclude_layers`
    names: the first conv and the classifier, by the authors' advice. One learning rate serves
    both, with `rms_rate` at Keras' 0.2.

    Jordan et al., Muon, https://kellerjordan.github.io/posts/muon; Liu et al., "Muon is Scalable
    for LLM Training", 2025, arXiv 2502.16982 (the size of the step).

    Args:
        learning_rate: A rate or a schedule.
        exclude_layers: Regular expressions; what is found in the path of a variable leaves that
            variable to Adam.
        **kwargs: Further arguments of `keras.optimizers.Muon`.

    Example:
        >>> kernel = keras.Variable(keras.random.normal((3, 3, 4, 8), seed=1), name="kernel")
        >>> before = kernel.numpy()
        >>> optimizer = ConvMuon(1.0, weight_decay=None, rms_rate=None)
        >>> optimizer.apply([keras.random.normal((3, 3, 4, 8), seed=2)], [kernel])
        >>> step = (kernel.numpy() - before).reshape(36, 8)
        >>> bool(abs(step.T @ step).diagonal().max() < 1.5)  # nearly orthogonal columns
        True
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        exclude_layers: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, exclude_layers=exclude_layers, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, with the `rms_rate` that Keras leaves out."""
        return {**super().get_config(), "rms_rate": self.rms_rate}

    def _should_use_adamw(self, variable: keras.Variable) -> bool:
        if len(variable.shape) != 4:
            return super()._should_use_adamw(variable)
        excluded = any(re.search(pattern, variable.path) for pattern in self.exclude_layers)
        return excluded or variable.shape[-1] == 1

    def zeropower_via_newtonschulz5(self, x: tf.Tensor, steps: int) -> tf.Tensor:
        """Returns the nearly orthogonal matrix of a matrix or a kernel, in its shape."""
        matrix = super().zeropower_via_newtonschulz5(_as_matrix(x), steps)
        return tf.reshape(matrix, x.shape)

    def lr_adjust(self, x: tf.Tensor) -> tf.Tensor:
        """Returns a step scaled for the size of its matrix."""
        return tf.reshape(super().lr_adjust(_as_matrix(x)), x.shape)


def _as_matrix(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, (-1, x.shape[-1]))
