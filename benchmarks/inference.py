"""Measures what evaluation, tiles and windows cost beside the model itself.

    python -m benchmarks.inference metrics --data-dir DIR [--network RefineNet] [--rounds 5]
    python -m benchmarks.inference tiles [--size 4096] [--tile 1024] [--overlap 256]
    python -m benchmarks.inference memory [--size 10000] [--network LightWeightRefineNet]

`metrics`: images a second of CamVid's validation photos, in DIR, by the model alone on batches in
memory, by prediction from the files, by evaluation with the confusion matrix, and by evaluation
with all that `training.evaluate` counts, without and with `--calibration`; and what the last three
take more than prediction. `tiles`: seconds of an image in tiles against those of the model for the
same tiles, overlap included. `memory`: the peak memory of a process that reads and writes a GeoTIFF
by windows, over that of a process in which the model sees one tile. Those that are timed take turns
in one process after a round that compiles them; printed are medians. The weights are random, on
which none of this depends.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.architectures import peak_bytes

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf

    from kerasseg.evaluation import Protocol

CLASSES = 21
GIGABYTE = 1e9


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures one of the three and prints it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = _parser().parse_args(arguments)
    {"metrics": _metrics, "tiles": _tiles, "memory": _memory, "peak": _peak}[options.what](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.inference",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    # "peak" is what "memory" starts for itself.
    add("what", choices=("metrics", "tiles", "memory", "peak"), metavar="{metrics,tiles,memory}")
    add("--data-dir", help="CamVid, for metrics")
    add("--images", type=int, help="how many photos (default: all)")
    add("--batch-size", type=int, default=4)
    add("--network", default="RefineNet", help="name of a builder (default: RefineNet)")
    add("--backbone", default="mobilenetv2")
    add("--filters", type=int, help="of the decoder (default: the network's)")
    add("--size", type=int, help="side of the image (default: 4096; for memory 10000)")
    add("--tile", type=int, default=1024)
    add("--overlap", type=int, default=256)
    add("--rounds", type=int, default=5)
    add("--one", default="", help=argparse.SUPPRESS)
    return parser


def _model(options: argparse.Namespace, classes: int = CLASSES) -> "keras.Model":
    import kerasseg

    more = {} if options.filters is None else {"filters": options.filters}
    builder = getattr(kerasseg, options.network)
    return builder(options.backbone, classes, backbone_weights=None, **more)


def _alone(model: "keras.Model", shape: Sequence[int | None]) -> Callable[["tf.Tensor"], object]:
    """Returns what runs the model and brings back one number, so that it waits for the whole."""
    import tensorflow as tf

    signature = [tf.TensorSpec(shape, tf.uint8)]
    compiled = tf.function(
        lambda images: tf.reduce_max(model(tf.cast(images, tf.float32), training=False)),
        input_signature=signature,
    )
    return lambda images: compiled(images).numpy()


def medians(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Returns the median seconds of each; they take turns, and the first round is not counted.

    Args:
        contenders: By name what is timed.
        rounds: How often, at least once.

    Example:
        >>> list(medians({"nothing": lambda: None}, 1))
        ['nothing']
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, run in contenders.items():
            begin = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _metrics(options: argparse.Namespace) -> None:
    from kerasseg.data import evaluation_batches, find_pairs
    from kerasseg.data.catalogue import describe

    if not options.data_dir:
        raise SystemExit("metrics needs --data-dir, where CamVid lies")
    labels = describe("camvid").labels
    pairs = find_pairs(options.data_dir, "val")[: options.images]
    batches = evaluation_batches(pairs, labels, batch_size=options.batch_size, numbered=True)
    found = medians(
        _with_and_without_metrics(_model(options, labels.num_classes), batches, labels),
        options.rounds,
    )
    for name, seconds in found.items():
        print(f"{name}: {len(pairs) / seconds:.2f} images a second")
    for name in ("evaluation", "all counts", "with calibration"):
        share = found[name] / found["prediction"] - 1
        print(f"{name}: {share:+.1%} of the time of prediction (goal: at most +5 %)")
    print(f"evaluation: {found['model alone'] / found['evaluation']:.2f} of the model's own rate")


def _with_and_without_metrics(
    model: "keras.Model", batches: "tf.data.Dataset", labels: Any
) -> dict[str, Callable[[], object]]:
    from kerasseg.evaluation import Predictor, Tally, evaluate_images

    held = [images for images, *_ in batches]
    alone = _alone(model, [None, *batches.element_spec[0].shape[1:]])
    predicted = Predictor(model).batch_function(batches.element_spec[0])
    return {
        "model alone": lambda: [alone(images) for images in held],
        "prediction": lambda: [predicted(images) for images, *_ in batches],
        "evaluation": lambda: evaluate_images(model, batches, labels),
        "all counts": lambda: evaluate_images(model, batches, labels, tally=Tally(labels)),
        "with calibration": lambda: evaluate_images(
            model, batches, labels, tally=Tally(labels, calibration=True)
        ),
    }


def _tiles(options: argparse.Namespace) -> None:
    import numpy as np

    from kerasseg.evaluation import ArrayReader, Predictor

    side, protocol = options.size or 4096, _protocol(options)
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    model = _model(options)
    predictor, alone = Predictor(model, protocol), _alone(model, [1, None, None, 3])
    tiles = list(_cut(image, protocol))
    found = medians(
        {
            "model": lambda: [alone(tile) for tile in tiles],
            "tiles": lambda: [None for _ in predictor.bands(ArrayReader(image))],
        },
        options.rounds,
    )
    computed = sum(tile.shape[1] * tile.shape[2] for tile in tiles) / side**2
    print(
        f"{side}x{side}, {len(tiles)} tiles of {protocol.tile} with an overlap of "
        f"{protocol.overlap}: {computed:.2f} times its pixels are computed"
    )
    print(f"model {found['model']:.2f} s, tiled prediction {found['tiles']:.2f} s")
    print(f"ratio {found['tiles'] / found['model']:.3f} (goal: at most 1.15)")


def _protocol(options: argparse.Namespace) -> "Protocol":
    from kerasseg.evaluation import Protocol

    return Protocol(tile=options.tile, overlap=options.overlap)


def _cut(image: "np.ndarray", protocol: "Protocol") -> Iterator["np.ndarray"]:
    """Gives the tiles of an image as batches of one."""
    from kerasseg.evaluation.inference.tiles import spans

    for row in spans(image.shape[0], protocol):
        for column in spans(image.shape[1], protocol):
            yield image[None, row.start : row.stop, column.start : column.stop].copy()


def _memory(options: argparse.Namespace) -> None:
    side, protocol = options.size or 10_000, _protocol(options)
    with tempfile.TemporaryDirectory() as folder:
        image, tile = Path(folder, "image.tif"), Path(folder, "tile.tif")
        _write_raster(image, side)
        _write_raster(tile, options.tile)
        own, whole = (_peak_of(path, options) for path in (tile, image))
    bound = bound_of_windows(protocol, side, CLASSES)
    print(f"one tile of {protocol.tile}: {own / GIGABYTE:.2f} GB, the model's own")
    print(f"{side}x{side} by windows: {whole / GIGABYTE:.2f} GB")
    print(
        f"over the model's own: {(whole - own) / GIGABYTE:.2f} GB (stated bound: "
        f"{bound / GIGABYTE:.2f} GB; goal: at most 4 GB)"
    )


def bound_of_windows(protocol: "Protocol", width: int, classes: int) -> int:
    """Returns the bytes that `predict_raster` states, for an image of three channels.

    Example:
        >>> from kerasseg.evaluation import Protocol
        >>> bound_of_windows(Protocol(tile=1024, overlap=256), 10_000, 21) / 1e9 < 0.8
        True
    """
    from kerasseg.evaluation.inference.windows import CACHE_BYTES

    common = protocol.overlap - 2 * protocol.margin
    probabilities = 4 * classes * (common * width + 4 * protocol.tile**2)
    return probabilities + 2 * protocol.tile * width * (3 + 1) + CACHE_BYTES


def _write_raster(path: Path, side: int) -> None:
    import numpy as np
    import rasterio
    from rasterio.transform import from_origin

    profile = {"driver": "GTiff", "height": side, "width": side, "count": 3, "dtype": "uint8"}
    place = {"crs": "EPSG:32632", "transform": from_origin(500000, 5400000, 1, 1)}
    draw = np.random.default_rng(0)
    with rasterio.open(path, "w", **profile, **place) as file:
        for first in range(0, side, 256):
            rows = min(256, side - first)
            strip = draw.integers(0, 256, (3, rows, side), dtype=np.uint8)
            file.write(strip, window=((first, first + rows), (0, side)))


def _peak_of(path: Path, options: argparse.Namespace) -> int:
    """Returns the peak memory of a process of its own that predicts a raster."""
    task = json.dumps({**vars(options), "one": str(path)})
    command = [sys.executable, "-m", "benchmarks.inference", "peak", "--one", task]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(f"{path.name}:\n{answer.stderr}")
    return int(answer.stdout.splitlines()[-1])


def _peak(options: argparse.Namespace) -> None:
    from kerasseg.evaluation import Predictor, predict_raster

    task = argparse.Namespace(**json.loads(options.one))
    source = Path(task.one)
    predictor = Predictor(_model(task), _protocol(task))
    predict_raster(predictor, source, source.with_suffix(".classes.tif"))
    print(peak_bytes())


if __name__ == "__main__":
    main()
