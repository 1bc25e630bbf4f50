"""Scores of small images by NumPy, and the pages that tell them."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from kerasseg.evaluation import BoundaryF1, BoundaryIoU
from kerasseg.evaluation.result.details import TOLERANCES, WIDTHS, Tally
from kerasseg.evaluation.result.markdown import markdown_of
from kerasseg.evaluation.result.page import page_of
from kerasseg.evaluation.result.scores import scores_of
from kerasseg.evaluation.result.worst import (
    RIGHT,
    VOID,
    WRONG,
    WorstImage,
    error_map,
    pictures_of,
    worst_places,
)
from kerasseg.label_set import LabelSet
from tests.evaluation.report.test_html_report import Page, assert_self_contained
from tests.evaluation.result.test_counts import maps_of

NAMES = ("sky & <cloud>", "a|b", "traffic_light", "never")
NO_CLASS = 999


def labels_of(names):
    return LabelSet(names, ignore_label=NO_CLASS)


def result_of_maps(labels, used, calibrated=False):
    truth, predicted = maps_of(used, 40, 60)
    tally = Tally(labels, calibration=calibrated)
    confidence = np.full((1, 40, 60), 0.75) if calibrated else None
    tally.add(truth[None], predicted[None], confidence)
    confusion = np.zeros((labels.num_classes,) * 2, int)
    valid = truth != NO_CLASS
    np.add.at(confusion, (truth[valid], predicted[valid]), 1)
    facts = {"kerasseg_version": "1", "fingerprint": "ab", "images_per_second": 2.0}
    images = [{"name": "a_1|.jpg", "iou": 0.25}, {"name": "void.jpg", "iou": None}]
    scores = scores_of(confusion, tally.details, labels)
    result = {**facts, "class_names": list(labels.class_names), **scores, "images": images}
    return {**result, "confusion": confusion.tolist()}, truth, predicted


@pytest.fixture(scope="module")
def small():
    return result_of_maps(labels_of(NAMES), 3, calibrated=True)


@pytest.fixture(scope="module")
def text(small):
    result, truth, predicted = small
    pictures = pictures_of(np.zeros((40, 60, 3), np.uint8), truth, predicted, labels_of(NAMES))
    worst = [WorstImage("<one>.jpg", 0.25, ((0, 0.5), (1, 0.125)), tuple(pictures))]
    return page_of("a run & more", result, labels_of(NAMES), worst, {"time": "1 < 2"})


def test_scores_are_numpys(small):
    result, truth, predicted = small
    valid = truth != NO_CLASS
    right = (truth == predicted) & valid
    ious, recalls, precisions, weighted = [], [], [], 0
    for number in range(3):
        of_truth, of_prediction = (truth == number) & valid, (predicted == number) & valid
        ious.append((of_truth & of_prediction).sum() / (of_truth | of_prediction).sum())
        recalls.append((of_truth & right).sum() / of_truth.sum())
        precisions.append((of_prediction & right).sum() / of_prediction.sum())
        weighted += ious[-1] * of_truth.sum() / valid.sum()
    dice = [2 * iou / (1 + iou) for iou in ious]
    for key, expected in (
        ("mean_iou", np.mean(ious)),
        ("mean_accuracy", np.mean(recalls)),
        ("mean_dice", np.mean(dice)),
        ("frequency_weighted_iou", weighted),
        ("pixel_accuracy", right.sum() / valid.sum()),
        ("expected_calibration_error", abs(right.sum() / valid.sum() - 0.75)),
    ):
        assert result[key] == pytest.approx(expected), key
    assert result["classes_in_mean"] == 3
    assert result["absent_classes"] == ["never"]
    for key, expected in (
        ("iou", ious),
        ("dice", dice),
        ("accuracy", recalls),
        ("precision", precisions),
    ):
        assert list(result[f"class_{key}"].values()) == [*map(pytest.approx, expected), None], key
    assert max(abs(np.subtract(precisions, recalls))) > 0.01  # neither passes for the other


def test_scores_of_borders_are_those_of_the_metrics(small):
    result, truth, predicted = small
    given = truth[None], np.eye(4, dtype=np.float32)[predicted][None]
    metric = BoundaryIoU(4, NO_CLASS)
    metric.update_state(*given)
    *known, never = metric.class_scores().numpy()
    assert np.isnan(never)
    assert list(result["class_boundary_iou"].values()) == [*map(pytest.approx, known), None]
    assert result["boundary_iou"] == pytest.approx(np.mean(known))
    assert list(result["boundary_f1"]) == [str(each) for each in TOLERANCES]
    for tolerance in TOLERANCES:
        metric = BoundaryF1(4, NO_CLASS, tolerance=tolerance)
        metric.update_state(*given)
        expected = np.nanmean(metric.class_scores())
        assert result["boundary_f1"][str(tolerance)] == pytest.approx(expected), tolerance


def test_near_a_border_and_the_rest_make_up_the_whole(small):
    result, truth, predicted = small
    rows = result["boundary_and_interior"]
    assert [row["within"] for row in rows] == list(WIDTHS)
    right = ((truth == predicted) & (truth != NO_CLASS)).sum()
    for row in rows:
        parts = [row["boundary"], row["interior"]]
        assert sum(part["pixels"] for part in parts) == (truth != NO_CLASS).sum()
        assert sum(part["pixels"] * (part["accuracy"] or 0) for part in parts) == pytest.approx(
            right
        )
    assert rows[0]["boundary"]["accuracy"] < rows[0]["interior"]["accuracy"]


def tables_of(markdown):
    """The cells of each table, as GitHub parts them."""
    blocks = re.findall(r"(?:^\|.*\|$\n?)+", markdown, re.MULTILINE)
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in b.splitlines()] for b in blocks]


def test_markdown_holds_tables_that_github_takes(small):
    markdown = markdown_of("run_1", small[0])
    tables = tables_of(markdown)
    assert len(tables) == 5
    for table in tables:
        assert len({len(row) for row in table}) == 1
        assert all(re.fullmatch(r" :?-+:? ", cell) for cell in table[1])
    for start in re.finditer(r"^\| :--", markdown, re.MULTILINE):
        header = markdown[: start.start()].splitlines()[-2:]
        assert header[0] == ""
    names = [row[0].strip() for row in tables[1][2:]]
    assert names == [r"sky \& \<cloud\>", r"a\|b", r"traffic\_light", "never"]
    assert tables[1][-1][1].strip() == "-"
    assert f" {small[0]['mean_iou']:.3f} " in tables[0][2][1]
    assert [row[0].strip() for row in tables[4][2:]] == [r"a\_1\|.jpg"]


def test_the_page_is_whole_and_needs_no_other_file(text):
    assert_self_contained(text)
    assert "url(" not in text


def test_the_page_tells_every_part(text, small):
    words = Page(text).text
    for heading in (
        "a run & more",
        "Classes",
        "Confusion matrix",
        "Near borders and in the rest",
        "By the size of regions",
        "Calibration",
        "The worst images",
        "<one>.jpg: mean IoU 0.250",
    ):
        assert heading in words
    assert "of the 3 of 4 classes that occur in truth or prediction" in words
    assert f"{small[0]['boundary_iou']:.3f}" in words
    assert [words[words.index(name) + 1] for name in ("sky & <cloud>", "never")] == [
        f"{small[0]['class_iou']['sky & <cloud>']:.3f}",
        "-",
    ]
    legend = [words.index(each) for each in ("right", "wrong", "void, not counted")]
    assert legend == sorted(legend)
    assert "a|b 0.12" in words
    kinds = [source.split(";")[0].removeprefix("data:image/") for source in Page(text).sources]
    assert kinds == ["png", "svg+xml", "svg+xml", "jpeg", "png", "png", "png"]


def test_171_classes_have_a_page_and_a_folded_table():
    labels = labels_of(tuple(f"class {number}" for number in range(171)))
    result, *_ = result_of_maps(labels, 171)
    page = Page(page_of("many", result, labels, [], {}))
    assert page.open == []
    assert any(word.startswith("Lowest IoU: class ") for word in page.text)
    assert "Calibration" not in page.text
    assert "The worst images" not in page.text
    markdown = markdown_of("many", result)
    assert "<details>\n<summary>171 classes</summary>\n\n| class |" in markdown


def test_the_worst_come_first_and_void_ones_not():
    scores = np.array([0.4, np.nan, 0.1, 0.4, 0.2])
    assert worst_places(scores).tolist() == [2, 4, 0, 3]
    assert worst_places(scores, 2).tolist() == [2, 4]


def test_the_map_of_errors_and_large_images():
    truth, predicted = np.zeros((800, 1000), int), np.zeros((800, 1000), int)
    truth[:400, :500], predicted[400:, :500] = NO_CLASS, 1
    shown = error_map(truth, predicted, NO_CLASS)
    assert [tuple(shown[place]) for place in ((0, 0), (0, 999), (799, 0))] == [VOID, RIGHT, WRONG]
    image = np.zeros((800, 1000, 3), np.uint8)
    for name, kind, encoded in pictures_of(image, truth, predicted, labels_of(NAMES)):
        picture = Image.open(io.BytesIO(encoded))
        assert (picture.format.lower(), picture.size) == (kind, (640, 512))
        if name == "errors":
            assert {colour for _, colour in picture.getcolors()} == {RIGHT, WRONG, VOID}
