"""Measures the time and the peak memory of exports, each in a process of its own.

    python -m benchmarks.export_memory [--network RefineNet] [--backbone resnet101] [--docs FILE]

The memory is the largest resident set of the process, with TensorFlow, the model and the check of
what was exported in it. The weights are random, on which nothing of this depends.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import page_table
from benchmarks.architectures import peak_bytes

PROGRAM = "benchmarks/export_memory.py"
SUFFIXES = {"saved_model": "", "onnx": ".onnx", "litert": ".tflite", "openvino": ".xml"}
CLASSES = 21


def main(arguments: Sequence[str] | None = None) -> None:
    """Exports once in each format and prints a table."""
    options = _parser().parse_args(arguments)
    if options.child:
        print(json.dumps(_export(options.child, options.network, options.backbone)))
        return
    found = {name: _in_child(name, options) for name in options.formats}
    text = table(found, f"{options.network} on `{options.backbone}`")
    print(text)
    if options.docs:
        page_table.replace(PROGRAM, text, options.docs)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.export_memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--network", default="RefineNet", help="name of a builder (default: %(default)s)")
    add("--backbone", default="resnet101", help="(default: %(default)s)")
    add("--formats", nargs="+", choices=SUFFIXES, default=[*SUFFIXES])
    add("--docs", type=Path, metavar="FILE", help="puts the table into it: docs/export.md")
    add("--child", choices=SUFFIXES, help=argparse.SUPPRESS)
    return parser


def _in_child(name: str, options: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.export_memory", "--child", name]
    command += ["--network", options.network, "--backbone", options.backbone]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _export(name: str, network: str, backbone: str) -> dict[str, float]:
    import kerasseg

    model = getattr(kerasseg, network)(backbone, CLASSES, backbone_weights=None)
    before = peak_bytes() / 1e9
    more = {"warmup_images": ()} if name == "saved_model" else {}
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        getattr(kerasseg, f"export_{name}")(model, Path(folder, f"out{SUFFIXES[name]}"), **more)
        seconds = time.perf_counter() - begin
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {"model": before, "seconds": seconds, "peak": peak_bytes() / 1e9, "size": size / 1e9}


def table(found: dict[str, dict[str, float]], network: str) -> str:
    """Returns the figures as a table in Markdown.

    Example:
        >>> figures = {"model": 1.0, "seconds": 20.0, "peak": 3.5, "size": 0.44}
        >>> print(table({"onnx": figures}, "RefineNet on `resnet101`").splitlines()[2])
        | onnx | 20 | 3.5 | 0.44 |
    """
    lines = ["| format | seconds | peak memory, GB | on disk, GB |", "|---|---|---|---|"]
    for name, figures in found.items():
        cells = (f"{figures['seconds']:.0f}", f"{figures['peak']:.1f}", f"{figures['size']:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    before = max((figures["model"] for figures in found.values()), default=0.0)
    lines += ["", f"{network}; {before:.1f} GB before the export, with the model alone."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
