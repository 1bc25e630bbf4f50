"""The backbone of a model out of training, and back into it."""

from collections.abc import Iterator

import keras

from kerasseg.errors import KerassegError


def freeze_backbone(model: keras.Model) -> None:
    """Takes the backbone out of training, with its batch norm: weights and statistics stay.

    A decoder of random weights first trains alone in this way, before its gradients reach the
    pretrained features. Both backbones of a model of two scales are frozen. Compile the model
    (again) afterwards: Keras looks at what is trainable when it compiles. For the first stages
    alone see `kerasseg.freeze_stages`.

    Args:
        model: A model of one of the builders, new or loaded, or a model that holds one.

    Raises:
        KerassegError: If the model has no backbone nested in it.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> freeze_backbone(model)
        >>> any(weight.path.startswith("Conv1/") for weight in model.trainable_weights)
        False
    """
    for backbone in backbones_of(model):
        _set_trainable(backbone, False)


def unfreeze_backbone(model: keras.Model) -> None:
    """Lets all of the backbone train, whatever was frozen of it before.

    What was trainable earlier is not kept, since a file would not keep it either: stages that
    are to stay frozen are frozen again with `kerasseg.freeze_stages`. Compile the model (again)
    afterwards, with a smaller learning rate for the backbone or for all.

    Args:
        model: As for `freeze_backbone`.

    Raises:
        KerassegError: If the model has no backbone nested in it.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> trained = len(model.trainable_weights)
        >>> freeze_backbone(model)
        >>> unfreeze_backbone(model)
        >>> len(model.trainable_weights) == trained
        True
    """
    for backbone in backbones_of(model):
        _set_trainable(backbone, True)


def freeze_stages(backbone: keras.Model, stages: int) -> None:
    """Freezes the first stages of a backbone, as far as its feature map of that number.

    Early features of a pretrained backbone serve any photo, while the gradients of its largest
    maps cost the most. Compile the model (again) afterwards.

    Args:
        backbone: A model with four outputs, from the finest to the coarsest: the one nested in a
            model of a builder, `model.get_layer("resnet101")` for example.
        stages: 1 freezes all that the map at stride 4 is computed from, 4 the whole backbone,
            0 nothing.

    Raises:
        KerassegError: If `stages` is none of 0..4, or the model has not four outputs.

    Example:
        >>> import kerasseg
        >>> model = kerasseg.EfficientFCN("mobilenetv2", 5, backbone_weights=None)
        >>> backbone = model.get_layer("mobilenetv2")
        >>> freeze_stages(backbone, 1)
        >>> backbone.get_layer("Conv1").trainable, backbone.get_layer("Conv_1").trainable
        (False, True)
    """
    if not 0 <= stages <= 4:
        raise KerassegError(f"a backbone has stages 1..4 to freeze, 0 for none; got {stages}.")
    features = getattr(backbone, "outputs", None) or []
    if stages and len(features) != 4:
        raise KerassegError(
            f"freeze_stages takes a functional model with four outputs, and {backbone.name!r} has "
            f"{len(features)}. Of a whole model give the backbone: model.get_layer(its name)."
        )
    for feature in features[:stages]:
        for layer in keras.Model(backbone.inputs[0], feature).layers:
            layer.trainable = False


def _set_trainable(layer: keras.layers.Layer, trainable: bool) -> None:
    """Sets every layer inside too, for which Keras needs to see the value change."""
    layer.trainable = not trainable
    layer.trainable = trainable


def backbones_of(model: keras.Model) -> list[keras.Model]:
    """Returns the models nested in `model` that give four feature maps, at any depth.

    A nested model of other outputs, be they several, is looked into: a whole network may be
    wrapped so that it returns its features beside its logits.

    Raises:
        KerassegError: If there is none.
    """
    found = list(_backbones(model))
    if not found:
        raise KerassegError(
            f"the model {model.name!r} has no backbone: a backbone is a model nested in it that "
            "returns four feature maps (N, h, w, channels), as in the models that kerasseg builds."
        )
    return found


def _backbones(model: keras.Model) -> Iterator[keras.Model]:
    for layer in model.layers:
        if not isinstance(layer, keras.Model):
            continue
        # A subclassed model does not say what it returns; the builders nest none but backbones.
        outputs = getattr(layer, "outputs", None)
        if outputs is None or (len(outputs) == 4 and all(len(one.shape) == 4 for one in outputs)):
            yield layer
        else:
            yield from _backbones(layer)
