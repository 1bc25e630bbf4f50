"""What a model gives: logits or probabilities."""

import keras

from kerasseg.errors import KerassegError


def gives_logits(model: keras.Model) -> bool:
    """Whether `model` gives logits (its last layer is named so) and not probabilities.

    Raises:
        KerassegError: If the last layer has neither name.
    """
    name = model.layers[-1].name
    if name not in ("logits", "probabilities"):
        raise KerassegError(
            f"the model's last layer is named {name!r}; name it 'logits' or 'probabilities', "
            "after what it gives."
        )
    return name == "logits"
