"""A look at the operations that a layer puts into a graph."""

from collections import Counter

import keras
import tensorflow as tf

COUNTED = {"Relu", "Conv2D", "MaxPool", "FusedBatchNormV3", "Rsqrt", "Softmax"}


def count_operations(layer: keras.layers.Layer, *channels: int) -> dict[str, int]:
    """Returns how many operations of each counted type a layer makes of its inputs.

    Args:
        layer: Called with one map, or with a list of maps if several channel counts are given.
        *channels: The channels of each map.
    """
    maps = [tf.TensorSpec([None, None, None, count]) for count in channels]
    graph = tf.function(lambda *x: layer(x[0] if len(x) == 1 else list(x)))
    operations = graph.get_concrete_function(*maps).graph.get_operations()
    return dict(Counter(op.type for op in operations if op.type in COUNTED))
