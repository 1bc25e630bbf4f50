"""Two runs, compared by what their evaluations left."""

from dataclasses import replace

import numpy as np
import pytest

from kerasseg.evaluation import ImageCounts, class_iou, read_image_counts, write_image_counts
from kerasseg.run import Run, RunDescription
from tests.test_run import VALUES
from training.compare import main

NAMES = ("road", "car")
IMAGES = tuple(f"{number:03}.png" for number in range(20))


def confusions(seed, share):
    """A confusion matrix an image, of truths that do not depend on the seed."""
    generator = np.random.default_rng(seed)
    truth = np.random.default_rng(0).integers(100, 200, (len(IMAGES), 2))
    right = generator.binomial(truth, share)
    wrong = truth - right
    return np.stack([right[:, 0], wrong[:, 0], wrong[:, 1], right[:, 1]], 1).reshape(-1, 2, 2)


def counts_of(matrices):
    overlap = np.diagonal(matrices, axis1=1, axis2=2)
    union = matrices.sum(axis=1) + matrices.sum(axis=2) - overlap
    return ImageCounts(
        np.arange(len(IMAGES)), IMAGES, overlap, union, NAMES, "ab12", "whole", "last"
    )


BETTER, WORSE = confusions(1, 0.9), confusions(2, 0.7)


@pytest.fixture
def run_of(tmp_path):
    """Makes a run directory of counts."""

    def make(name, counts, evaluation="validation"):
        run = Run(tmp_path / name)
        run.describe(RunDescription.model_validate(VALUES))
        if counts is not None:
            write_image_counts(run, evaluation, counts)
        return run.path

    return make


