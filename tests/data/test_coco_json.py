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
    refused(tmp_path, r"holds no annotations of COCO: expected annotations/.*; found photos/\.")
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
    "a code that is too short": (
        {"segmentation": {"counts": [100, 50, 900], "size": [30, 40]}},
        "has a run-length code of 1050 pixels on an image of 1200",
    ),
    "a compressed code that is too long": (
        {"segmentation": run_lengths(np.ones((30, 41)), True) | {"size": [30, 40]}},
        "has a run-length code of 1230 pixels on an image of 1200",
    ),
    "a compressed code of nothing": (
        {"segmentation": {"counts": "", "size": [30, 40]}},
        "has a run-length code of 0 pixels",
    ),
    "a code that goes back": (
        {"segmentation": {"counts": [1300, -100], "size": [30, 40]}},
        "has a run-length code that cannot be read",
    ),
    "a code that is cut short": (
        {"segmentation": {"counts": "`", "size": [30, 40]}},
        "has a run-length code that cannot be read",
    ),
    "a code of words": (
        {"segmentation": {"counts": ["many"], "size": [30, 40]}},
        "has a run-length code that cannot be read",
    ),
    "corners of words": ({"segmentation": [["a"] * 6]}, "has no mask"),
    "corners that are no numbers": ({"segmentation": [[float("nan")] * 6]}, "has no mask"),
    "lists of corners": ({"segmentation": [[[1, 2], [3, 4], [5], 6, 7, 8]]}, "has no mask"),
}


@pytest.mark.parametrize("fault", BAD)
def test_an_annotation_that_cannot_be_drawn_is_named(tmp_path, fault):
    good = {"category_id": 3, "segmentation": box(0, 0, 5, 5)}
    write(tmp_path, [good, good | BAD[fault][0]])
    refused(tmp_path, f"_annotations.coco.json: annotation 2 of image .*{BAD[fault][1]}")


def broken(what, **change):
    """Returns a file of annotations with a wrong value in the first entry of a list."""
    described = contents([{"category_id": 3, "segmentation": box(0, 0, 5, 5)}])
    described[what] = [described[what][0] | change, *described[what][1:]]
    return json.dumps(described)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON file"),
        ("[]", "holds no annotations as COCO has them: Input should be an object. Export"),
        ('{"images": [{"id": 1}]}', "images.0.file_name: Field required. Export it again"),
        ('{"images": [], "categories": []}', "annotations: Field required"),
        ('{"images": [], "categories": [], "annotations": []}', "has no categories"),
        ('{"images": {}, "categories": []}', "images: Input should be a valid array"),
        ('{"images": [7]}', "images.0: Input should be an object"),
        (broken("images", height="tall"), "images.0.height: Input should be a valid integer"),
        (broken("images", width=0), "images.0.width: Input should be greater than 0"),
        (broken("images", file_name=7), "images.0.file_name: Input should be a valid string"),
        (broken("images", id=[1]), "images.0.id.*: Input should be a valid integer"),
        (broken("categories", name=None), "categories.0.name: Input should be a valid string"),
        (broken("annotations", image_id={}), "annotations.0.image_id.*: Input should be a valid"),
        (broken("annotations", iscrowd="maybe"), "annotations.0.iscrowd: Input should be a valid"),
    ],
)
def test_a_file_that_is_not_as_it_should_be(tmp_path, text, message):
    write(tmp_path).write_text(text)
    refused(tmp_path, f"_annotations.coco.json:? .*{message}")


def test_an_image_whose_id_comes_twice(tmp_path):
    described = contents([], names=("a.png", "b.png"))
    described["images"][1]["id"] = 1
    write(tmp_path).write_text(json.dumps(described))
    refused(tmp_path, "has the id 1 twice in 'images': it must stand for one alone")


def test_a_category_whose_id_comes_twice(tmp_path):
    write(tmp_path, categories=[*CATEGORIES, {"id": 7, "name": "root"}])
    refused(tmp_path, "has the id 7 twice in 'categories'")


def test_ids_may_be_words(tmp_path):
    described = contents(
        [{"category_id": "leaf", "image_id": "one", "segmentation": box(0, 0, 5, 5)}]
    )
    described["images"][0]["id"] = "one"
    described["categories"] = [{"id": "stem", "name": "stem"}, {"id": "leaf", "name": "leaf"}]
    write(tmp_path).write_text(json.dumps(described))
    assert CocoJson(tmp_path).labels.class_names == ("background", "leaf", "stem")
    assert (label_of(tmp_path) == 1).sum() == 25


def test_no_images_at_all(tmp_path):
    write(tmp_path, names=("a.png",)).write_text(json.dumps(contents([], names=())))
    refused(tmp_path, "lists no images")


def test_two_categories_of_one_name(tmp_path):
    write(tmp_path, categories=[{"id": 1, "name": "background"}])
    with pytest.raises(KerassegError, match=r"_annotations.coco.json: .* background comes twice"):
        CocoJson(tmp_path).labels  # noqa: B018
