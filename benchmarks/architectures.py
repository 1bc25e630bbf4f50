"""Measures the architectures at 512x512 and writes the table of docs/networks.md.

    python -m benchmarks.architectures [--backbones resnet50 resnet101] [--repeats 5]

Every figure comes from a process of its own: the median latency of one image through the compiled
model in float32 and in bfloat16, and the median time and the peak memory of a training step with
one image of 512x512, float32, SGD with momentum, in the graph that training uses. Peak memory is
the process' own, TensorFlow and the weights included.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"
SIZE, CLASSES = (512, 512), 21
MODES = ("float32", "bfloat16", "training")
# Label in the table, name of the builder, its arguments, and what of it is measured.
ROWS: tuple[tuple[str, str, dict[str, Any], tuple[str, ...]], ...] = (
    ("DilatedFCN", "DilatedFCN", {}, MODES),
    ("EfficientFCN", "EfficientFCN", {}, MODES),
    ("RefineNet", "RefineNet", {}, MODES),
    ("RefineNet, `pooling_blocks=4`", "RefineNet", {"pooling_blocks": 4}, MODES),
    # It differs in training alone.
    ("RefineNet, `rematerialize`", "RefineNet", {"rematerialize": True}, ("training",)),
    ("LightWeightRefineNet", "LightWeightRefineNet", {}, MODES),
    (
        "LightWeightRefineNet, `rematerialize`",
        "LightWeightRefineNet",
        {"rematerialize": True},
        ("training",),
    ),
)
REFERENCE = "DilatedFCN"
HEADER = (
    "| network | backbone | parameters | GMAC | float32 | bfloat16 | gain | memory "
    "| training step | its memory |\n|---|---|---|---|---|---|---|---|---|---|"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every row and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbones", nargs="+", default=["resnet50", "resnet101"])
    parser.add_argument("--networks", nargs="+", default=[label for label, *_ in ROWS])
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--size", nargs=2, type=int, default=SIZE)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--print-only", action="store_true", help="leave the page as it is")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(_measure(**json.loads(options.one))))
        return
    results = [
        _row(row, backbone, options)
        for backbone in options.backbones
        for row in ROWS
        if row[0] in options.networks
    ]
    table = "\n".join([HEADER, *(_line(result, results) for result in results)])
    print(table)
    if not options.print_only:
        from benchmarks import page_table

        page_table.replace("benchmarks/architectures.py", table, PAGE)


def _row(
    row: tuple[str, str, dict[str, Any], tuple[str, ...]], backbone: str, options: Any
) -> dict[str, Any]:
    label, builder, arguments, modes = row
    result: dict[str, Any] = {"label": label, "backbone": backbone}
    for mode in [mode for mode in options.modes if mode in modes]:
        task = {
            "builder": builder,
            "backbone": backbone,
            "options": arguments,
            "mode": mode,
            "repeats": options.repeats,
            "size": options.size,
        }
        command = [sys.executable, "-m", "benchmarks.architectures", "--one", json.dumps(task)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise SystemExit(f"{label} on {backbone}, {mode}:\n{answer.stderr}")
        result[mode] = json.loads(answer.stdout.splitlines()[-1])
        print(label, backbone, mode, result[mode], file=sys.stderr)
    return result


def _measure(
    builder: str, backbone: str, options: dict[str, Any], mode: str, repeats: int, size: list[int]
) -> dict[str, float]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras
    import numpy as np
    import tensorflow as tf

    import kerasseg

    if mode == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    model = getattr(kerasseg, builder)(backbone, CLASSES, backbone_weights=None, **options)
    counts = {
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "macs": kerasseg.count_macs(model, tuple(size)),
    }
    pixels = np.random.default_rng(0).integers(0, 256, (1, *size, 3)).astype(np.float32)
    if mode == "training":
        step = _training_step(model, pixels)
    else:
        compiled = tf.function(lambda images: model(images, training=False))
        images = tf.constant(pixels)

        def step() -> object:
            return compiled(images).numpy()

    return counts | {"seconds": _median(step, repeats), "peak": peak_bytes()}


def _training_step(model: Any, pixels: Any) -> Callable[[], object]:
    import keras
    import numpy as np

    import kerasseg
    from kerasseg.experiment.training_graph import training_graph
    from kerasseg.optimizers import with_multipliers

    labels = np.random.default_rng(1).integers(0, CLASSES, pixels.shape[:3])
    twin = training_graph(model)
    twin.compile(
        with_multipliers(keras.optimizers.SGD)(1e-4, momentum=0.9),
        kerasseg.losses.SegmentationCrossentropy(),
        jit_compile=False,
    )
    return lambda: twin.train_on_batch(pixels, labels)


def _median(step: Callable[[], object], repeats: int) -> float:
    times = []
    for turn in range(repeats + 2):
        begin = time.perf_counter()
        step()
        # The first two turns trace the graph and prepare the kernels.
        if turn >= 2:
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def peak_bytes() -> int:
    """Returns the peak memory of this process, in bytes.

    Example:
        >>> peak_bytes() > 0
        True
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise SystemExit("/proc/self/status has no line VmHWM; peak memory is measured on Linux")


def _line(result: dict[str, Any], results: Sequence[dict[str, Any]]) -> str:
    def peak(mode: str) -> str:
        return f"{result[mode]['peak'] / 1e9:.1f} GB" if mode in result else ""

    counts = _counts(result)
    cells = (
        result["label"],
        result["backbone"],
        f"{counts['parameters'] / 1e6:.1f} M",
        _gmac(result, results),
        _seconds("float32", result, results),
        _seconds("bfloat16", result, results),
        _gain(result),
        peak("float32"),
        _seconds("training", result, results),
        peak("training"),
    )
    return f"| {' | '.join(cells)} |"


def _gmac(result: dict[str, Any], results: Sequence[dict[str, Any]]) -> str:
    macs, other = _counts(result)["macs"], _reference(result, results)
    return beside_reference(f"{macs / 1e9:.1f}", macs, _counts(other)["macs"] if other else None)


def _seconds(mode: str, result: dict[str, Any], results: Sequence[dict[str, Any]]) -> str:
    """Returns the time in seconds and, in brackets, its ratio to DilatedFCN's."""
    if mode not in result:
        return ""
    seconds = result[mode]["seconds"]
    other = _reference(result, results)
    other_seconds = other[mode]["seconds"] if other and mode in other else None
    return beside_reference(f"{seconds:.2f} s", seconds, other_seconds)


def _reference(result: dict[str, Any], results: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Returns the result of DilatedFCN on the same backbone, unless this is the one."""
    for other in results:
        if other["backbone"] == result["backbone"] and other["label"] == REFERENCE:
            return None if other is result else other
    return None


def _counts(result: dict[str, Any]) -> dict[str, Any]:
    return next(result[mode] for mode in MODES if mode in result)


def beside_reference(cell: str, value: float, reference: float | None) -> str:
    """Returns a cell of the table and, in brackets, the ratio of its value to DilatedFCN's.

    Example:
        >>> beside_reference("39.1", 39.1, 138.0)
        '39.1 (0.28)'
    """
    return cell if reference is None else f"{cell} ({value / reference:.2f})"


def _gain(result: dict[str, Any]) -> str:
    if "float32" not in result or "bfloat16" not in result:
        return ""
    return f"{result['float32']['seconds'] / result['bfloat16']['seconds']:.2f}"


if __name__ == "__main__":
    main()
