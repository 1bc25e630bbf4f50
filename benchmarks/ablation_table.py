"""What the runs of `benchmarks.ablations` show: the tables, and the rule that separates scores.

The rule is Dunnett's test (scipy.stats.dunnett): all variants of a network against the reference
of that network, on the seeds' scores, whose variance is taken to be one. Its intervals of the
differences hold together with 95 % confidence. A variant whose interval holds 0 is not separated.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

CONFIDENCE = 0.95
NOT_SEPARATED = "not separated by this budget"
HEADER = (
    "| {network} | parameters | GMAC | core minutes | mean IoU | difference "
    "| against the reference |\n|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Configuration:
    """One network of the comparison.

    Attributes:
        name: What `--only` and the directory of its runs call it.
        network: `"RefineNet"` or `"EfficientFCN"`: the table that it stands in.
        label: What it differs in from the reference, for its row.
        settings: What it sets in the recipe, as `training.train --set` takes it.
        reference: Whether the others of its network are compared with it.
    """

    name: str
    network: str
    label: str
    settings: tuple[str, ...]
    reference: bool = False


@dataclass(frozen=True)
class Result:
    """What a run leaves in `result.json`.

    Attributes:
        configuration: Its name.
        seed: Of the recipe.
        recipe: Hash of the recipe; a result of another one is none of these.
        data: Fingerprint of the data set.
        mean_iou: Of the last weights on the whole validation images.
        processor_seconds: What the run took of all cores, from its start to its end.
        train_images: How many images the training split has.
        parameters: Trainable weights, those of frozen stages too.
        macs: Multiply-adds of one image of `benchmarks.ablations.SIZE`.
    """

    configuration: str
    seed: int
    recipe: str
    data: dict[str, str | int]
    mean_iou: float
    processor_seconds: float
    train_images: int
    parameters: int
    macs: int


Results: TypeAlias = Mapping[str, Sequence[Result]]


@dataclass(frozen=True)
class Difference:
    """A variant's mean score minus that of its reference, and the interval that it lies in."""

    value: float
    low: float
    high: float

    @property
    def finding(self) -> str:
        """What the rule says.

        Example:
            >>> Difference(0.02, -0.01, 0.05).finding
            'not separated by this budget'
        """
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else NOT_SEPARATED


def tables(configurations: Sequence[Configuration], results: Results) -> str:
    """Returns a table a network, each row with the spread over its seeds, and what it says."""
    networks = dict.fromkeys(each.network for each in configurations)
    return "\n\n".join(
        _table([each for each in configurations if each.network == network], results)
        for network in networks
    )


def _table(rows: Sequence[Configuration], results: Results) -> str:
    found = differences(rows, results)
    lines = [_line(row, results.get(row.name, ()), found.get(row.name)) for row in rows]
    table = "\n".join([HEADER.format(network=rows[0].network), *lines])
    return f"{table}\n\n{findings(rows, found)}" if found else table


def findings(rows: Sequence[Configuration], found: Mapping[str, Difference]) -> str:
    """Returns in words which of the variants are separated from the reference.

    Args:
        rows: The configurations of one network.
        found: What `differences` gives for them, at least one.
    """
    by_finding: dict[str, list[str]] = {"higher": [], "lower": [], NOT_SEPARATED: []}
    for row in rows:
        if row.name in found:
            by_finding[found[row.name].finding].append(row.label)
    said = [f"{finding}: {'; '.join(labels) or 'none'}" for finding, labels in by_finding.items()]
    width = statistics.mean(each.high - each.low for each in found.values()) / 2
    return (
        f"{rows[0].network} against its reference. "
        f"{'. '.join(sentence[0].upper() + sentence[1:] for sentence in said)}. "
        f"The intervals reach {width:.3f} to either side on average: smaller differences are "
        "beyond this budget."
    )


def differences(rows: Sequence[Configuration], results: Results) -> dict[str, Difference]:
    """Returns the variants' differences from the reference of their network, by Dunnett's test.

    Those that were run with at least two seeds have one, as soon as the reference has so too.

    Args:
        rows: The configurations of one network, one of them the reference.
        results: What was run, by the name of the configuration.
    """
    import numpy as np
    from scipy import stats

    scores = {row.name: [one.mean_iou for one in results.get(row.name, ())] for row in rows}
    (reference,) = (scores[row.name] for row in rows if row.reference)
    names = [row.name for row in rows if not row.reference and len(scores[row.name]) > 1]
    if len(reference) < 2 or not names:
        return {}
    samples = [np.array(scores[name]) for name in names]
    # The integral behind the interval is a random one: a fixed seed gives the same table again.
    test = stats.dunnett(*samples, control=np.array(reference), rng=np.random.default_rng(0))
    interval = test.confidence_interval(CONFIDENCE)
    values = [statistics.mean(scores[name]) - statistics.mean(reference) for name in names]
    ends = zip(names, values, interval.low, interval.high, strict=True)
    return {name: Difference(value, float(low), float(high)) for name, value, low, high in ends}


def _line(row: Configuration, runs: Sequence[Result], difference: Difference | None) -> str:
    if not runs:
        return f"| {row.label} | | | | not run | | |"
    minutes = statistics.mean(run.processor_seconds for run in runs) / 60
    cells = (
        row.label,
        f"{runs[0].parameters / 1e6:.2f} M",
        f"{runs[0].macs / 1e9:.2f}",
        f"{minutes:.1f}",
        _score([run.mean_iou for run in runs]),
        *_compared(row, difference),
    )
    return f"| {' | '.join(cells)} |"


def _score(ious: Sequence[float]) -> str:
    spread = f" ± {statistics.stdev(ious):.3f}" if len(ious) > 1 else ""
    return f"{statistics.mean(ious):.3f}{spread} ({len(ious)} seed{'s' * (len(ious) > 1)})"


def _compared(row: Configuration, difference: Difference | None) -> tuple[str, str]:
    if row.reference:
        return "", "the reference"
    if difference is None:
        return "", "not compared: it takes two seeds of both"
    interval = f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
    return interval, difference.finding
