"""Images that are read by windows: arrays in memory or on disk, and rasters such as GeoTIFF."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from kerasseg.errors import KerassegError, first_line
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet

if TYPE_CHECKING:
    from kerasseg.evaluation.inference.predictor import Predictor

CACHE_BYTES = 128_000_000  # a row of tiles of 1024 has 31 MB where the image has 10,000 columns
Window: TypeAlias = tuple[slice, slice]


class Reader(Protocol):
    """What `Predictor.bands` reads an image from.

    Attributes:
        shape: Height, width and channels.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""

    def read(self, window: Window) -> np.ndarray:
        """Returns the pixels of some rows and columns, `(h, w, channels)`, 0..255."""


class ArrayReader:
    """An array or `np.memmap`, read by windows.

    Args:
        array: `(H, W, channels)`, 0..255.

    Example:
        >>> ArrayReader(np.zeros((100, 80, 3), "uint8")).read((slice(0, 32), slice(64, 80))).shape
        (32, 16, 3)
    """

    def __init__(self, array: np.ndarray) -> None:
        if array.ndim != 3:
            raise KerassegError(f"an image is (height, width, channels); received {array.shape}.")
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        return self.array.shape

    def read(self, window: Window) -> np.ndarray:
        """Returns the pixels of some rows and columns."""
        return np.asarray(self.array[window])


