import tracemalloc

import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.evaluation import (
    ArrayReader,
    Predictor,
    Protocol,
    RasterReader,
    predict,
    predict_raster,
)
from kerasseg.label_set import LabelSet
from tests.evaluation.networks import random_image, random_model

TILES = Protocol(tile=64, overlap=32)


def bands(predictor, reader):
    found = np.full(reader.shape[:2], 99, np.uint8)
    for rows, classes in predictor.bands(reader):
        assert classes.dtype == np.uint8
        found[rows] = classes
    return found


def test_an_image_on_disk_gets_the_classes_of_one_in_memory(tmp_path):
    model, image = random_model(), random_image(150, 200)
    on_disk = np.memmap(tmp_path / "image", np.uint8, "w+", shape=image.shape)
    on_disk[:] = image
    found = bands(Predictor(model, TILES), ArrayReader(on_disk))
    np.testing.assert_array_equal(found, predict(model, image, TILES))


def test_more_than_256_classes_take_16_bits():
    predictor = Predictor(random_model(side=1, classes=300), TILES)
    ((_, classes),) = predictor.bands(ArrayReader(random_image(20, 20)))
    assert classes.dtype == np.uint16


class Stripes:
    """An image that is nowhere in memory."""

    def __init__(self, height, width):
        self.shape = (height, width, 3)

    def read(self, window):
        rows, columns = (np.arange(part.start, part.stop) for part in window)
        grey = ((rows[:, None] // 7 + columns // 5) % 256).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)


def peak(predictor, height, width):
    tracemalloc.start()
    for _ in predictor.bands(Stripes(height, width)):
        pass
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def bound(tile, common, classes, width):
    """What the docstring of `Predictor.bands` states."""
    return 4 * classes * (common * width + 4 * tile * tile) + 2 * tile * width * 4


def check_bound(height, width, tile, classes=20):
    predictor = Predictor(random_model(side=1, classes=classes), Protocol(tile=tile, overlap=32))
    peak(predictor, tile, tile)  # compiles
    found = peak(predictor, height, width)
    assert found < bound(tile, 32, classes, width) + 2_000_000
    assert found < 0.3 * 4 * classes * height * width  # far from the probabilities of all


def test_memory_stays_within_its_bound():
    check_bound(1500, 1000, 128)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_height():
    check_bound(6000, 3000, 256)


def test_windows_need_tiles():
    predictor = Predictor(random_model())
    with pytest.raises(KerassegError, match="by windows where the protocol has tiles"):
        next(predictor.bands(Stripes(64, 64)))


def write_raster(path, values, **more):
    import rasterio
    from rasterio.transform import from_origin

    height, width, count = values.shape
    place = {"crs": "EPSG:32632", "transform": from_origin(500000, 5400000, 0.5, 0.5)}
    profile = {"driver": "GTiff", "height": height, "width": width, "count": count}
    with rasterio.open(path, "w", dtype=values.dtype, **profile, **place, **more) as file:
        file.write(np.moveaxis(values, -1, 0))


def test_a_geotiff_is_predicted_in_its_place(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    model, image = random_model(), random_image(100, 140)
    source, target = tmp_path / "image.tif", tmp_path / "classes.tif"
    write_raster(source, image)
    labels = LabelSet(("soil", "leaf", "stem"))
    predict_raster(Predictor(model, TILES), source, target, labels)
    with rasterio.open(target) as found, rasterio.open(source) as seen:
        np.testing.assert_array_equal(found.read(1), predict(model, image, TILES))
        assert (found.crs, found.transform) == (seen.crs, seen.transform)
        assert found.colormap(1)[1][:3] == labels.colours[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classes.tif", "image.tif"]


def test_what_gdal_keeps_is_bounded(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    bounds = []

    class Watched(Predictor):
        def bands(self, image):
            bounds.append(rasterio.env.getenv()["GDAL_CACHEMAX"])
            return super().bands(image)

    write_raster(tmp_path / "image.tif", random_image(40, 40))
    predict_raster(Watched(random_model(), TILES), tmp_path / "image.tif", tmp_path / "out.tif")
    assert bounds == [128_000_000]


@pytest.mark.parametrize(
    ("count", "options"), [(1, {}), (4, {"photometric": "RGB", "alpha": "YES"})]
)
def test_grey_and_alpha_are_read_as_three_bands(tmp_path, count, options):
    pytest.importorskip("rasterio")
    values = random_image(20, 30)[..., [0, 1, 2, 0][:count]]
    write_raster(tmp_path / "image.tif", values, **options)
    seen = RasterReader(tmp_path / "image.tif").read((slice(2, 9), slice(5, 30)))
    np.testing.assert_array_equal(
        seen, values[2:9, 5:30][..., [0, 0, 0] if count == 1 else [0, 1, 2]]
    )


@pytest.mark.parametrize("count", [1, 3])
def test_of_16_bits_the_upper_8_are_read(tmp_path, count):
    pytest.importorskip("rasterio")
    values = random_image(20, 30)[..., :count]
    write_raster(tmp_path / "image.tif", values.astype(np.uint16) * 256 + 200)
    seen = RasterReader(tmp_path / "image.tif").read((slice(2, 9), slice(5, 30)))
    assert seen.dtype == np.uint8
    np.testing.assert_array_equal(seen, np.broadcast_to(values[2:9, 5:30], seen.shape))


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (
            np.zeros((8, 8, 3), np.int16),
            {},
            "values of int16; 0..255 in 8 bits, or 0..65535 in 16, are",
        ),
        (
            np.zeros((8, 8, 4), np.uint8),  # red, green, blue and near infrared
            {"photometric": "RGB", "alpha": "NO"},
            "has 4 bands; one, three, or three and alpha are meant",
        ),
        (np.zeros((8, 8, 5), np.uint8), {}, "has 5 bands; one, three, or three and alpha are"),
    ],
)
def test_other_rasters_are_refused(tmp_path, values, options, message):
    pytest.importorskip("rasterio")
    write_raster(tmp_path / "image.tif", values, **options)
    with pytest.raises(KerassegError, match=message):
        RasterReader(tmp_path / "image.tif")


def test_places_in_a_palette_are_not_taken_for_grey(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    write_raster(tmp_path / "image.tif", np.zeros((8, 8, 1), np.uint8))
    with rasterio.open(tmp_path / "image.tif", "r+") as file:
        file.write_colormap(1, {0: (9, 200, 3)})
    with pytest.raises(KerassegError, match=r"image.tif holds places in a palette.*-expand rgb"):
        RasterReader(tmp_path / "image.tif")


def test_what_is_no_raster_is_refused(tmp_path):
    pytest.importorskip("rasterio")
    (tmp_path / "image.tif").write_bytes(b"no raster")
    with pytest.raises(KerassegError, match=r"image.tif cannot be read: .*"):
        RasterReader(tmp_path / "image.tif")
