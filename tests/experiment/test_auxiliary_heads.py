"""Auxiliary heads: in training alone, with a weighted loss of their own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerasseg
from kerasseg.errors import KerassegError
from kerasseg.evaluation import MeanIoU
from kerasseg.experiment.auxiliary_heads import DeeplySupervisedModel, with_auxiliary_heads
from kerasseg.experiment.training_graph import training_graph
from kerasseg.losses import SegmentationCrossentropy
from kerasseg.optimizers import variable_multipliers, with_multipliers
from tests.replicas import two_replicas
from tests.tiny import tiny_backbone

WEIGHT = 0.4


@pytest.fixture(autouse=True)
def _tiny():
    with tiny_backbone():
        yield


def dilated_backbone():
    """As a dilated ResNet: strides 4, 8, 8 and 8."""
    x = pixels = keras.Input((None, None, 3))
    maps = []
    for channels, strides, dilation in ((4, 4, 1), (6, 2, 1), (8, 1, 2), (12, 1, 4)):
        conv = keras.layers.Conv2D(
            channels, 3, strides=strides, dilation_rate=dilation, padding="same"
        )
        x = keras.layers.ReLU()(conv(x))
        maps.append(x)
    return keras.Model(pixels, maps, name="dilated")


BUILDERS = {
    "DilatedFCN": lambda: kerasseg.DilatedFCN(dilated_backbone(), 3, head_filters=8),
    "EfficientFCN": lambda: kerasseg.EfficientFCN(
        "tiny", 3, backbone_weights=None, num_codewords=4, fusion_filters=8, codeword_filters=8
    ),
    "LightWeightRefineNet": lambda: kerasseg.LightWeightRefineNet("tiny", 3, backbone_weights=None),
    "RefineNet": lambda: kerasseg.RefineNet(
        "tiny", 3, backbone_weights=None, filters=8, coarse_filters=8
    ),
}


def small_model():
    keras.utils.set_random_seed(3)
    return BUILDERS["EfficientFCN"]()


def without_dropout(model):
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return model


def draw(count=4, size=(64, 64)):
    generator = np.random.default_rng(2)
    images = generator.integers(0, 256, (count, *size, 3)).astype(np.float32)
    labels = generator.integers(0, 3, (count, *size))
    labels[count // 2 :, :, 10:] = 255  # the second replica has less to learn from
    return images, labels


def supervised(model, strides=(16,), optimizer=None, metrics=(), **options):
    """Returns the twin as a run compiles it."""
    twin = training_graph(with_auxiliary_heads(model, strides), "train", "tiny")
    loss = SegmentationCrossentropy()
    twin.supervise(loss, WEIGHT)
    twin.compile(optimizer or keras.optimizers.SGD(0.1), loss, metrics=list(metrics), **options)
    return twin


def fitted(twin, images, labels, **options):
    """Returns the logs of one epoch of one step."""
    options = {"batch_size": len(images), "shuffle": False, "verbose": 0, **options}
    return {key: values[-1] for key, values in twin.fit(images, labels, **options).history.items()}


@pytest.mark.parametrize(
    ("name", "size"), [*((name, (33, 47)) for name in BUILDERS), ("EfficientFCN", (20, 40))]
)
def test_logits_of_the_size_of_the_image_in_training_alone(name, size):
    model = BUILDERS[name]()
    twin = training_graph(with_auxiliary_heads(model, (8, 16)))
    images = draw(2, size)[0]
    assert [tuple(each.shape) for each in twin(images, training=True)] == [(2, *size, 3)] * 3
    np.testing.assert_allclose(
        twin(images, training=False), model(images, training=False), rtol=1e-4, atol=1e-5
    )
    assert twin.predict(images, verbose=0).shape == (2, *size, 3)


@pytest.mark.parametrize("name", BUILDERS)
def test_the_plain_model_does_not_change(name, tmp_path):
    model = BUILDERS[name]()
    config, paths = model.to_json(), [variable.path for variable in model.variables]
    twin = with_auxiliary_heads(model)
    assert model.to_json() == config
    assert [variable.path for variable in model.variables] == paths
    own = {id(variable) for variable in model.variables}
    added = [each.path for each in twin.variables if id(each) not in own]
    # The dropout has the state of its random numbers.
    assert [path for path in added if "seed" not in path] == [
        "auxiliary16_conv/kernel",
        *(f"auxiliary16_bn/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")),
        "auxiliary16_classifier/kernel",
        "auxiliary16_classifier/bias",
    ]
    model.save(tmp_path / "model.keras")
    assert len(keras.models.load_model(tmp_path / "model.keras").variables) == len(paths)


def test_a_head_is_a_small_fcn_on_the_map_of_its_stride():
    model = small_model()
    maps = model.get_layer("tiny").outputs
    for stride, feature in zip((4, 8, 16, 32), maps, strict=True):
        twin = with_auxiliary_heads(model, (stride,))
        kernel = twin.get_layer(f"auxiliary{stride}_conv").kernel
        assert kernel.shape == (3, 3, feature.shape[-1], max(feature.shape[-1] // 4, 1))
        assert twin.get_layer(f"auxiliary{stride}_dropout").rate == 0.1
        assert twin.get_layer(f"auxiliary{stride}_classifier").kernel.shape[:2] == (1, 1)


@pytest.mark.parametrize("strides", [(16,), (8, 32)])
def test_the_loss_is_that_of_the_logits_and_the_weighted_ones_of_the_heads(strides):
    images, labels = draw()
    twin = without_dropout(supervised(small_model(), strides, keras.optimizers.SGD(0.0)))
    main, *heads = twin(images, training=True)
    loss = SegmentationCrossentropy()
    of_heads = WEIGHT * sum(float(loss(labels, head)) for head in heads)
    logs = fitted(twin, images, labels)
    assert logs["auxiliary_loss"] == pytest.approx(of_heads, rel=1e-5)
    assert logs["loss"] == pytest.approx(float(loss(labels, main)) + of_heads, rel=1e-5)


def test_the_logs_keep_their_names_and_validation_is_that_of_the_logits():
    images, labels = draw()
    twin = supervised(small_model(), metrics=[MeanIoU(3)])
    logs = fitted(twin, images, labels, validation_data=(images, labels))
    assert set(logs) == {"auxiliary_loss", "loss", "mean_iou", "val_loss", "val_mean_iou"}
    logits = twin(images, training=False)
    expected = float(SegmentationCrossentropy()(labels, logits))
    assert logs["val_loss"] == pytest.approx(expected, rel=1e-5)
    metric = MeanIoU(3)
    metric.update_state(labels, logits)
    assert logs["val_mean_iou"] == pytest.approx(float(metric.result()), rel=1e-6)


@pytest.mark.slow
def test_two_replicas_take_the_step_of_one():
    images, labels = draw()
    one = without_dropout(supervised(small_model(), metrics=[MeanIoU(3)]))
    logs = fitted(one, images, labels, validation_data=(images, labels))
    with two_replicas().scope():
        two = without_dropout(supervised(small_model(), metrics=[MeanIoU(3)]))
    logs_of_two = fitted(two, images, labels, validation_data=(images, labels))
    assert logs_of_two.keys() == logs.keys()
    for key, value in logs.items():
        assert logs_of_two[key] == pytest.approx(value, rel=1e-3 if "val" in key else 1e-5)
    for left, right in zip(one.trainable_variables, two.trainable_variables, strict=True):
        np.testing.assert_allclose(right.numpy(), left.numpy(), rtol=1e-3, atol=1e-5)


def test_the_heads_train_with_the_rate_of_the_decoder():
    model = small_model()
    factors = variable_multipliers(model, {"tiny": 0.0})
    optimizer = with_multipliers(keras.optimizers.SGD)(0.1, learning_rate_multipliers=factors)
    twin = supervised(model, optimizer=optimizer)
    backbone = {id(variable) for variable in model.get_layer("tiny").trainable_variables}
    before = [variable.numpy() for variable in twin.trainable_variables]
    fitted(twin, *draw())
    for variable, value in zip(twin.trainable_variables, before, strict=True):
        if id(variable) in backbone:
            np.testing.assert_array_equal(variable.numpy(), value)
        elif variable.path.startswith("auxiliary"):
            assert np.abs(variable.numpy() - value).max() > 0


def test_the_loss_of_a_head_reaches_the_backbone():
    images, labels = draw()
    gradients = []
    for weight in (0.0, 1.0):
        twin = without_dropout(supervised(small_model()))
        twin.supervise(SegmentationCrossentropy(), weight)
        kernel = twin.get_layer("tiny").get_layer("conv0").kernel
        with tf.GradientTape() as tape:
            loss = twin.compute_loss(y=tf.constant(labels), y_pred=twin(images, training=True))
        gradients.append(tape.gradient(loss, kernel.value).numpy())
    assert np.abs(gradients[1] - gradients[0]).max() > 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [pytest.param({"jit_compile": True}, marks=pytest.mark.slow), {"steps_per_execution": 2}],
)
def test_compiled_by_xla_and_several_steps_a_call(options):
    images, labels = draw()
    plain = fitted(without_dropout(supervised(small_model())), images, labels, batch_size=2)
    twin = without_dropout(supervised(small_model(), **options))
    logs = fitted(twin, images, labels, batch_size=2)
    assert logs.keys() == plain.keys()
    for key in ("loss", "auxiliary_loss"):
        assert logs[key] == pytest.approx(plain[key], rel=1e-3)


@pytest.mark.slow
def test_mixed_precision_with_loss_scaling():
    keras.config.set_dtype_policy("mixed_float16")
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    twin = supervised(small_model(), optimizer=optimizer)
    assert {each.dtype for each in twin(draw()[0], training=True)} == {tf.float32}
    assert np.isfinite(fitted(twin, *draw())["loss"])


def test_a_model_of_two_scales_is_refused():
    model = kerasseg.RefineNet(
        "tiny", 3, backbone_weights=None, filters=8, coarse_filters=8, scales=(1.2, 0.6)
    )
    with pytest.raises(KerassegError, match="has 2 backbones, one for each scale"):
        with_auxiliary_heads(model)


@pytest.mark.parametrize("strides", [(2,), ()])
def test_a_stride_that_is_not_there_is_refused(strides):
    with pytest.raises(KerassegError, match=r"sit on maps of the strides \(4, 8, 16, 32\)"):
        with_auxiliary_heads(small_model(), strides)


def test_cloning_keeps_what_the_model_is():
    assert isinstance(training_graph(with_auxiliary_heads(small_model())), DeeplySupervisedModel)
