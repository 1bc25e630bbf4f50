"""What a backbone does to pixels before its first convolution."""

from collections.abc import Sequence
from typing import Any

import keras

from kerasseg.errors import KerassegError


@keras.saving.register_keras_serializable(package="kerasseg")
class PixelNormalization(keras.layers.Layer):
    """Normalizes pixels, `(pixel - mean) / std` a channel, in float32 under every precision policy.

    A layer that computes in bfloat16 would round pixel 200.7 to 201 before anything else. Here
    only the result is cast to the compute dtype, so that what follows runs in it.

    Args:
        mean: One value a channel, in the order of the channels that leave the layer.
        std: One divisor a channel, in the same order.
        reverse_channels: Whether RGB becomes BGR, as networks converted from Caffe want.

    Call arguments:
        pixels: `(N, H, W, channels)`, 0..255, of any integer or floating dtype.

    Returns:
        The normalized pixels, of the same shape, in the layer's compute dtype.

    Raises:
        KerassegError: If `mean` and `std` differ in length, or the pixels have another number
            of channels.

    Example:
        >>> layer = PixelNormalization(mean=(127, 127, 127), std=(128, 128, 128))
        >>> float(layer(keras.ops.full((1, 2, 2, 3), 255, dtype="uint8"))[0, 0, 0, 0])
        1.0
    """

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        reverse_channels: bool = False,
        **kwargs: Any,
    ) -> None:
        # Autocast would round the pixels to the compute dtype before `call` sees them.
        super().__init__(autocast=False, **kwargs)
        self.mean = tuple(float(value) for value in mean)
        self.std = tuple(float(value) for value in std)
        self.reverse_channels = reverse_channels
        if len(self.mean) != len(self.std):
            raise KerassegError(
                f"mean has {len(self.mean)} values and std {len(self.std)}; give both one value "
                "a channel."
            )

    def build(self, pixels_shape: tuple[int | None, ...]) -> None:
        """Checks the number of channels."""
        self._check(pixels_shape)

    def call(self, pixels: Any) -> Any:
        """Returns the normalized pixels."""
        # One channel would be broadcast to as many as there are means.
        self._check(pixels.shape)
        pixels = keras.ops.cast(pixels, "float32")
        if self.reverse_channels:
            pixels = pixels[..., ::-1]
        return keras.ops.cast((pixels - self.mean) / self.std, self.compute_dtype)

    def _check(self, pixels_shape: Sequence[int | None]) -> None:
        if pixels_shape[-1] != len(self.mean):
            raise KerassegError(
                f"pixels of shape {tuple(pixels_shape)} do not have the {len(self.mean)} channels "
                "that this model is built for; convert the image, or build the model with "
                "input_shape=(None, None, channels)."
            )

    def compute_output_shape(self, pixels_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the pixels."""
        return pixels_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            **super().get_config(),
            "mean": self.mean,
            "std": self.std,
            "reverse_channels": self.reverse_channels,
        }
