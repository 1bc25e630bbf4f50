import json

import numpy as np
import pytest
import rasterio
from pycocotools.coco import COCO
from rasterio.features import rasterize
from rasterio.transform import Affine, from_origin

from kerasseg import LabelSet
from kerasseg.evaluation.prediction.polygon_files import gather_coco, write_coco, write_geojson

LABELS = LabelSet(("soil", "leaf", "stem"))


@pytest.fixture
def classes():
    """Coarse noise: islands in holes, and regions that touch at corners."""
    noise = np.random.default_rng(0).choice(3, (17, 22), p=(0.6, 0.25, 0.15))
    return np.kron(noise, np.ones((2, 3))).astype(np.uint8)[:33, :64]


def decoded(coco, image_id, shape):
    found, times = np.full(shape, 255), np.zeros(shape, int)
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image_id])):
        mask = coco.annToMask(annotation)
        assert annotation["area"] == mask.sum()
        rows, columns = np.nonzero(mask)
        left, top, width, height = annotation["bbox"]
        assert (left, left + width - 1) == (columns.min(), columns.max())
        assert (top, top + height - 1) == (rows.min(), rows.max())
        found[mask == 1] = annotation["category_id"]
        times += mask
    assert np.all(times == 1)
    return found


def test_pycocotools_draws_the_masks_again(tmp_path, classes):
    other = classes[::-1, :40].copy()
    write_coco(tmp_path / "polygons/b.json", other, LABELS, "b.png")
    write_coco(tmp_path / "polygons/may/a.json", classes, LABELS, "may/a.jpg")
    gather_coco(tmp_path, LABELS)
    coco = COCO(str(tmp_path / "coco.json"))
    assert [each["name"] for each in coco.loadCats(coco.getCatIds())] == list(LABELS.class_names)
    names = {each["file_name"]: each["id"] for each in coco.loadImgs(coco.getImgIds())}
    assert list(names) == ["b.png", "may/a.jpg"]
    np.testing.assert_array_equal(decoded(coco, names["may/a.jpg"], classes.shape), classes)
    np.testing.assert_array_equal(decoded(coco, names["b.png"], other.shape), other)
    alone = COCO(str(tmp_path / "polygons/may/a.json"))
    np.testing.assert_array_equal(decoded(alone, 1, classes.shape), classes)
    numbers = [each["id"] for each in coco.dataset["annotations"]]
    assert numbers == list(range(1, len(numbers) + 1))


def test_there_are_holes_to_get_right(classes):
    from kerasseg.evaluation.prediction.polygons import regions

    assert sum(len(region.rings) > 1 for region in regions(classes)) > 2


def read_back(file, shape, transform=None):
    contents = json.loads(file.read_text())
    burnt = [(each["geometry"], each["properties"]["id"]) for each in contents["features"]]
    options = {} if transform is None else {"transform": transform}
    return contents, rasterize(burnt, shape, fill=255, dtype="uint8", **options)


def test_geojson_of_a_plain_image_is_in_pixels(tmp_path, classes):
    write_geojson(tmp_path / "a.geojson", classes, LABELS)
    contents, again = read_back(tmp_path / "a.geojson", classes.shape)
    np.testing.assert_array_equal(again, classes)
    assert "crs" not in contents
    for each in contents["features"]:
        properties = each["properties"]
        assert properties["class"] == LABELS.class_names[properties["id"]]
    total = sum(each["properties"]["pixels"] for each in contents["features"])
    assert total == classes.size


@pytest.mark.parametrize(
    "transform",
    [from_origin(500000, 5400000, 0.2, 0.2), Affine(1.5, 0.4, 300.1, 0.2, -2.5, 40.7)],
    ids=["upright", "turned"],
)
def test_geojson_of_a_raster_lies_on_the_earth(tmp_path, classes, transform):
    place = {"crs": rasterio.crs.CRS.from_epsg(32632), "transform": transform}
    write_geojson(tmp_path / "a.geojson", classes, LABELS, place)
    contents, again = read_back(tmp_path / "a.geojson", classes.shape, transform)
    np.testing.assert_array_equal(again, classes)
    assert contents["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32632"
    for each in contents["features"]:
        outline, *holes = each["geometry"]["coordinates"]
        assert signed_area(outline) > 0
        assert all(signed_area(hole) < 0 for hole in holes)
        pixels = signed_area(outline) + sum(map(signed_area, holes))
        assert pixels / abs(transform.determinant) == pytest.approx(
            each["properties"]["pixels"], abs=1e-2
        )


def signed_area(ring):
    """Green's theorem: positive for a ring that runs counter-clockwise."""
    x, y = (np.array(ring) - np.array(ring)[0]).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def test_a_reference_system_without_a_number_is_spelt_out(tmp_path, classes):
    own = rasterio.crs.CRS.from_proj4("+proj=tmerc +lat_0=1.5 +lon_0=9 +x_0=3 +datum=WGS84")
    place = {"crs": own, "transform": from_origin(0, 0, 1, 1)}
    write_geojson(tmp_path / "a.geojson", classes, LABELS, place)
    name = json.loads((tmp_path / "a.geojson").read_text())["crs"]["properties"]["name"]
    assert rasterio.crs.CRS.from_user_input(name) == own
