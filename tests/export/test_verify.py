import json

import pytest

from export import saved_model, verify
from tests.serving.examples import encoded, picture


@pytest.fixture
def out(run, tmp_path):
    assert saved_model.main([str(run.path), str(tmp_path / "out"), "--no-warmup"]) == 0
    return tmp_path / "out"


@pytest.mark.slow
def test_the_latest_version_is_compared_on_the_samples_of_the_run(run, out, capsys):
    capsys.readouterr()
    assert verify.main([str(run.path), str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{out / '1'} against {run.file('model.keras')}, 2 images"
    assert lines[1].split() == [
        *("signature", "answers", "probability", "other", "class", "confidence", "colour", "ms")
    ]
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:7]}
    (hostile, overlay) = (rows.pop(name) for name in ("hostile", "overlay"))
    assert overlay[:4] == ["4", "-", "-", "-"]
    assert max(float(overlay[4]), float(hostile[4])) < 0.1
    assert all(row[4] == "-" for row in rows.values())
    assert {name: row[0] for name, row in rows.items()} == {
        "serving_default": "4",
        "pixels": "2",
        "probabilities": "2",
    }
    assert all(float(row[1]) < 1e-6 and row[2] == "0.0000%" for row in rows.values())
    assert "without Python TensorFlow; loaded in" in lines[-2]
    assert lines[-1] == (
        "Agreement: the tolerance is 0.0001 of a probability, 0.05 points of mean IoU."
    )


@pytest.mark.slow
def test_samples_above_the_bound_of_the_export_are_shrunk(run, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert saved_model.main([str(run.path), out, "--max-pixels", "2000"]) == 0
    capsys.readouterr()
    assert verify.main([str(run.path), out]) == 0
    printed = capsys.readouterr().out
    # One of the samples and five of the hostile images.
    assert "6 images, hostile ones included, had more pixels than it takes" in printed
    assert "Agreement" in printed


@pytest.mark.slow
def test_an_overlay_in_other_colours_ends_in_status_1(run, out, capsys):
    labels = out / "1/assets.extra/labels.json"
    told = json.loads(labels.read_text())
    labels.write_text(json.dumps({**told, "palette": [[0, 200, 90]] * 5}))
    assert verify.main([str(run.path), str(out)]) == 1
    complaints = [line for line in capsys.readouterr().out.splitlines() if "colours of an" in line]
    assert [line.split(":")[0].strip() for line in complaints] == ["overlay", "hostile"]
    assert all(line.endswith(" of 255 in the mean; up to 1 is agreement") for line in complaints)


def test_other_weights_end_in_status_1(run, out, tmp_path, capsys):
    image = tmp_path / "c.png"
    image.write_bytes(encoded(picture(20, 24, seed=3)))
    assert verify.main([str(run.path), str(out / "1"), str(image), "--best"]) == 1
    printed = capsys.readouterr()
    assert "best.keras, 1 image" in printed.out
    assert "Disagreement: the tolerance is 0.0001 of a probability" in printed.out
    assert "exported from these weights" in printed.err


def test_bad_input_ends_with_a_message_and_status_2(run, out, tmp_path, capsys):
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(run.file("samples/a.jpg").read_bytes()[:300])
    cases = {
        "no such run directory": [tmp_path / "nowhere", out],
        "no SavedModel at": [run.path, tmp_path / "nothing"],
        "no such image file": [run.path, out, tmp_path / "missing.jpg"],
        f"{torn} cannot be decoded": [run.path, out, torn],
    }
    for message, arguments in cases.items():
        assert verify.main([str(argument) for argument in arguments]) == 2
        assert message in capsys.readouterr().err
    for sample in run.file("samples").iterdir():
        sample.unlink()
    assert verify.main([str(run.path), str(out)]) == 2
    assert "holds no images; name some: python -m export.verify" in capsys.readouterr().err
