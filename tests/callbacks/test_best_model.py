import keras
import numpy as np
import pytest

from kerasseg.callbacks import AverageWeights, BestModel


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def show(callback, model, *scores):
    """Ends a validation with each score; the weights are set to it."""
    for score in scores:
        model.layers[0].bias.assign([score])
        callback.on_test_end({"mean_iou": score, "loss": 1.0})


def saved(path):
    return keras.models.load_model(path).layers[0].bias.numpy()[0]


def test_keeps_the_weights_of_the_highest_score(model, tmp_path):
    best = BestModel(model, tmp_path / "best.keras")
    show(best, model, 0.25, 0.5, 0.375)
    assert best.best == 0.5
    assert saved(tmp_path / "best.keras") == np.float32(0.5)


def test_the_first_of_two_equal_scores_stays(model, tmp_path):
    best = BestModel(model, tmp_path / "best.keras")
    show(best, model, 0.5)
    before = (tmp_path / "best.keras").read_bytes()
    show(best, model, 0.5)
    assert (tmp_path / "best.keras").read_bytes() == before


def test_goes_on_from_the_best_score_before(model, tmp_path):
    first = BestModel(model, tmp_path / "best.keras")
    show(first, model, 0.5)
    second = BestModel(model, tmp_path / "best.keras")
    second.restore(first.state())
    show(second, model, 0.25)
    assert saved(tmp_path / "best.keras") == np.float32(0.5)
    show(second, model, 0.75)
    assert saved(tmp_path / "best.keras") == np.float32(0.75)


def test_a_score_of_zero_is_better_than_none(model, tmp_path):
    show(BestModel(model, tmp_path / "best.keras"), model, 0.0)
    assert (tmp_path / "best.keras").is_file()


def test_saves_the_average_that_the_validation_saw(tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(
        keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5),
        "mse",
        metrics=[keras.metrics.MeanSquaredError("mean_iou")],
        run_eagerly=True,
    )
    x, y = np.ones((8, 2)), np.ones((8, 1))
    best = BestModel(model, tmp_path / "best.keras")
    history = model.fit(
        x,
        y,
        batch_size=2,
        validation_data=(x, y),
        callbacks=[best, AverageWeights()],
        verbose=0,
    )
    again = keras.models.load_model(tmp_path / "best.keras")
    error = float(np.mean((again.predict(x, verbose=0) - y) ** 2))
    assert error == pytest.approx(history.history["val_mean_iou"][0], rel=1e-4)
