"""A fit under each policy of mixed precision."""

import keras
import pytest

from kerasseg import EfficientFCN, RefineNet
from tests.models.model_case import (
    NUM_CLASSES,
    POLICIES,
    assert_fit_trains_every_kernel,
    tiny_backbone,
)
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN
from tests.models.test_refinenet import OPTIONS as REFINENET


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("build", "options"),
    [(RefineNet, REFINENET), (EfficientFCN, EFFICIENTFCN)],
    ids=["RefineNet", "EfficientFCN"],
)
def test_fit_trains_every_kernel(build, options, policy):
    keras.config.set_dtype_policy(policy)
    model = build(tiny_backbone(), NUM_CLASSES, **options)
    assert_fit_trains_every_kernel(model, run_eagerly=True)
    # Gradients of float16 would underflow without a scale of the loss.
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
