"""Deep supervision: heads on the backbone's maps, which are there in training alone.

A run's plain model knows nothing of them, so that what it saves and counts does not change.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.layers import CropTo, ResizeTo
from kerasseg.models.freezing import backbones_of

STRIDES = (4, 8, 16, 32)
_DROPOUT = 0.1


class DeeplySupervisedModel(keras.Model):
    """A functional model that gives its logits and, in training, those of its auxiliary heads.

    Its outputs are the logits and then those of each head, all of the same shape. Outside of
    training it gives the logits alone, so that losses and metrics are those of a plain model.
    Before `compile` it has to be told the loss of the heads by `supervise`.

    In the logs of training `loss` is what is minimised, and `auxiliary_loss` the part of it that
    comes from the heads; `val_loss` is that of the logits alone.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Keras names metrics after the outputs where it knows of several.
        self.output_names: list[str] = self.output_names[:1]
        self.auxiliary_loss: keras.losses.Loss | None = None
        self.auxiliary_weight = 0.0
        self.auxiliary_tracker = keras.metrics.Mean(name="auxiliary_loss")

    def supervise(self, loss: keras.losses.Loss, weight: float) -> None:
        """Sets the loss of each head and its weight in the sum."""
        self.auxiliary_loss = loss
        self.auxiliary_weight = weight

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Returns the logits; in training a list of them and those of the heads."""
        outputs = super().call(inputs, training=training, mask=mask)
        return outputs if training else outputs[0]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Returns the loss of the logits and the weighted loss of each head."""
        logits, *heads = y_pred if isinstance(y_pred, list) else [y_pred]
        loss = super().compute_loss(x, y, logits, sample_weight, training)
        if not heads or self.auxiliary_loss is None:
            return loss
        of_heads = [self.auxiliary_loss(y, head, sample_weight) for head in heads]
        added = self.auxiliary_weight * tf.add_n(of_heads)
        # Each replica holds its part of the loss, and Keras averages what they track.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self.auxiliary_tracker.update_state(added * replicas, sample_weight=tf.shape(logits)[0])
        return loss + added

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, tf.Tensor]:
        """Returns the metrics of the logits and, in training, `auxiliary_loss`."""
        in_training = isinstance(y_pred, list)
        logits = y_pred[0] if in_training else y_pred
        metrics = super().compute_metrics(x, y, logits, sample_weight)
        return metrics if in_training else self._of_logits(metrics)

    def get_metrics_result(self) -> dict[str, tf.Tensor]:
        """Returns every metric; `auxiliary_loss` only where there was one."""
        metrics = super().get_metrics_result()
        # At the end of an epoch Keras asks here for what all replicas have seen together, and
        # takes that of a single one if the names are others than those of its steps.
        if tf.executing_eagerly() and not tf.convert_to_tensor(self.auxiliary_tracker.count) > 0:
            return self._of_logits(metrics)
        return metrics

    def _of_logits(self, metrics: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        own = self.auxiliary_tracker.name
        return {name: value for name, value in metrics.items() if name != own}


def with_auxiliary_heads(
    model: keras.Model, strides: Sequence[int] = (16,)
) -> DeeplySupervisedModel:
    """Returns a model of the same layers with a head on some maps of the backbone.

    Each head is that of a fully convolutional network, as Zhao, Shi, Qi, Wang, Jia ("Pyramid Scene
    Parsing Network", CVPR 2017, arXiv 1612.01105, section 3.3) supervise a residual network at
    its fourth stage: a 3x3 conv to a quarter of the channels, batch norm, ReLU, dropout of 0.1
    and a 1x1 conv to the classes; the logits are resized to the size of the image. The plain
    model is not changed.

    Args:
        model: A plain model as the builders return it, with one backbone.
        strides: Which maps, by the strides that a backbone's four maps have by name: 4, 8, 16 and
            32. Those of a DilatedFCN's third and fourth are 8 in truth, and are 16 and 32 here.

    Raises:
        KerassegError: If the model has no backbone or several, or a stride is none of the four.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> twin = with_auxiliary_heads(model)
        >>> [layer.name for layer in twin.layers if layer.name.startswith("auxiliary16")][:2]
        ['auxiliary16_conv', 'auxiliary16_bn']
        >>> [logits.shape[-1] for logits in twin(keras.ops.zeros((1, 32, 32, 3)), training=True)]
        [5, 5]
    """
    wrong = [stride for stride in strides if stride not in STRIDES]
    if wrong or not strides:
        raise KerassegError(
            f"auxiliary heads sit on maps of the strides {STRIDES}; received {list(strides)}."
        )
    padded, features = _backbone_call(model)
    (images,) = model.inputs
    num_classes = model.outputs[0].shape[-1]
    heads = []
    for stride in strides:
        logits = _head(features[STRIDES.index(stride)], num_classes, f"auxiliary{stride}")
        logits = ResizeTo(dtype="float32", name=f"auxiliary{stride}_upsample")(logits, padded)
        heads.append(CropTo(name=f"auxiliary{stride}_logits")(logits, images))
    return DeeplySupervisedModel(images, [*model.outputs, *heads], name=model.name)


def _backbone_call(model: keras.Model) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
    """Returns what goes into the backbone of a model and the four maps that come out."""
    backbones = backbones_of(model)
    if len(backbones) > 1:
        raise KerassegError(
            f"the model {model.name!r} has {len(backbones)} backbones, one for each scale, so that "
            "there is no one map of a stride for an auxiliary head."
        )
    # `backbone.output` is what its own graph ends in, not the tensors of the call in this one.
    nodes = chain.from_iterable(model._nodes_by_depth.values())
    (node,) = [node for node in nodes if node.operation is backbones[0]]
    return node.input_tensors[0], list(node.output_tensors)


def _head(x: keras.KerasTensor, num_classes: int, name: str) -> keras.KerasTensor:
    filters = max(x.shape[-1] // 4, 1)
    conv = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(conv(x))
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = keras.layers.Dropout(_DROPOUT, name=f"{name}_dropout")(x)
    return keras.layers.Conv2D(num_classes, 1, dtype="float32", name=f"{name}_classifier")(x)
