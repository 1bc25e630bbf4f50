import keras
import numpy as np
import pytest

from kerasseg import refinenet_decoder
from tests.models.decoders import pyramid


@pytest.mark.parametrize("options", [{}, {"pooling_blocks": 4}, {"cascade": 2}], ids=str)
def test_a_new_refinenet_passes_the_signal_on_at_its_own_size(options):
    keras.utils.set_random_seed(0)
    features = pyramid((32, 32, 32, 32))
    logits = refinenet_decoder(features, 5, filters=32, coarse_filters=32, **options)
    decoder = keras.Model(features, logits)
    generator = np.random.default_rng(0)
    deviations = [
        np.std(decoder([generator.normal(size=(1, *x.shape[1:])) for x in features]))
        for _ in range(2)
    ]
    assert 0.2 < np.mean(deviations) < 3
