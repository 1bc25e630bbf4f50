"""What is raised where memory is too small, and what to do then."""

import tensorflow as tf

from kerasseg.evaluation.inference.protocol import Protocol

OUT_OF_MEMORY = (tf.errors.ResourceExhaustedError, MemoryError)


def tile_remedy(protocol: Protocol) -> str:
    """Returns which option of the programs makes what the model sees at once smaller.

    Args:
        protocol: By which memory was too small.

    Example:
        >>> tile_remedy(Protocol()), tile_remedy(Protocol(tile=256))
        ('--tile 512', 'a smaller --tile')
    """
    return "a smaller --tile" if protocol.tile else "--tile 512"
