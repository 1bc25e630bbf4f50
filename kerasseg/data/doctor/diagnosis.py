"""The whole examination of a data set, and what comes out of it."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

from kerasseg.data.doctor.case import Case
from kerasseg.data.doctor.class_weights import WEIGHTINGS, class_weights
from kerasseg.data.doctor.examination import Examination, examine_pair
from kerasseg.data.doctor.findings import Finding, Remark, Severity, as_text, gather
from kerasseg.data.doctor.label_file import all_colours
from kerasseg.data.doctor.label_values import judge_values, shown_values
from kerasseg.data.doctor.statistics import SplitStatistics, split_statistics
from kerasseg.data.doctor.study import Study, inferred_labels, pixels_by_value
from kerasseg.data.doctor.whole import judge_images
from kerasseg.data.pair import Pair
from kerasseg.label_set import Colour, LabelSet
from kerasseg.version import __version__

SCHEMA_VERSION = 1
_AT_ONCE = 1024


@dataclass(frozen=True)
class Diagnosis:
    """What was found in a data set: the contents of `report.json`.

    Attributes:
        schema_version: Raised whenever a reader of the older form would go wrong.
        kerasseg_version: The version that wrote it.
        data: The directory of the data set.
        class_names: The classes that label values were judged by.
        palette: One RGB colour (0..255) a class.
        ignore_label: The void label.
        inferred: Whether the classes were guessed from the values.
        findings: The worst first.
        splits: The figures of each split.
        training_split: The split that the class weights come from.
        class_weights: By each rule of `class_weights`; empty where no class occurs.
        colours: Label maps that hold colours in place of ids: pixels of `"red,green,blue"`.
    """

    schema_version: int
    kerasseg_version: str
    data: str
    class_names: tuple[str, ...]
    palette: tuple[Colour, ...]
    ignore_label: int
    inferred: bool
    findings: tuple[Finding, ...]
    splits: dict[str, SplitStatistics]
    training_split: str
    class_weights: dict[str, tuple[float, ...]]
    colours: dict[str, int]

    @property
    def labels(self) -> LabelSet:
        """The classes, their colours and the void label."""
        return LabelSet(self.class_names, self.palette, self.ignore_label)

    def of_severity(self, severity: Severity) -> tuple[Finding, ...]:
        """Returns the findings that are so bad."""
        return tuple(finding for finding in self.findings if finding.severity == severity)

    @property
    def is_healthy(self) -> bool:
        """Whether there is no error."""
        return not self.of_severity(Severity.ERROR)


def diagnose(case: Case, progress: bool | None = None) -> Diagnosis:
    """Reads every pair of a data set and returns what was found; no pixels are kept.

    Args:
        case: The data set.
        progress: Whether to show a progress bar on standard error; None: where that is a
            terminal.

    Example:
        >>> from kerasseg.data import shapes
        >>> from kerasseg.data.doctor.case import open_folder
        >>> folder = shapes.ensure("shapes", train=2, val=1)
        >>> diagnosis = diagnose(open_folder(folder, labels=shapes.LABELS))
        >>> diagnosis.is_healthy, diagnosis.splits["train"].pairs
        (True, 2)
    """
    study = _study(case, progress)
    faults = [*case.faults, *judge_values(study), *judge_images(study)]
    faults += [fault for each in _all(study) for fault in each.faults]
    statistics = {split: split_statistics(study, split) for split in study.splits}
    histogram = statistics[study.training_split].classes
    rules = WEIGHTINGS if any(histogram.pixels) else ()
    colours = all_colours([each.label for each in _all(study)])
    return Diagnosis(
        schema_version=SCHEMA_VERSION,
        kerasseg_version=__version__,
        data=as_text(case.root),
        class_names=study.labels.class_names,
        palette=study.labels.colours,
        ignore_label=study.labels.ignore_label,
        inferred=study.inferred,
        findings=gather(faults, case.root, _remarks(study, colours)),
        splits=statistics,
        training_split=study.training_split,
        class_weights={rule: class_weights(histogram, rule) for rule in rules},
        colours={",".join(map(str, colour)): pixels for colour, pixels in colours.items()},
    )


def _study(case: Case, progress: bool | None) -> Study:
    results = _examined(case, progress)
    splits = {
        split: [next(results) for _ in range(len(members))]
        for split, members in case.splits.items()
    }
    labels = case.labels
    if labels is None:
        values = pixels_by_value(chain.from_iterable(splits.values()))
        labels = inferred_labels(values, case.ignore_label)
    return Study(case.root, splits, labels, case.labels is None)


def _examined(case: Case, progress: bool | None) -> Iterator[Examination]:
    from tqdm import tqdm

    pairs = [pair for split in case.splits.values() for pair in split]

    def examine(pair: Pair) -> Examination:
        return examine_pair(pair, case.named(pair))

    disable = None if progress is None else not progress
    bar = tqdm(total=len(pairs), desc="examining", unit=" pairs", disable=disable, leave=False)
    with ThreadPoolExecutor() as pool, bar:
        # Not all at once: what is waiting to be done takes memory too.
        for start in range(0, len(pairs), _AT_ONCE):
            for examination in pool.map(examine, pairs[start : start + _AT_ONCE]):
                bar.update()
                yield examination


def _all(study: Study) -> Iterator[Examination]:
    return chain.from_iterable(study.splits.values())


def _remarks(study: Study, colours: Mapping[Colour, int]) -> dict[str, Remark]:
    wrong = {
        value: pixels
        for value, pixels in pixels_by_value(_all(study)).items()
        if not study.is_known(value)
    }
    accepted = f"0..{study.labels.num_classes - 1} and {study.labels.ignore_label} for void"
    return {
        "values-outside": Remark(f"{shown_values(wrong)}; accepted are {accepted}"),
        "rgb-label": Remark(advice=_advice_on_colours(colours)),
    }


def _advice_on_colours(colours: Mapping[Colour, int]) -> str:
    if all(red == green == blue for red, green, blue in colours):
        return "All three channels are the same: save one of them, as a PNG of one channel."
    palette = ", ".join(str(list(colour)) for colour in sorted(colours))
    return (
        'Save class ids as a PNG of one channel; or have the colours read: labels = "colours" and '
        f"palette = [{palette}] in [data] of the recipe, in the order of the class names, those of "
        "void under void_colours instead (--colours and --void-colours here)."
    )
