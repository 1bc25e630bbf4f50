"""From the keys of a recipe to an optimizer whose steps are what they say."""

import keras
import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.experiment.experiment import build_model
from kerasseg.optimizers import LossScaling
from kerasseg.optimizers.from_recipe import optimizer_of, plateau_of, schedule_of
from kerasseg.recipe import parse_recipe
from tests.tiny import RECIPE, REFINENET, tiny_backbone

NAMES = ("SGD", "AdamW", "Muon")


@pytest.fixture(autouse=True)
def _tiny():
    with tiny_backbone():
        yield


def recipe(*changes, text=REFINENET):
    sections = [
        change if change.startswith("training") else f"optimizer.{change}" for change in changes
    ]
    return parse_recipe(text, sections)


def rates(wanted, steps_per_epoch, *steps):
    schedule = schedule_of(wanted, steps_per_epoch)
    return [float(schedule(step)) for step in steps]


def test_poly_and_cosine_end_with_the_run():
    """In steps of the optimizer, three batches each; the batch that is left over makes none."""
    for schedule in ("poly", "cosine"):
        wanted = recipe(f"schedule={schedule}", "accumulate_steps=3", "training.epochs=4")
        begin, middle, end = rates(wanted, 10, 0, 6, 13)
        assert begin == pytest.approx(1e-2)
        assert 0 < middle < begin
        assert end == pytest.approx(0, abs=1e-9)
        assert rates(wanted, 10, 12)[0] > 1e-5


