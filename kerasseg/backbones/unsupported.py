"""The networks of Keras Applications that are no backbones here, and why."""

_UNPADDED = (
    "its first convolutions are not padded, so not all of its maps lie at strides 4, 8, 16 and 32 "
    "({sizes} for a side of 256)"
)
_NASNET = (
    "its paddings follow from one known size of image: Keras loads its weights for no other, and "
    "built for any size it runs on none"
)
_CONVNEXT = (
    "its depthwise convolutions are grouped ones, which Keras compiles by XLA on a CPU, anew for "
    "each size of image, and which ONNX does not take"
)

# Names in lower-case letters and digits alone: the reason, and backbones of about its size.
_REASONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "xception": (_UNPADDED.format(sizes="63, 32, 16, 8"), ("resnet50v2", "efficientnetv2s")),
    "inceptionv3": (_UNPADDED.format(sizes="60, 29, 14, 6"), ("resnet50v2", "efficientnetv2s")),
    "inceptionresnetv2": (
        _UNPADDED.format(sizes="60, 29, 14, 6"),
        ("resnet152v2", "efficientnetv2m"),
    ),
    "nasnetmobile": (_NASNET, ("mobilenetv3large", "efficientnetb0")),
    "nasnetlarge": (_NASNET, ("efficientnetb7", "efficientnetv2l")),
    "convnexttiny": (_CONVNEXT, ("efficientnetv2s", "resnet50v2")),
    "convnextsmall": (_CONVNEXT, ("efficientnetv2m", "resnet101v2")),
    "convnextbase": (_CONVNEXT, ("efficientnetv2l", "resnet152v2")),
    "convnextlarge": (_CONVNEXT, ("efficientnetv2l", "resnet152v2")),
    "convnextxlarge": (_CONVNEXT, ("efficientnetv2l", "resnet152v2")),
}


def reason(spelling: str) -> str | None:
    """Returns why a network of Keras Applications is refused, and what there is instead.

    Args:
        spelling: Its name in lower-case letters and digits, `"inceptionv3"`.

    Returns:
        A clause for a message, or None if this is none of the refused networks.

    Example:
        >>> reason("nasnetlarge").endswith("Near it: efficientnetb7, efficientnetv2l.")
        True
    """
    if spelling not in _REASONS:
        return None
    why, nearest = _REASONS[spelling]
    return f"{why}.\nNear it: {', '.join(nearest)}."
