"""The files that an evaluation leaves in a run: for programs, for a pull request, for people."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasseg.data.streams import Split, fingerprint_of_split, names_of_split
from kerasseg.errors import KerassegError
from kerasseg.evaluation.comparison.image_counts import ImageCounts, write_image_counts
from kerasseg.evaluation.inference.engine import Evaluation
from kerasseg.evaluation.metrics.class_scores import Absent
from kerasseg.evaluation.result.details import Details
from kerasseg.evaluation.result.markdown import markdown_of
from kerasseg.evaluation.result.page import page_of
from kerasseg.evaluation.result.scores import number, scores_of
from kerasseg.evaluation.result.wording import absent_words, tile_note, tile_rows
from kerasseg.evaluation.result.worst import WorstImage
from kerasseg.files import atomic_file
from kerasseg.label_set import LabelSet
from kerasseg.version import __version__

if TYPE_CHECKING:
    from kerasseg.run import Run

SCHEMA_VERSION = 1
RESULT_SUFFIXES = (".npz", ".md", ".html", ".json")


def check_free(file: Path, overwrite: bool) -> None:
    """Refuses the place of a result where there is one.

    Args:
        file: The JSON file; the others are beside it.
        overwrite: Whether that is allowed.

    Raises:
        KerassegError: If one of the files is there and is not to be overwritten.
    """
    for path in map(file.with_suffix, RESULT_SUFFIXES):
        if path.exists() and not overwrite:
            raise KerassegError(
                f"{path} is there already. Give another --name, or say --overwrite."
            )


def result_of(
    evaluation: Evaluation,
    details: Details,
    seconds: float,
    split: Split,
    labels: LabelSet,
    facts: dict[str, Any],
    absent: Absent = "skip",
) -> dict[str, Any]:
    """Returns what the JSON file holds.

    Beside the scores, `images` holds the name of each image and its mean IoU, null where it is all
    void; the `.npz` beside it has the counts, from which any mean over images can be made.

    Args:
        evaluation: The numbers.
        details: Of the same images.
        seconds: What it took.
        split: What was evaluated.
        labels: Its classes.
        facts: Further entries: split, protocol, protocol_name, weights.
        absent: As for `scores_of`.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "kerasseg_version": __version__,
        **facts,
        "fingerprint": fingerprint_of_split(split),
        "class_names": list(labels.class_names),
        **scores_of(evaluation.confusion, details, labels, absent),
        "seconds": round(seconds, 2),
        "images_per_second": round(len(evaluation.numbers) / max(seconds, 1e-9), 2),
        "confusion": evaluation.confusion.tolist(),
        "images": _images(evaluation, names_of_split(split)),
    }


def _images(evaluation: Evaluation, names: list[str]) -> list[dict[str, Any]]:
    scores, order = evaluation.image_iou, np.argsort(evaluation.numbers)
    return [{"name": names[evaluation.numbers[row]], "iou": number(scores[row])} for row in order]


def write_result(
    run: "Run",
    file: Path,
    result: dict[str, Any],
    counts: ImageCounts,
    worst: Sequence[WorstImage],
) -> None:
    """Writes the four files of an evaluation, the JSON last: where it is, the others are.

    Args:
        run: The run that was evaluated.
        file: The JSON file in its `evaluation/`; the others are beside it.
        result: As `result_of` returns it.
        counts: Of each image.
        worst: Images to show.

    Raises:
        KerassegError: If the disk is full or the place must not be written to.
    """
    labels = run.description.labels
    what = f"{result['split']}, {result['protocol_name']}, {result['weights']} weights"
    title = f"{run.path.resolve().name}: {what}"
    write_image_counts(run, file.stem, counts)
    texts = {
        ".md": markdown_of(title, result),
        ".html": page_of(title, result, labels, worst, _facts(run, result)),
        ".json": json.dumps(result) + "\n",
    }
    for suffix, text in texts.items():
        with atomic_file(file.with_suffix(suffix)) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _facts(run: "Run", result: dict[str, Any]) -> dict[str, str]:
    described = run.description
    return {
        "run": str(run.path.resolve().name),
        "architecture": described.architecture,
        "data set": described.dataset,
        "split": f"{result['split']}, fingerprint {result['fingerprint']}",
        "images": str(len(result["images"])),
        "protocol": ", ".join(
            f"{key} {value}" for key, value in result["protocol"].items() if value
        ),
        "weights": result["weights"],
        "classes that do not occur": absent_words(result),
        **_facts_of_tiles(result),
        "time": f"{result['seconds']} s, {result['images_per_second']} images a second",
        "kerasseg": result["kerasseg_version"],
        "trained with": described.kerasseg_version,
        **({"commit": described.commit} if described.commit else {}),
    }


def _facts_of_tiles(result: dict[str, Any]) -> dict[str, str]:
    shares = {
        f"other class than without tiles, overlap {overlap}": f"{changed} of the pixels"
        for overlap, changed in tile_rows(result)
    }
    note = tile_note(result)
    return {**shares, "tiles": note} if note else shares