def test_the_steps_of_an_epoch_have_the_rate_of_the_epoch():
    wanted = recipe("schedule=step", "step_epochs=[2, 3]", "step_factor=0.5", "training.epochs=5")
    assert rates(wanted, 10, 0, 19, 20, 29, 30, 49) == pytest.approx(
        [1e-2, 1e-2, 5e-3, 5e-3, 2.5e-3, 2.5e-3]
    )


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_a_step_belongs_to_the_epoch_of_its_last_batch(count):
    wanted = recipe(
        "schedule=step", "step_epochs=[2]", f"accumulate_steps={count}", "training.epochs=5"
    )
    found = rates(wanted, 10, *range(50 // count))
    last_batches = [count * step + count - 1 for step in range(50 // count)]
    assert found == pytest.approx([1e-2 if batch < 20 else 1e-3 for batch in last_batches])


def test_every_schedule_is_warmed_up():
    for schedule in ("poly", "cosine", "plateau", "constant"):
        wanted = recipe(f"schedule={schedule}", "warmup_steps=9")
        assert rates(wanted, 10000, 0)[0] == pytest.approx(1e-3, rel=1e-3)
    wanted = recipe("schedule=step", "step_epochs=[1]", "warmup_steps=9")
    assert rates(wanted, 10000, 0, 9) == pytest.approx([1e-3, 1e-2])


def test_a_run_too_short_for_a_step():
    with pytest.raises(KerassegError, match=r"accumulate_steps is 8, and the run has 6 batches"):
        schedule_of(recipe("accumulate_steps=8", "training.epochs=3"), 2)


def test_the_plateau_has_its_callback_and_no_other_schedule_has():
    wanted = recipe("schedule=plateau", "plateau_patience=3", "plateau_factor=0.5")
    schedule = schedule_of(wanted, 10)
    (callback,) = plateau_of(schedule, wanted).values()
    assert (callback.schedule, callback.patience, callback.factor) == (schedule, 3, 0.5)
    assert plateau_of(schedule_of(recipe(), 10), recipe()) == {}


def step_of(wanted, steps=1):
    """Returns by how much steps of the recipe's optimizer move each variable, and the model."""
    keras.utils.set_random_seed(2)
    model = build_model(wanted, 3)
    optimizer = optimizer_of(model, wanted, schedule_of(wanted, 10))
    before = {variable.path: variable.numpy() for variable in model.trainable_variables}
    generator = np.random.default_rng(4)
    gradients = [
        keras.ops.convert_to_tensor(generator.normal(size=variable.shape), "float32")
        for variable in model.trainable_variables
    ]
    for _ in range(steps):
        optimizer.apply(gradients, model.trainable_variables)
    moved = {v.path: v.numpy() - before[v.path] for v in model.trainable_variables}
    return moved, before, model


@pytest.mark.parametrize("name", NAMES)
def test_each_part_takes_the_stated_part_of_the_step(name):
    common = (f"name={name}", "schedule=constant", "weight_decay=0.2")
    plain, _, model = step_of(recipe(*common, "backbone_multiplier=1"))
    scaled, *_ = step_of(
        recipe(*common, "backbone_multiplier=0.1", "decoder_multiplier=0.5", "head_multiplier=2")
    )
    backbone = {variable.path for variable in model.get_layer("tiny").variables}
    for path, change in plain.items():
        part = 0.1 if path in backbone else 2 if path.startswith("classifier/") else 0.5
        assert np.abs(change).max() > 1e-6
        np.testing.assert_allclose(scaled[path], part * change, rtol=2e-3, atol=1e-7, err_msg=path)


KINDS = {
    (): {"kernel"},
    ("decay_biases=true",): {"kernel", "bias"},
    ("decay_batch_norm=true",): {"kernel", "gamma", "beta"},
    ("decay_biases=true", "decay_batch_norm=true"): {"kernel", "bias", "gamma", "beta"},
}


@pytest.mark.parametrize("kind", ["decoupled", "l2"])
@pytest.mark.parametrize("changes", KINDS)
def test_which_weights_decay(changes, kind):
    common = ("momentum=0", "schedule=constant", f"weight_decay_kind={kind}", *changes)
    with_decay, before, _ = step_of(recipe(*common, "weight_decay=0.3"))
    without, *_ = step_of(recipe(*common, "weight_decay=0"))
    assert {path.split("/")[-1] for path in before} == {"kernel", "bias", "gamma", "beta"}
    for path, weight in before.items():
        rate = 1e-3 if path.startswith(("conv", "bn", "depthwise")) else 1e-2
        decays = path.split("/")[-1] in KINDS[changes]
        expected = -rate * 0.3 * weight if decays else 0 * weight
        np.testing.assert_allclose(
            with_decay[path] - without[path], expected, atol=1e-6, err_msg=path
        )


def test_muon_leaves_both_ends_to_adam():
    _, _, model = step_of(recipe("name=Muon"))
    wanted = recipe("name=Muon")
    optimizer = optimizer_of(model, wanted, schedule_of(wanted, 10))
    optimizer.build(model.trainable_variables)
    by_adam = {
        variable.path
        for variable, velocity in zip(
            model.trainable_variables, optimizer.adam_velocities, strict=True
        )
        if velocity is not None and len(variable.shape) == 4
    }
    assert by_adam == {"conv0/kernel", "depthwise/kernel", "classifier/kernel"}


def test_the_arguments_are_those_of_the_recipe():
    wanted = recipe(
        "name=AdamW",
        "clip_norm=2",
        "accumulate_steps=4",
        "average=0.9",
        "training.precision=mixed_float16",
        "training.epochs=9",
        text=RECIPE,
    )
    optimizer = optimizer_of(build_model(wanted, 3), wanted, schedule_of(wanted, 10))
    assert type(optimizer) is LossScaling
    inner = optimizer.inner_optimizer
    assert (inner.global_clipnorm, inner.gradient_accumulation_steps) == (2, 4)
    assert (inner.use_ema, inner.ema_momentum) == (True, 0.9)
    plain = optimizer_of(build_model(recipe(), 3), recipe(), schedule_of(recipe(), 10))
    assert (plain.global_clipnorm, plain.gradient_accumulation_steps) == (None, None)
    assert (plain.use_ema, plain.momentum, plain.nesterov) == (False, 0.9, False)
