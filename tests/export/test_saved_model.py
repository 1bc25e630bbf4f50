import json

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from export import saved_model, verify
from export.saved_model import main
from kerasseg.serving.comparison import decode_mask
from tests.serving.examples import encoded, picture


def turned_over(file):
    """Returns the bytes of a zip archive with one of a compressed or stored file turned over."""
    place = file.index(b"model.weights.h5") + 5000
    return file[:place] + bytes([file[place] ^ 0xFF]) + file[place + 1 :]


def test_a_run_becomes_the_next_version_with_everything_that_clients_need(run, tmp_path, capsys):
    out = tmp_path / "my models" / "street"
    assert main([str(run.path), str(out)]) == 0
    assets = out / "1" / "assets.extra"
    assert sorted(path.name for path in assets.iterdir()) == [
        "export.json",
        "labels.json",
        "recipe.toml",
        "run.json",
        "tf_serving_warmup_requests",
    ]
    labels = json.loads((assets / "labels.json").read_text())
    assert labels["class_names"] == ["sky", "road", "car", "tree", "pole"]
    assert labels["palette"][1] == [60, 0, 0]
    assert labels["ignore_label"] == 11
    requests = tf.data.TFRecordDataset(str(assets / "tf_serving_warmup_requests"))
    assert len([*requests]) == 2 * 4

    printed = capsys.readouterr().out
    assert f"{run.file('model.keras')} -> {out / '1'} (" in printed
    assert "serving_default: image_bytes [?] string -> class_shares [?, 5] float32, conf" in printed
    assert "in float32, weights as constants of the graph, images of up to 16777216" in printed
    assert "Batch norms folded into the conv before them: 0." in printed
    assert f"python -m export.verify {run.path} '{out / '1'}'" in printed
    assert f"-v '{out}:/models/street' -e MODEL_NAME=street tensorflow/serving" in printed


def test_the_best_weights_are_exported_on_demand(run, tmp_path, capsys):
    assert main([str(run.path), str(tmp_path / "out"), "--best", "--no-warmup"]) == 0
    version = tmp_path / "out" / "1"
    assert not (version / "assets.extra/tf_serving_warmup_requests").exists()
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    mask = served(tf.constant([encoded(picture(9, 11))]))["mask_bytes"].numpy()[0]
    assert (decode_mask(mask) == 3).all()
    assert "--best" in capsys.readouterr().out


def test_options_reach_the_export(run, tmp_path, capsys):
    options = ["--precision", "bfloat16", "--scales", "0.5", "1", "--flip", "--max-pixels", "2000"]
    options += ["--default-signature", "pixels", "--no-freeze", "--no-fold", "--no-warmup"]
    assert main([str(run.path), str(tmp_path / "out"), *options]) == 0
    record = json.loads((tmp_path / "out/1/assets.extra/export.json").read_text())
    assert (record["protocol"]["scales"], record["protocol"]["flip"]) == ([0.5, 1.0], True)
    assert (record["max_pixels"], record["frozen"]) == (2000, False)
    assert record["signatures"]["serving_default"] == "pixels"
    printed = capsys.readouterr().out
    assert (
        "weights as variables, images of up to 2000 pixels, seen at scale 0.5, 1 and mi" in printed
    )


def test_samples_above_the_bound_are_warmed_up_with_in_a_size_that_fits(run, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([str(run.path), str(out), "--max-pixels", "2000"]) == 0
    said = "Of the 2 samples in the warm-up requests 1 had more pixels than that and went in shrunk"
    assert said in capsys.readouterr().out
    requests = tf.data.TFRecordDataset(str(out / "1/assets.extra/tf_serving_warmup_requests"))
    logs = [prediction_log_pb2.PredictionLog.FromString(each.numpy()) for each in requests]
    inputs = [log.predict_log.request.inputs for log in logs]
    shapes = [tuple(tf.make_ndarray(each["pixels"]).shape) for each in inputs if "pixels" in each]
    assert shapes == [(1, 38, 51, 3)] * 2 + [(1, 33, 47, 3)] * 2
    assert run.file("samples/b.png").read_bytes() in [
        tf.make_ndarray(each["image_bytes"])[0] for each in inputs if "image_bytes" in each
    ]
    for sample in run.file("samples").iterdir():
        sample.unlink()
    assert main([str(run.path), str(out), "--max-pixels", "2000"]) == 0
    assert "shrunk" not in capsys.readouterr().out


def test_images_are_bounded_by_a_number_or_not_at_all(run, tmp_path, capsys):
    out = [str(run.path), str(tmp_path / "out"), "--no-warmup"]
    for number, arguments in (("0", out), ("-1", out), ("0", out[:2])):
        assert main([*arguments, "--max-pixels", number]) == 2
        said = capsys.readouterr().err
        assert "max_pixels is a whole number of at least 1, or None for any" in said
        assert f"received {number}." in said
    assert not (tmp_path / "out").exists()
    assert main([*out, "--max-pixels", "any"]) == 0
    assert (
        json.loads((tmp_path / "out/1/assets.extra/export.json").read_text())["max_pixels"] is None
    )
    assert "images of up to any number of pixels" in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--max-pixels", "many"], ["--tile", "512"], ["--crf"]])
def test_options_that_there_are_not_end_in_status_2(run, tmp_path, capsys, option):
    with pytest.raises(SystemExit) as ended:
        main([str(run.path), str(tmp_path / "out"), *option])
    assert ended.value.code == 2
    assert option[0] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_input_ends_with_a_message_and_status_2(run, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main([str(tmp_path / "nowhere"), out]) == 2
    assert "error: no such run directory" in capsys.readouterr().err
    run.file("best.keras").unlink()
    assert main([str(run.path), out, "--best"]) == 2
    assert "holds no best.keras" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("program", [saved_model, verify], ids=lambda module: module.__name__)
@pytest.mark.parametrize("damage", [lambda file: file[:-1000], lambda file: b"", turned_over])
def test_a_damaged_model_ends_with_a_message_and_status_2(run, tmp_path, capsys, program, damage):
    file, out = run.file("model.keras"), tmp_path / "out"
    (out / "1").mkdir(parents=True)
    (out / "1" / "saved_model.pb").touch()
    file.write_bytes(damage(file.read_bytes()))
    assert program.main([str(run.path), str(out)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {file} ")
    assert "damaged" in said
    assert len(said.splitlines()) <= 2
    assert [path.name for path in out.iterdir()] == ["1"]
