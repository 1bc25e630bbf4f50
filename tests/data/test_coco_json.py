import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from kerasseg.data import CocoJson, check_pairs, load_coco, read_pair
from kerasseg.errors import KerassegError

CATEGORIES = [{"id": 7, "name": "leaf"}, {"id": 3, "name": "stem"}]
STEM, LEAF, VOID = 1, 2, 255
SIZE = (30, 40)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def box(left, top, width, height):
    right, bottom = left + width, top + height
    return [[left, top, right, top, right, bottom, left, bottom]]


def run_lengths(mask, compressed):
    code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    if compressed:
        return {"size": list(mask.shape), "counts": code["counts"].decode()}
    flat = mask.ravel(order="F").astype(int)
    ends = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], ends, [flat.size]]))
    return {"size": list(mask.shape), "counts": [*([0] if flat[0] else []), *map(int, counts)]}


def contents(annotations, names=("one.png",), categories=CATEGORIES):
    images = [
        {"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
        for number, name in enumerate(names, start=1)
    ]
    annotations = [
        {"id": number, "image_id": 1, "iscrowd": 0} | annotation
        for number, annotation in enumerate(annotations, start=1)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def write(folder, annotations=(), split="train", layout="export", **more):
    described = contents(annotations, **more)
    images = folder / "images" / split if layout == "images" else folder / split
    for image in described["images"]:
        (images / image["file_name"]).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE[::-1]).save(images / image["file_name"])
    path = folder / "annotations" / f"instances_{split}.json"
    if layout == "export":
        path = folder / split / "_annotations.coco.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(described))
    return path


def label_of(folder, split="train"):
    source = CocoJson(folder)
    pairs = source.find(split)
    check_pairs(pairs, source.labels)
    return read_pair(pairs[0])[1]


@pytest.mark.parametrize("layout", ["export", "official", "images"])
def test_all_layouts_are_read(tmp_path, layout):
    folder = tmp_path / "my leaves"
    write(folder, [{"category_id": 7, "segmentation": box(4, 5, 6, 7)}], layout=layout)
    write(folder, split="val", layout=layout)
    assert CocoJson(folder).splits == ("train", "val")
    label = label_of(folder)
    expected = np.zeros(SIZE, int)
    expected[5:12, 4:10] = LEAF
    assert np.array_equal(label, expected)
    assert not label_of(folder, "val").any()


def test_classes_are_background_and_the_categories_by_number(tmp_path):
    write(tmp_path)
    labels = CocoJson(tmp_path).labels
    assert labels.class_names == ("background", "stem", "leaf")
    assert labels.ignore_label == VOID


def test_more_classes_than_a_byte_holds(tmp_path):
    many = [{"id": number, "name": f"class {number}"} for number in range(300)]
    annotation = {"category_id": 299, "segmentation": box(0, 0, 9, 9)}
    crowd = {"category_id": 1, "segmentation": box(20, 20, 9, 9), "iscrowd": 1}
    write(tmp_path, [annotation, crowd], categories=many)
    assert CocoJson(tmp_path).labels.ignore_label == 65535
    assert np.unique(label_of(tmp_path)).tolist() == [0, 300, 65535]


def test_the_smaller_of_two_objects_lies_on_top(tmp_path):
    large = {"category_id": 7, "segmentation": box(0, 0, 30, 20)}
    small = {"category_id": 3, "segmentation": box(5, 5, 4, 4)}
    for order in ([large, small], [small, large]):
        write(tmp_path, order)
        label = label_of(tmp_path)
        assert (label == STEM).sum() == 16
        assert (label == LEAF).sum() == 600 - 16


def test_a_crowd_is_void_and_what_is_smaller_lies_on_it(tmp_path):
    crowd = {"category_id": 7, "segmentation": box(0, 0, 20, 20), "iscrowd": 1}
    one = {"category_id": 7, "segmentation": box(5, 5, 4, 4)}
    write(tmp_path, [one, crowd])
    label = label_of(tmp_path)
    assert (label == LEAF).sum() == 16
    assert (label == VOID).sum() == 400 - 16


@pytest.mark.parametrize("compressed", [True, False])
def test_run_length_codes_are_read(tmp_path, compressed):
    mask = np.random.default_rng(1).random(SIZE) < 0.3
    write(tmp_path, [{"category_id": 3, "segmentation": run_lengths(mask, compressed)}])
    assert np.array_equal(label_of(tmp_path), mask * STEM)


def test_an_object_of_two_polygons(tmp_path):
    shape = box(0, 0, 5, 5) + box(20, 10, 5, 5)
    write(tmp_path, [{"category_id": 3, "segmentation": shape}])
    assert (label_of(tmp_path) == STEM).sum() == 50


def test_it_loads_in_the_order_of_the_names_with_a_known_length(tmp_path):
    names = ("b.png", "a.png", "deep/c.jpg")
    write(tmp_path, [{"category_id": 3, "segmentation": box(0, 0, 5, 5)}], names=names)
    loaded = load_coco(tmp_path, "train")
    assert len(loaded) == 3
    assert [int(label.numpy().sum()) for _, label in loaded] == [0, 25, 0]


def test_two_images_of_one_name_in_two_folders(tmp_path):
    names = ("a/one.png", "b/one.png")
    write(tmp_path, [{"category_id": 3, "segmentation": box(0, 0, 5, 5)}], names=names)
    assert [int(label.numpy().sum()) for _, label in load_coco(tmp_path, "train")] == [25, 0]


def test_label_maps_are_drawn_anew_when_the_annotations_change(tmp_path):
    write(tmp_path, [{"category_id": 3, "segmentation": box(0, 0, 5, 5)}])
    assert (label_of(tmp_path) == STEM).sum() == 25
    write(tmp_path, [{"category_id": 3, "segmentation": box(0, 0, 6, 6)}])
    assert (label_of(tmp_path) == STEM).sum() == 36


def test_splits_may_number_the_categories_differently(tmp_path):
    write(tmp_path, [{"category_id": 3, "segmentation": box(0, 0, 5, 5)}])
    other = [{"id": 0, "name": "stem"}, {"id": 1, "name": "leaf"}]
    write(
        tmp_path,
        [{"category_id": 0, "segmentation": box(0, 0, 6, 6)}],
        split="val",
        categories=other,
    )
    assert (label_of(tmp_path) == STEM).sum() == 25
    assert (label_of(tmp_path, "val") == STEM).sum() == 36


def refused(folder, message, split="train"):
    with pytest.raises(KerassegError, match=message) as caught:
        CocoJson(folder).find(split)
    assert "\n" not in str(caught.value)


def test_splits_of_other_categories(tmp_path):
    write(tmp_path)
    write(tmp_path, split="val", categories=[*CATEGORIES, {"id": 9, "name": "root"}])
    refused(
        tmp_path, "val/_annotations.* has the categories stem, leaf, root and .* stem, l", "val"
    )


def test_an_unknown_split_gets_the_nearest(tmp_path):
    write(tmp_path)
    refused(tmp_path, "unknown split of .* 'trian': did you mean 'train'", "trian")


def test_a_directory_of_something_else(tmp_path):
    (tmp_path / "photos").mkdir()
    refused(tmp_path, r"holds no annotations of COCO: expected annotations/.*; found photos\.")
    refused(tmp_path / "nowhere", "no such data directory: .*nowhere")


def test_a_missing_image_is_named_and_counted(tmp_path):
    write(tmp_path, names=("a.png", "b.png", "c.png"))
    for name in ("b", "c"):
        (tmp_path / "train" / f"{name}.png").unlink()
    refused(tmp_path, r"names .*train/b.png, which is not there \(2 of 3 are missing\)")


BAD = {
    "no such image": ({"image_id": 9}, "9: there is no such image"),
    "no such category": ({"category_id": 4}, "is of the unknown category 4"),
    "a box alone": ({"segmentation": []}, "has no mask: a polygon of at least three corners"),
    "a line": ({"segmentation": [[1, 2, 3, 4]]}, "has no mask"),
    "no lists": ({"segmentation": [1, 2, 3, 4, 5, 6]}, "has no mask"),
    "another size": (
        {"segmentation": {"counts": [1200], "size": [40, 30]}},
        r"has a mask of size \[40, 30\] on an image of size \[30, 40\]",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_an_annotation_that_cannot_be_drawn_is_named(tmp_path, fault):
    good = {"category_id": 3, "segmentation": box(0, 0, 5, 5)}
    write(tmp_path, [good, good | BAD[fault][0]])
    refused(tmp_path, f"_annotations.coco.json: annotation 2 of image .*{BAD[fault][1]}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON file"),
        ("[]", "has no list 'images', as COCO's annotations have"),
        ('{"images": [{"id": 1}]}', "an entry of 'images' lacks 'file_name'"),
        ('{"images": [], "categories": []}', "has no list 'annotations'"),
        ('{"images": [], "categories": [], "annotations": []}', "has no categories"),
    ],
)
def test_a_file_that_is_not_as_it_should_be(tmp_path, text, message):
    write(tmp_path).write_text(text)
    refused(tmp_path, f"_annotations.coco.json:? .*{message}")


def test_no_images_at_all(tmp_path):
    write(tmp_path, names=("a.png",)).write_text(json.dumps(contents([], names=())))
    refused(tmp_path, "lists no images")


def test_two_categories_of_one_name(tmp_path):
    write(tmp_path, categories=[{"id": 1, "name": "background"}])
    with pytest.raises(KerassegError, match=r"_annotations.coco.json: .* background comes twice"):
        CocoJson(tmp_path).labels  # noqa: B018
