import sys

import numpy as np
import pytest

from kerasseg.data import catalogue, find_pairs, read_pair, shapes
from kerasseg.errors import KerassegError


def test_every_name_is_described():
    assert list(catalogue.names()) == sorted(catalogue.names())
    for name in catalogue.names():
        data_set = catalogue.describe(name)
        assert data_set.name == name
        assert data_set.labels.num_classes > 1
        assert len(data_set.splits) > 1
        assert all(data_set.images.values())
        assert data_set.layout
        assert data_set.licence
        if name != "shapes":
            assert data_set.homepage.startswith("http")
            assert data_set.paper


COUNTS = {
    "ade20k": 150,
    "cityscapes": 19,
    "coco_stuff": 171,
    "coco_voc": 21,
    "nyudv2": 40,
    "oxford_iiit_pet": 2,
    "pascal_context": 59,
    "pascal_context60": 60,
    "person_part": 7,
    "sun_rgbd": 37,
    "voc2012": 21,
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_classes_are_those_of_the_benchmarks(name):
    labels = catalogue.describe(name).labels
    assert (labels.num_classes, labels.ignore_label) == (COUNTS[name], 255)


def test_classes_that_others_number_alike():
    classes = {name: catalogue.describe(name).labels.class_names for name in COUNTS}
    assert classes["voc2012"][15] == "person"
    assert classes["pascal_context60"][1:] == classes["pascal_context"]
    assert classes["pascal_context"][:20] == classes["voc2012"][1:]
    assert classes["nyudv2"][:23] == classes["sun_rgbd"][:23]
    assert classes["ade20k"][149] == "flag"
    assert classes["cityscapes"][11] == "person"
    assert (classes["coco_stuff"][0], classes["coco_stuff"][170]) == ("person", "wood")
    assert classes["coco_stuff"][80] == "banner"


def test_colours_that_are_known():
    palette = catalogue.describe("voc2012").labels.colours
    assert (palette[0], palette[1], palette[15]) == ((0, 0, 0), (128, 0, 0), (192, 128, 128))
    assert catalogue.describe("cityscapes").labels.colours[13] == (0, 0, 142)
    assert catalogue.describe("ade20k").labels.colours[149] == (92, 0, 255)


def test_camvid_has_the_eleven_classes_and_void_eleven():
    labels = catalogue.describe("camvid").labels
    assert (labels.num_classes, labels.ignore_label) == (11, 11)
    assert labels.class_names[0] == "sky"
    assert labels.class_names[-1] == "bicyclist"


def test_the_classes_of_camvid_are_where_they_should_be(camvid):
    names = catalogue.describe("camvid").labels.class_names
    counts, heights = np.zeros(12), np.zeros(12)
    for pair in find_pairs(camvid, "val")[::10]:
        label = read_pair(pair)[1]
        counts += np.bincount(label.ravel(), minlength=12)
        heights += np.bincount(label.ravel(), np.indices(label.shape)[0].ravel(), minlength=12)
    height = dict(zip(names, heights / counts, strict=False))
    share = dict(zip(names, counts / counts.sum(), strict=False))
    assert height["sky"] < height["tree"] < height["car"] < height["road"]
    assert min(share["road"], share["building"]) > 0.15 > share["pole"] > 0


@pytest.mark.parametrize("function", [catalogue.describe, catalogue.locate])
def test_an_unknown_name_gets_the_nearest(function):
    with pytest.raises(KerassegError, match="unknown data set 'camvd': did you mean 'camvid'"):
        function("camvd")


def test_camvid_has_to_be_given():
    with pytest.raises(
        KerassegError, match=r"camvid is not part of kerasseg: get it from http.* and give"
    ):
        catalogue.locate("camvid")


def test_shapes_lie_in_the_home_of_kerasseg(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path))
    monkeypatch.setattr(shapes, "ensure", lambda path: asked.append(path) or path)
    assert catalogue.locate("shapes") == tmp_path / "shapes"
    assert catalogue.locate("shapes", tmp_path / "mine") == tmp_path / "mine"
    assert len(asked) == 2


def test_what_is_heavy_is_imported_late():
    import kerasseg.data

    late = {"tqdm", "PIL", "pydantic", "matplotlib"}
    rooms = [module for name, module in sys.modules.items() if name.startswith("kerasseg.data")]
    assert kerasseg.data in rooms
    for room in rooms:
        assert not late & set(vars(room))
