"""The list of data sets."""

import pytest

from kerasseg.data import describe, names
from training.datasets import main


def test_every_data_set_is_listed(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    for name in names():
        data_set = describe(name)
        assert f"{name}: {data_set.title}\n  {data_set.labels.num_classes} classes; " in shown
        assert data_set.licence in shown
        assert data_set.homepage in shown
    assert "tfds:cityscapes, tfds:oxford_iiit_pet, tfds:scene_parse150." in shown
    assert all(f"'{name}'" in shown for name in ("folder", "coco_json", "records"))


@pytest.mark.parametrize("name", names())
def test_a_name_shows_the_tree_and_every_class(capsys, name):
    assert main([name]) == 0
    shown = capsys.readouterr().out
    data_set = describe(name)
    assert all(line in shown for line in data_set.layout.splitlines())
    for number, each in enumerate(data_set.labels.class_names):
        assert f"  {number:3} {each}\n" in shown
    assert f"void is {data_set.labels.ignore_label}" in shown


def test_an_unknown_name_gets_the_nearest(capsys):
    assert main(["voc2102"]) == 2
    said = capsys.readouterr().err
    assert "unknown data set 'voc2102': did you mean 'voc2012'?" in said
    assert said.count("\n") == 1
