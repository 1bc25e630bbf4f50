"""Times a training step of a plain model against the same step in its training graph.

    python -m benchmarks.training_step [--precision mixed_bfloat16] [--steps 10]

Both are EfficientFCN on EfficientNet-Lite0 at the widths of the CamVid recipe, on batches of
8 crops of 256x320. The steps alternate in one process, so that both see the same machine.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np

import kerasseg
from kerasseg.experiment.training_graph import training_graph

BATCH, SIZE, CLASSES = 8, (256, 320), 11


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the medians in seconds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args(arguments)
    keras.config.set_dtype_policy(options.precision)
    steps = {
        "plain model": _step(_model()),
        "training graph": _step(training_graph(_model())),
        "training graph, 1 frozen stage": _step(training_graph(_model(frozen_stages=1))),
    }
    times = _alternate(steps, options.steps)
    plain = statistics.median(times["plain model"])
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{name:32} {median:.3f} s   {plain / median:.2f} times as fast")


def _model(frozen_stages: int = 0) -> keras.Model:
    model = kerasseg.EfficientFCN(
        "efficientnet_lite0",
        CLASSES,
        backbone_weights=None,
        num_codewords=48,
        fusion_filters=256,
        codeword_filters=512,
    )
    kerasseg.freeze_stages(model.get_layer("efficientnet_lite0"), frozen_stages)
    return model


def _step(model: keras.Model) -> Callable[[], object]:
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (BATCH, *SIZE, 3)).astype(np.float32)
    labels = generator.integers(0, CLASSES, (BATCH, *SIZE))
    model.compile(
        keras.optimizers.AdamW(1e-4),
        kerasseg.losses.SegmentationCrossentropy(),
        jit_compile=False,
    )
    return lambda: model.train_on_batch(images, labels)


def _alternate(steps: dict[str, Callable[[], object]], count: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(count + 2):
        for name, step in steps.items():
            begin = time.perf_counter()
            step()
            # The first two turns trace the graph and warm the caches.
            if turn >= 2:
                times[name].append(time.perf_counter() - begin)
    return times


if __name__ == "__main__":
    main()
