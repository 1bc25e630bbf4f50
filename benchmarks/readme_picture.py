"""Draws the README's picture from a finished run of the quickstart.

python -m benchmarks.readme_picture runs/quickstart DATA_DIR [--out docs/quickstart.png]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from kerasseg import data
from kerasseg.data import Pair
from kerasseg.evaluation import predict
from kerasseg.files import atomic_file
from kerasseg.run import Run
from kerasseg.visualization import contact_sheet, side_by_side


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("data_dir", type=Path, metavar="DATA_DIR")
    parser.add_argument("--out", type=Path, default=Path("docs/quickstart.png"))
    options = parser.parse_args(arguments)
    run = Run.open(options.run)
    labels, model = run.description.labels, run.load_model()
    pictures = []
    for pair in _shown(run, options.data_dir):
        image, truth = data.read_pair(pair)
        picture = side_by_side(image, truth, predict(model, image), labels, legend=False)
        pictures.append(picture)
    with atomic_file(options.out) as temporary:
        contact_sheet(pictures, columns=2, labels=labels).save(temporary, optimize=True)


def _shown(run: Run, data_dir: Path) -> list[Pair]:
    """Returns the pairs whose images the run has copied: spread over the split, not chosen."""
    names = {path.stem for path in run.file("samples").iterdir()}
    return [pair for pair in data.find_pairs(data_dir, "val") if pair.name in names]


if __name__ == "__main__":
    main()
