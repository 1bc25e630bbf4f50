"""What the values of all label maps together give away."""

from collections.abc import Iterator

from kerasseg.data.doctor.examination import Examination
from kerasseg.data.doctor.study import Study, pixels_by_value
from kerasseg.data.faults import Fault
from kerasseg.data.label_encoding import UNKNOWN

_WHITE = 255
_MUCH = 0.5


def judge_values(study: Study) -> list[Fault]:
    """Returns what is wrong with the values of the label maps.

    Args:
        study: All examinations.
    """
    binary = [each for name in study.splits for each in _binary_masks(study, name)]
    shifted = _one_too_high(study)
    gaps = [] if shifted or binary else _wide_gaps(study)
    faults = [_fault("binary-mask", each, _shown(study, each)) for each in binary]
    if shifted:
        faults += [_fault("one-too-high", each, _shown(study, each)) for each in _all(study)]
    faults += gaps
    explained = {each.pair.label for each in (*binary, *(_all(study) if shifted else ()))}
    faults += [fault for fault in _outside(study) if fault.path not in explained]
    for split in study.splits:
        # Once the ids themselves are right, what is absent is another list.
        faults += [] if shifted or gaps or binary else _absent(study, split)
        faults += _void(study, split, explained)
        faults += _single(study, split, explained)
    return faults


def _all(study: Study) -> Iterator[Examination]:
    return (each for split in study.splits.values() for each in split if each.values)


def _fault(kind: str, examination: Examination, detail: str = "") -> Fault:
    return Fault(kind, examination.pair.label, detail)


def _shown(study: Study, examination: Examination) -> str:
    values = sorted(examination.values)
    more = ", ..." if len(values) > 16 else ""
    return "holds " + ", ".join(str(value) for value in values[:16]) + more


def _binary_masks(study: Study, split: str) -> list[Examination]:
    """Returns the label maps in which 255 stands for the one thing that is to be found."""
    if study.labels.num_classes == 1 and not study.inferred:
        return []
    of_split = set(pixels_by_value(study.splits[split])) == {0, _WHITE}
    stray = study.labels.ignore_label != _WHITE and not study.is_known(_WHITE)
    return [
        each
        for each in study.splits[split]
        if _WHITE in each.values
        and each.values.keys() <= {0, _WHITE}
        and (of_split or (stray and 0 in each.values))
    ]


def _one_too_high(study: Study) -> bool:
    """Returns whether the ids of the whole data set are counted from 1."""
    found = set(pixels_by_value(_all(study)))
    void, past = study.labels.ignore_label, study.labels.num_classes
    ids = found - {void}
    if not ids or UNKNOWN in ids or 0 in ids:
        return False
    if study.inferred:
        return 1 in ids
    if past != void:
        return max(ids) == past
    # The largest id has become void, or void has been moved with the ids.
    return max(ids) == void + 1 or (void in found and ids == set(range(1, past)))


def _wide_gaps(study: Study) -> list[Fault]:
    ids = set(pixels_by_value(_all(study))) - {study.labels.ignore_label, UNKNOWN}
    if not study.inferred or not ids or max(ids) + 1 <= 2 * len(ids):
        return []
    first = next(value for value in range(max(ids) + 1) if value not in ids)
    beyond = {value for value in ids if value > first}
    return [
        _fault("value-gaps", each, _shown(study, each))
        for each in _all(study)
        if each.values.keys() & beyond
    ]


def _outside(study: Study) -> Iterator[Fault]:
    past = (study.labels.num_classes, study.labels.ignore_label + 1)
    for each in _all(study):
        wrong = {value: n for value, n in each.values.items() if not study.is_known(value)}
        if wrong:
            detail = shown_values(wrong)
            if 0 not in each.values and max(wrong) in past:
                detail += "; 0 is not in it: are its ids one too high?"
            yield _fault("values-outside", each, detail)


def shown_values(pixels: dict[int, int], most: int = 8) -> str:
    """Returns values with their pixels for people, the smallest first."""
    parts = [
        f"{'what stands for no class' if value == UNKNOWN else value} ({pixels[value]:,} px)"
        for value in sorted(pixels)[:most]
    ]
    return ", ".join(parts) + (", ..." if len(pixels) > most else "")


def _absent(study: Study, split: str) -> list[Fault]:
    there = pixels_by_value(study.splits[split])
    names = [n for number, n in enumerate(study.labels.class_names) if number not in there]
    if not there or not names:
        return []
    more = f", ... ({len(names)} in all)" if len(names) > 12 else ""
    return [Fault("absent-class", study.root / split, ", ".join(names[:12]) + more)]


def _void(study: Study, split: str, explained: set) -> list[Fault]:
    void = study.labels.ignore_label
    maps = [each for each in study.splits[split] if each.pair.label not in explained]
    faults = [_fault("all-void", each) for each in maps if each.values.keys() == {void}]
    pixels = pixels_by_value(maps)
    share = pixels[void] / max(pixels.total(), 1)
    if share > _MUCH:
        faults.append(Fault("much-void", study.root / split, f"{share:.0%} of all pixels"))
    return faults


def _single(study: Study, split: str, explained: set) -> list[Fault]:
    void = study.labels.ignore_label
    maps = [
        (each, each.values.keys() - {void})
        for each in study.splits[split]
        if each.pair.label not in explained and all(map(study.is_known, each.values))
    ]
    classes = set().union(*(ids for _, ids in maps))
    if len(classes) == 1 and len(maps) > 1 and (study.inferred or study.labels.num_classes > 1):
        return [Fault("one-class-only", study.root / split, study.name(classes.pop()))]
    if study.labels.num_classes == 1:
        return []
    return [
        _fault("single-class", each, study.name(next(iter(ids))))
        for each, ids in maps
        if len(ids) == 1
    ]
