"""What `report.html` of a run says."""

import html
import re

import numpy as np
import pytest

from kerasseg import data
from kerasseg.evaluation import predict
from kerasseg.run import Run
from tests.data.files import LABELS
from tests.training.runs import history


@pytest.fixture(scope="module")
def page(undisturbed):
    return (undisturbed / "report.html").read_text()


@pytest.fixture(scope="module")
def facts(page):
    """The table of the run, name to value."""
    table = page.partition("<h2>The run</h2>")[2].partition("</table>")[0]
    rows = re.findall("<tr><td>(.*?)</td><td>(.*?)</td></tr>", table)
    return {html.unescape(name): html.unescape(value) for name, value in rows}


def test_its_title_names_network_and_data(page):
    title = "EfficientFCN on tiny, trained on folder (undisturbed)"
    assert f"<title>{title}</title>" in page
    assert f"<h1>{title}</h1>" in page


def test_data_commit_and_versions(facts, undisturbed):
    described = Run(undisturbed).description
    assert facts["data set"] == "folder"
    assert facts["fingerprint, train"] == described.fingerprint["train"]
    assert facts["fingerprint, validation"] == described.fingerprint["validation"]
    assert facts["kerasseg"] == described.kerasseg_version
    assert facts["commit"] == described.commit
    assert described.versions.keys() >= {"python", "tensorflow", "keras", "numpy"}
    for name, version in described.versions.items():
        assert facts[name] == version


def test_how_it_was_trained_in_words(facts):
    assert re.fullmatch(r"\d+ s|\d+ min \d+ s", facts["time of training"])
    assert re.fullmatch(r"\d+ % of a step", facts["waiting for images"])
    assert (facts["validation images"], facts["epochs"], facts["seed"]) == ("4", "3", "0")
    assert re.fullmatch(r"CPU:0 of \d+ cores", facts["devices"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", facts["written"])


def test_the_recipe_is_the_one_that_ran(page, undisturbed):
    shown = page.rpartition("<pre>")[2].partition("</pre>")[0]
    assert html.unescape(shown) == (undisturbed / "recipe.toml").read_text()


def test_the_best_epoch_is_that_of_the_history(page, undisturbed):
    scores = {row["epoch"]: row["val_mean_iou"] for row in history(undisturbed)}
    best = max((epoch for epoch in scores if scores[epoch]), key=lambda e: float(scores[e]))
    assert f"validated was {best}, with mean IoU {float(scores[best]):.3f} (best.keras)." in page


def iou_of_images(run_dir, data_dir):
    """Returns mean IoU over the classes in truth or prediction, of each validation image."""
    model, found = Run(run_dir).load_model(), {}
    for pair in data.find_pairs(data_dir, "val"):
        image, truth = data.read_pair(pair)
        predicted, valid = predict(model, image), truth != LABELS.ignore_label
        overlaps = []
        for number in range(LABELS.num_classes):
            is_truth, is_predicted = (part[valid] == number for part in (truth, predicted))
            if (is_truth | is_predicted).any():
                overlaps.append((is_truth & is_predicted).sum() / (is_truth | is_predicted).sum())
        found[pair.image.name] = np.mean(overlaps)
    return found


def captions(page, heading):
    part = page.partition(f"<h2>{heading}</h2>")[2].partition("<h2>")[0]
    found = re.findall(r"<figcaption>(\S+): mean IoU (\S+) \(image", part)
    return {name: float(iou) for name, iou in found}


def test_the_best_and_the_worst_images_are_that(page, undisturbed, data_dir):
    ious = iou_of_images(undisturbed, data_dir)
    in_order = sorted(ious, key=lambda name: ious[name])
    assert ious[in_order[1]] + 5e-3 < ious[in_order[2]]
    worst, best = captions(page, "The worst images"), captions(page, "The best images")
    assert (worst.keys(), best.keys()) == ({*in_order[:2]}, {*in_order[2:]})
    assert list(worst.values()) == sorted(worst.values())
    assert list(best.values()) == sorted(best.values(), reverse=True)
    for name, iou in (worst | best).items():
        # The page's are of a padded batch, in bfloat16.
        assert iou == pytest.approx(ious[name], abs=5e-3)
