import sys

import numpy as np
import pytest

from kerasseg.data import catalogue, find_pairs, read_pair, shapes
from kerasseg.errors import KerassegError


def test_every_name_is_described():
    assert catalogue.names() == ("camvid", "shapes")
    for name in catalogue.names():
        assert catalogue.describe(name).num_classes > 1


def test_camvid_has_the_eleven_classes_and_void_eleven():
    labels = catalogue.describe("camvid")
    assert (labels.num_classes, labels.ignore_label) == (11, 11)
    assert labels.class_names[0] == "sky"
    assert labels.class_names[-1] == "bicyclist"


def test_the_classes_of_camvid_are_where_they_should_be(camvid):
    names = catalogue.describe("camvid").class_names
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
    with pytest.raises(KerassegError, match="camvid is not part of kerasseg: give data_dir"):
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