def said(capsys, *arguments):
    status = main([str(each) for each in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_what_was_written_is_read(run_of):
    counts = counts_of(BETTER)
    again = read_image_counts(Run(run_of("a", counts)))
    for name, value in vars(counts).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    np.testing.assert_array_equal(again.valid_pixels, BETTER.sum(axis=(1, 2)))
    unnamed = replace(counts, names=())
    assert read_image_counts(Run(run_of("b", unnamed))).names == ()


def test_scores_differences_and_intervals_of_classes_and_mean(run_of, capsys):
    a, b = run_of("a", counts_of(WORSE)), run_of("b", counts_of(BETTER))
    status, out, _ = said(capsys, a, b, "--samples", 500)
    assert status == 0
    lines = out.splitlines()
    way = "validation (whole, last weights)"
    assert lines[:2] == [f"A: {a}, {way}", f"B: {b}, {way}"]
    assert lines[2].split("   ")[-1] == "95 % interval"
    scores = [class_iou(matrices.sum(axis=0)) for matrices in (WORSE, BETTER)]
    one, other = ([*each, each.mean()] for each in scores)
    for line, name, *expected in zip(lines[3:6], (*NAMES, "mean"), one, other, strict=True):
        fields = line.replace("[", "").replace("]", "").replace(",", "").split()
        assert fields[:3] == [name, *(f"{value:.3f}" for value in expected)]
        difference, low, high = map(float, fields[3:6])
        assert difference == pytest.approx(expected[1] - expected[0], abs=6e-4)
        assert 0 < low < difference < high
        assert fields[6] == "*"
    assert lines[6] == (
        "The interval of the mean excludes 0: B is the better one on these 20 images."
    )
    assert "A is the better one" in said(capsys, b, a)[1]


def test_what_chance_alone_tells_apart_is_not_told_apart(run_of, capsys):
    a, b = run_of("a", counts_of(confusions(3, 0.8))), run_of("b", counts_of(confusions(4, 0.8)))
    assert "holds 0: A and B are not told apart on these 20 images." in said(capsys, a, b)[1]


def test_a_class_that_does_not_occur_has_no_difference(run_of, capsys):
    counts = counts_of(BETTER)
    wider = replace(
        counts,
        class_names=(*NAMES, "cat"),
        overlap=np.pad(counts.overlap, ((0, 0), (0, 1))),
        union=np.pad(counts.union, ((0, 0), (0, 1))),
    )
    run = run_of("a", wider)
    assert "cat         -      -        -\n" in said(capsys, run, run)[1]
    ious = class_iou(BETTER.sum(axis=0))
    for absent, value in (("skip", None), ("one", 1), ("zero", 0)):
        mean = np.mean([*ious, *([] if value is None else [value])])
        out = said(capsys, run, run, "--absent", absent, "--samples", 10)[1]
        assert f"mean    {mean:.3f}  {mean:.3f}   +0.000" in out
    assert "samples is at most 100000" in said(capsys, run, run, "--samples", 10**11)[2]
    assert "treatment of absent classes 'ones'" in said(capsys, run, run, "--absent", "ones")[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_names": ("road", "bus")}, "different classes: only A has car; only B has bus."),
        ({"class_names": ("car", "road")}, "different classes: 2 in A and 2 in B, not in the same"),
        (
            {"names": tuple(f"x{name}" for name in IMAGES)},
            "different images: only A has 000.png, 001.png, 002.png and 17 more; only B has x000",
        ),
        ({"fingerprint": "cd34"}, "fingerprint is ab12 in A and cd34 in B"),
        ({"numbers": np.arange(1, 21), "names": ()}, "different images: 20 in A and 20 in B"),
    ],
)
def test_runs_on_other_images_or_classes_are_refused(run_of, capsys, changes, message):
    a, b = run_of("a", counts_of(WORSE)), run_of("b", replace(counts_of(BETTER), **changes))
    status, out, err = said(capsys, a, b)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert len(err.splitlines()) == 1


def test_images_that_were_evaluated_at_another_size_are_refused(run_of, capsys):
    larger = BETTER.copy()
    larger[3] *= 4
    a, b = run_of("a", counts_of(WORSE)), run_of("b", counts_of(larger))
    status, _, err = said(capsys, a, b)
    assert status == 2
    pixels = BETTER[3].sum()
    assert f"image 003.png has {pixels} pixels that are not void in A and {4 * pixels} in B" in err


@pytest.mark.parametrize("changes", [{"protocol": "scales1-flip"}, {"weights": "best"}])
def test_evaluations_by_different_ways_are_compared_where_that_is_said(run_of, capsys, changes):
    other = replace(counts_of(BETTER), **changes)
    a, b = run_of("a", counts_of(WORSE)), run_of("b", other)
    status, out, err = said(capsys, a, b, "--samples", 10)
    assert (status, out) == (2, "")
    assert f"the evaluations differ: whole, last weights in A and {other.way} in B." in err
    assert "by --name-b too, if the difference is meant." in err
    write_image_counts(Run(a), "mine", other)
    for run, name in ((b, "validation"), (a, "mine")):
        status, out, _ = said(capsys, a, run, "--name-b", name, "--samples", 10)
        assert status == 0
        assert out.startswith(
            f"A: {a}, validation (whole, last weights)\nB: {run}, {name} ({other.way})\n"
        )
        assert "B is the better one" in out


def test_that_a_protocol_is_not_known_is_said(run_of, capsys):
    a, b = run_of("a", counts_of(WORSE)), run_of("b", counts_of(BETTER))
    file = a / "evaluation" / "validation.npz"
    with np.load(file) as saved:
        kept = {key: saved[key] for key in saved.files if key not in ("protocol", "weights")}
    np.savez(file, **kept)
    status, out, _ = said(capsys, a, b, "--samples", 10)
    assert status == 0
    assert out.startswith(f"A: {a}, validation (protocol not noted)\nB: {b}, validation (whole, la")


@pytest.mark.parametrize("option", ["--name", "--name-b"])
@pytest.mark.parametrize("name", ["../evaluation/validation", "..", "evaluation/", "n" * 300])
def test_a_name_that_is_a_path_or_too_long_is_refused(run_of, capsys, option, name):
    run = run_of("a", counts_of(BETTER))
    status, out, err = said(capsys, run, run, option, name)
    assert (status, out) == (2, "")
    assert ("a name of 300 bytes" if len(name) == 300 else f"--name {name!r} is a path") in err


def test_runs_without_counts_are_refused(run_of, capsys):
    empty, other = run_of("a", None), run_of("b", counts_of(BETTER), "val-scales")
    missing = "holds no evaluation/validation.npz."
    assert f"{missing} The command that trained it" in said(capsys, empty, other)[2]
    assert f"{missing} There is val-scales." in said(capsys, other, other)[2]
    unknown = said(capsys, empty, other, "--name", "val-whole-last")[2]
    assert "holds no evaluation/val-whole-last.npz. training.evaluate leaves one." in unknown
    assert said(capsys, other, other, "--name", "val-scales", "--samples", 10)[0] == 0
    assert "no such run directory" in said(capsys, other, "nowhere")[2]


@pytest.mark.parametrize("contents", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_damaged_file_is_refused(run_of, capsys, contents):
    path = run_of("a", counts_of(BETTER))
    (path / "evaluation" / "validation.npz").write_bytes(contents)
    status, _, err = said(capsys, path, path)
    assert status == 2
    assert "validation.npz cannot be read: " in err


def test_a_file_that_lacks_something_is_refused(run_of, capsys):
    path = run_of("a", counts_of(BETTER))
    np.savez(path / "evaluation" / "validation.npz", schema_version=1, numbers=[0])
    assert "validation.npz holds no names. Evaluate the run again." in said(capsys, path, path)[2]


def test_a_file_of_another_version_is_refused(run_of, capsys):
    path = run_of("a", counts_of(BETTER))
    file = path / "evaluation" / "validation.npz"
    with np.load(file) as saved:
        np.savez(file, **{**saved, "schema_version": 2})
    assert "has schema version 2; this kerasseg reads version 1" in said(capsys, path, path)[2]
