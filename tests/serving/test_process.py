import os
import signal

import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.serving.process import SavedModelProcess
from tests.serving.examples import picture


def test_one_process_answers_until_it_is_closed(saved_model, model):
    images = [picture(33, 47, seed=seed) for seed in range(3)]
    with SavedModelProcess(saved_model) as process:
        first, *others = (process.masks([image])[0] for image in images)
        answer, seconds = process.answer("pixels", {"pixels": images[0][None]}, repetitions=2)
        assert seconds > 0
        assert process.load_seconds > 0
        number = process.process_id
        os.kill(number, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    np.testing.assert_array_equal(answer["mask"][0], first)
    for image, mask in zip(images, (first, *others), strict=True):
        expected = model(image[None].astype("float32")).numpy()[0].argmax(-1)
        np.testing.assert_array_equal(mask, expected)


def test_a_process_that_ends_is_an_error_that_says_why(saved_model):
    pixels = {"pixels": picture(8, 8)[None]}
    with SavedModelProcess(saved_model) as process:
        with pytest.raises(KerassegError, match="said:\nno signature 'masks'; there are"):
            process.answer("masks", pixels)
        with pytest.raises(KerassegError, match="does not run"):
            process.answer("pixels", pixels)
    with SavedModelProcess(saved_model) as process:
        os.kill(process.process_id, signal.SIGKILL)
        with pytest.raises(KerassegError, match="said:\nit ended with status -9"):
            process.answer("pixels", pixels)