class RasterReader:
    """A GeoTIFF, or whatever else rasterio opens, read by windows: `kerasseg[geotiff]`.

    Of one band three equal channels are made; a fourth that is alpha is left out; of 16 bits the
    upper 8 are taken, as of other images.

    Args:
        path: The file.

    Raises:
        KerassegError: If rasterio is missing, or the file cannot be read, or its bands are not of 8
            or 16 bits, are a palette's, or not one, three, or three and alpha.

    Example:
        >>> import rasterio
        >>> from rasterio.transform import from_origin
        >>> place = {"crs": "EPSG:32632", "transform": from_origin(500000, 5400000, 1, 1)}
        >>> shape = {"height": 40, "width": 60, "count": 3, "dtype": "uint8"}
        >>> with rasterio.open("field.tif", "w", driver="GTiff", **shape, **place) as file:
        ...     file.write(np.zeros((3, 40, 60), "uint8"))
        >>> RasterReader("field.tif").shape
        (40, 60, 3)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        rasterio = raster_library()
        try:
            self._file = _open(path)
        except rasterio.errors.RasterioError as error:
            raise KerassegError(f"{path} cannot be read: {first_line(error)}.") from None
        self.path = Path(path)
        try:
            self._bands = self._colour_bands()
        except KerassegError:
            self.close()
            raise

    def _colour_bands(self) -> list[int]:
        file = self._file
        kinds = set(file.dtypes)
        if len(kinds) > 1 or not kinds <= {"uint8", "uint16"}:
            raise KerassegError(
                f"{self.path} has values of {', '.join(sorted(kinds))}; 0..255 in 8 bits, or "
                "0..65535 in 16, are meant. Convert it, as by gdal_translate -ot Byte -scale."
            )
        if file.colorinterp[0].name == "palette":
            raise KerassegError(
                f"{self.path} holds places in a palette; colours are meant. Convert it, as by "
                "gdal_translate -expand rgb."
            )
        alpha = file.count == 4 and file.colorinterp[3].name == "alpha"
        if file.count not in (1, 3) and not alpha:
            raise KerassegError(
                f"{self.path} has {file.count} bands; one, three, or three and alpha are meant. "
                "Choose red, green and blue, as by gdal_translate -b 1 -b 2 -b 3."
            )
        return [1, 1, 1] if file.count == 1 else [1, 2, 3]

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        return self._file.height, self._file.width, 3

    @property
    def profile(self) -> dict[str, Any]:
        """Where on the earth the image lies, as rasterio writes it."""
        return {"crs": self._file.crs, "transform": self._file.transform}

    def read(self, window: Window) -> np.ndarray:
        """Returns the pixels of some rows and columns.

        Raises:
            KerassegError: If the file is damaged there.
        """
        rasterio = raster_library()
        rows, columns = window
        place = (rows.start, rows.stop), (columns.start, columns.stop)
        try:
            values = self._file.read(self._bands, window=place)
        except rasterio.errors.RasterioError as error:
            raise KerassegError(
                f"{self.path} is damaged in the rows {rows.start} to {rows.stop}: "
                f"{first_line(error)}."
            ) from None
        if values.dtype == np.uint16:
            values = (values >> 8).astype(np.uint8)
        return np.moveaxis(values, 0, -1)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def predict_raster(
    predictor: "Predictor",
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    labels: LabelSet | None = None,
) -> None:
    """Predicts a GeoTIFF of any size, by windows, and writes its classes as a GeoTIFF of one band.

    The memory is that of `Predictor.bands` and 128 MB in which GDAL keeps what it has read; of
    itself it would take a twentieth of the machine's. The result lies where the image does, is
    compressed, and has the colours of the classes.

    Args:
        predictor: Of a protocol with tiles.
        source: What rasterio opens; see `RasterReader`.
        target: A `.tif` file, which is there as a whole or not at all.
        labels: The classes' colours, if they are to be in the file.

    Raises:
        KerassegError: As `RasterReader` and `Predictor.bands` do, or if the result cannot be
            written.

    Example:
        >>> import keras
        >>> from kerasseg.evaluation import Predictor, Protocol
        >>> import rasterio
        >>> from rasterio.transform import from_origin
        >>> place = {"crs": "EPSG:32632", "transform": from_origin(500000, 5400000, 1, 1)}
        >>> shape = {"height": 40, "width": 60, "count": 3, "dtype": "uint8"}
        >>> with rasterio.open("field.tif", "w", driver="GTiff", **shape, **place) as file:
        ...     file.write(np.zeros((3, 40, 60), "uint8"))
        >>> images = keras.Input((None, None, 3))
        >>> model = keras.Model(images, keras.layers.Conv2D(2, 1, name="logits")(images))
        >>> predict_raster(Predictor(model, Protocol(tile=32)), "field.tif", "classes.tif")
        >>> RasterReader("classes.tif").shape
        (40, 60, 3)
    """
    rasterio = raster_library()
    reader = RasterReader(source)
    height, width, _ = reader.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1}
    profile |= {"dtype": predictor.class_dtype.name, "compress": "deflate", "bigtiff": "if_safer"}
    try:
        with (
            rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES),
            atomic_file(target) as temporary,
            _open(temporary, "w", **profile, **reader.profile) as file,
        ):
            if labels is not None and predictor.class_dtype == np.uint8:
                file.write_colormap(1, dict(enumerate(labels.colours)))
            for rows, classes in predictor.bands(reader):
                file.write(classes, 1, window=((rows.start, rows.stop), (0, width)))
    except rasterio.errors.RasterioError as error:
        raise KerassegError(f"{target} cannot be written: {first_line(error)}.") from error
    finally:
        reader.close()


def place_on_earth(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Returns `crs` and `transform` of a raster, None if it has neither.

    Raises:
        KerassegError: If rasterio is missing, or the file cannot be read.
    """
    with _opened(path) as file:
        if file.crs is None and file.transform.is_identity:
            return None
        return {"crs": file.crs, "transform": file.transform}


def raster_classes(path: str | os.PathLike[str]) -> np.ndarray:
    """Returns the classes that `predict_raster` wrote, `(H, W)`.

    Raises:
        KerassegError: If rasterio is missing, or the file cannot be read.
    """
    with _opened(path) as file:
        return file.read(1)


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    rasterio = raster_library()
    try:
        with _open(path) as file:
            yield file
    except rasterio.errors.RasterioError as error:
        raise KerassegError(f"{path} cannot be read: {first_line(error)}.") from None


def _open(path: str | os.PathLike[str], mode: str = "r", **profile: Any) -> Any:
    rasterio = raster_library()
    with warnings.catch_warnings():  # a plain TIFF lies nowhere on the earth
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rasterio.open(path, mode, **profile)


def raster_library() -> Any:
    """Returns the module rasterio.

    Raises:
        KerassegError: If it is not installed.
    """
    try:
        import rasterio
    except ImportError:
        raise KerassegError(
            'GeoTIFF needs the package rasterio: pip install "kerasseg[geotiff]".'
        ) from None
    return rasterio
