import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from rasterio.features import rasterize

from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.polygons import doubled_area, outlines_without_holes, regions

MAPS = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 2)
)


def drawn(rings, shape):
    return rasterize([{"type": "Polygon", "coordinates": rings}], shape, dtype="uint8") != 0


@settings(max_examples=150, deadline=None)
@given(MAPS)
def test_the_regions_drawn_again_are_the_map(classes):
    again, times = np.full(classes.shape, 255), np.zeros(classes.shape, int)
    for region in regions(classes):
        inside = drawn(region.rings, classes.shape)
        again[inside] = region.class_id
        times += inside
        assert region.area == inside.sum()
        rows, columns = np.nonzero(inside)
        left, top, width, height = region.box
        assert (left, top) == (columns.min(), rows.min())
        assert (left + width - 1, top + height - 1) == (columns.max(), rows.max())
    np.testing.assert_array_equal(again, classes)
    assert np.all(times == 1)


@settings(max_examples=150, deadline=None)
@given(MAPS)
def test_outlines_without_holes_cover_the_region_once(classes):
    for region in regions(classes):
        times = np.zeros(classes.shape, int)
        outlines = outlines_without_holes(region)
        for outline in outlines:
            assert outline[0] == outline[-1]
            times += drawn([outline], classes.shape)
        np.testing.assert_array_equal(times, drawn(region.rings, classes.shape))
        assert sum(abs(doubled_area(outline)) // 2 for outline in outlines) == region.area


def test_a_hole_and_an_island_in_it_are_three_regions():
    classes = np.zeros((9, 9), np.uint16)
    classes[2:7, 2:7], classes[4, 4] = 300, 7
    found = {region.class_id: region for region in regions(classes)}
    assert {number: region.area for number, region in found.items()} == {0: 56, 300: 24, 7: 1}
    assert {number: len(region.rings) for number, region in found.items()} == {0: 2, 300: 2, 7: 1}


def test_a_line_of_one_pixel_has_an_area():
    classes = np.zeros((5, 8), np.uint8)
    classes[2, 1:7] = 1
    assert [region.area for region in regions(classes) if region.class_id == 1] == [6]


def test_pixels_that_touch_at_a_corner_are_two_regions():
    assert len(list(regions(np.eye(2, dtype=np.uint8)))) == 4


def test_a_library_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(KerassegError, match=r'pip install "kerasseg\[polygons\]"'):
        list(regions(np.zeros((2, 2), np.uint8)))
