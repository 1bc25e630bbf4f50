"""The graph that a model is trained in: the same variables, other forms of some layers.

A run trains this twin and saves the plain model, whose variables the twin shares. The twin is
where batch norm keeps its statistics although `fit` trains, where it is synchronised over
replicas, and where operations that are slow to differentiate on a CPU have a faster form.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError, unknown_name

BATCH_NORM_MODES = ("train", "frozen_statistics", "frozen")


def training_graph(
    model: keras.Model, batch_norm: str = "train", backbone: str | Sequence[str] | None = None
) -> keras.Model:
    """Returns a model for `compile` and `fit` that shares every variable with `model`.

    Args:
        model: A plain functional model, as the builders return it.
        batch_norm: What batch norm does in the layers named by `backbone`. `"train"`
            normalises by the batch and updates the moving statistics;
            `"frozen_statistics"` normalises by the moving statistics and leaves them as they
            are, while gamma and beta train; `"frozen"` leaves gamma and beta too.
        backbone: Name of the nested model that `batch_norm` speaks of, or the names of several;
            None for all of `model`. Batch norm elsewhere trains, since the statistics of a new
            decoder are not yet those of any data.

    Raises:
        KerassegError: If `batch_norm` is none of the three, `model` has no layer named by
            `backbone`, or a batch norm whose statistics are to be kept lies inside a composite
            layer, where it cannot be reached.

    Example:
        >>> model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3),
        ...                           keras.layers.BatchNormalization()])
        >>> model = keras.Model(model.inputs, model.outputs)
        >>> twin = training_graph(model, "frozen_statistics")
        >>> len(twin.trainable_variables) == len(model.trainable_variables)
        True
    """
    if batch_norm not in BATCH_NORM_MODES:
        raise unknown_name("batch_norm", batch_norm, BATCH_NORM_MODES)
    chosen: dict[int, keras.layers.BatchNormalization] = {}
    for part in _parts(model, backbone):
        chosen |= _batch_norms(part)
    if batch_norm == "frozen":
        for layer in chosen.values():
            layer.trainable = False
    reached: set[int] = set()

    def in_training(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.BatchNormalization):
            reached.add(id(layer))
            keeps = batch_norm != "train" and id(layer) in chosen
            return _BatchNormInTraining(layer, keeps_statistics=keeps)
        if isinstance(layer, keras.layers.DepthwiseConv2D) and _slow_to_differentiate(layer):
            return _DepthwiseConvInTraining(layer)
        return layer

    twin = keras.models.clone_model(model, clone_function=in_training, recursive=True)
    missed = [layer.name for key, layer in chosen.items() if key not in reached]
    if batch_norm == "frozen_statistics" and missed:
        raise KerassegError(
            f"batch_norm 'frozen_statistics' cannot reach {missed[0]!r}, which lies inside a "
            "composite layer; use 'frozen' or 'train'."
        )
    return twin


def _parts(model: keras.Model, names: str | Sequence[str] | None) -> list[keras.layers.Layer]:
    if names is None:
        return [model]
    return [_named(model, name) for name in ([names] if isinstance(names, str) else names)]


def _named(model: keras.Model, name: str) -> keras.layers.Layer:
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise unknown_name("layer", name, names)
    return model.get_layer(name)


def _batch_norms(model: keras.layers.Layer) -> dict[int, keras.layers.BatchNormalization]:
    """Returns every batch norm within a model, nested ones too, by its id."""
    kind = keras.layers.BatchNormalization
    return {id(layer): layer for layer in model._flatten_layers() if isinstance(layer, kind)}


class _BatchNormInTraining(keras.layers.Layer):
    """A batch norm by TensorFlow's fused operation, on the variables of the plain layer.

    Keras composes batch norm of a dozen operations over the whole map; where XLA does not
    fuse them, a training step on a CPU spends a third of its time there.
    """

    def __init__(self, source: keras.layers.BatchNormalization, keeps_statistics: bool) -> None:
        super().__init__(name=source.name, dtype=source.dtype_policy)
        self.source = source
        self.keeps_statistics = keeps_statistics
        self.trainable = source.trainable
        self.built = True

    def call(
        self, x: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        source = self.source
        by_batch = bool(training) and source.trainable and not self.keeps_statistics
        if mask is not None or not _fits_fused(source, x):
            return source(x, training=by_batch, mask=mask)
        if by_batch and tf.distribute.get_strategy().num_replicas_in_sync > 1:
            return self._synchronized(x)
        return self._fused(x, by_batch)

    def _scale_and_offset(self) -> tuple[tf.Tensor, tf.Tensor]:
        source, ones = self.source, tf.ones(self.source.moving_mean.shape)
        return (
            tf.convert_to_tensor(source.gamma) if source.scale else ones,
            tf.convert_to_tensor(source.beta) if source.center else tf.zeros_like(ones),
        )

    def _synchronized(self, x: tf.Tensor) -> tf.Tensor:
        """Normalises by the batch of all replicas, whose statistics the operation cannot sum."""
        wide = tf.cast(x, tf.float32)
        count = _sum_over_replicas(tf.cast(tf.reduce_prod(tf.shape(x)[:3]), tf.float32))
        mean = _sum_over_replicas(tf.reduce_sum(wide, (0, 1, 2))) / count
        variance = _sum_over_replicas(tf.reduce_sum((wide - mean) ** 2, (0, 1, 2))) / count
        self._update(self.source.moving_mean, mean)
        self._update(self.source.moving_variance, variance)
        scale, offset = self._scale_and_offset()
        epsilon = self.source.epsilon
        return tf.cast(
            tf.nn.batch_normalization(wide, mean, variance, offset, scale, epsilon), x.dtype
        )

    def _fused(self, x: tf.Tensor, by_batch: bool) -> tf.Tensor:
        source = self.source
        scale, offset = self._scale_and_offset()
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=scale,
            offset=offset,
            mean=[] if by_batch else tf.convert_to_tensor(source.moving_mean),
            variance=[] if by_batch else tf.convert_to_tensor(source.moving_variance),
            epsilon=source.epsilon,
            is_training=by_batch,
        )
        if by_batch:
            self._update(source.moving_mean, mean)
            # The operation returns the unbiased variance; Keras keeps the biased one.
            count = tf.cast(tf.reduce_prod(tf.shape(x)[:3]), variance.dtype)
            self._update(source.moving_variance, variance * (count - 1) / count)
        return y

    def _update(self, average: keras.Variable, value: tf.Tensor) -> None:
        momentum = self.source.momentum
        average.assign(average * momentum + value * (1.0 - momentum))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)


def _fits_fused(layer: keras.layers.BatchNormalization, x: tf.Tensor) -> bool:
    plain = not layer.renorm and not layer.synchronized
    return plain and len(x.shape) == 4 and layer.axis in (3, -1)


def _sum_over_replicas(value: tf.Tensor) -> tf.Tensor:
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


class _DepthwiseConvInTraining(keras.layers.Layer):
    """A depthwise conv at half precision whose gradients are computed in float32.

    On a CPU the bfloat16 gradients of a 5x5 depthwise conv take several times as long.
    """

    def __init__(self, source: keras.layers.DepthwiseConv2D) -> None:
        super().__init__(name=source.name, dtype=source.dtype_policy)
        self.source = source
        self.trainable = source.trainable
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        source = self.source
        arguments = {"strides": [1, *source.strides, 1], "padding": source.padding.upper()}
        y = _depthwise(x, tf.cast(source.kernel, x.dtype), arguments)
        if source.use_bias:
            # The gradient of bias_add would be summed in bfloat16, which soon stops growing.
            y += tf.cast(source.bias, y.dtype)
        return source.activation(y)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return self.source.compute_output_shape(input_shape)


def _slow_to_differentiate(layer: keras.layers.DepthwiseConv2D) -> bool:
    on_cpu = not tf.config.list_physical_devices("GPU")
    plain = layer.data_format == "channels_last" and layer.dilation_rate == (1, 1)
    return on_cpu and plain and layer.compute_dtype == "bfloat16"


def _depthwise(x: tf.Tensor, kernel: tf.Tensor, arguments: dict[str, Any]) -> tf.Tensor:
    @tf.custom_gradient
    def convolve(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            wide_x, wide_kernel, wide_upstream = (
                tf.cast(tensor, tf.float32) for tensor in (x, kernel, upstream)
            )
            for_x = tf.nn.depthwise_conv2d_backprop_input(
                tf.shape(x), wide_kernel, wide_upstream, **arguments
            )
            for_kernel = tf.nn.depthwise_conv2d_backprop_filter(
                wide_x, kernel.shape, wide_upstream, **arguments
            )
            return tf.cast(for_x, x.dtype), tf.cast(for_kernel, kernel.dtype)

        return tf.nn.depthwise_conv2d(x, kernel, **arguments), gradient

    return convolve(x, kernel)
