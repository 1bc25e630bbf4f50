"""Each loss as its docstring states it, in float64, pixel by pixel."""

from functools import partial

import numpy as np

from kerasseg import losses

VOID = 255
CLASSES = 4
WEIGHTS = (0.5, 1.0, 0.0, 4.0)
ONES = (1.0,) * CLASSES


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def true_probability(labels, logits):
    """The probability of the true class `(N, H, W)`, of class 0 where it is void."""
    classes = np.where(labels == VOID, 0, labels)
    return np.take_along_axis(softmax(logits), classes[..., None], -1)[..., 0]


def pixel_weights(labels, weights):
    return np.where(labels == VOID, 0.0, np.array(weights)[np.where(labels == VOID, 0, labels)])


def mean(values, weights):
    return (values * weights).sum() / weights.sum() if weights.sum() else 0.0


def crossentropy(labels, logits, weights=ONES):
    return mean(-np.log(true_probability(labels, logits)), pixel_weights(labels, weights))


def focal(labels, logits, weights=ONES, gamma=2.0):
    q = true_probability(labels, logits)
    return mean((1 - q) ** gamma * -np.log(q), pixel_weights(labels, weights))


def ohem(labels, logits, weights=ONES, threshold=0.7, min_kept=4):
    q, w = true_probability(labels, logits), pixel_weights(labels, weights)
    taken = np.zeros_like(w)
    for image in range(len(labels)):
        candidates = sorted(q[image][w[image] > 0])
        if candidates:
            smallest = candidates[: max(min_kept, sum(value <= threshold for value in candidates))]
            taken[image] = q[image] <= smallest[-1]
    return mean(-np.log(q), w * taken)


def border_weights(labels, width, weight):
    weights = np.ones(labels.shape)
    for place in np.argwhere(labels != VOID):
        image, row, column = place
        others = np.argwhere((labels[image] != VOID) & (labels[image] != labels[tuple(place)]))
        if len(others):
            distance = np.abs(others - (row, column)).max(axis=1).min()
            weights[tuple(place)] += weight * max(0, width + 1 - distance) / width
    return weights


def boundary(labels, logits, weights=ONES, width=2, weight=4.0):
    together = pixel_weights(labels, weights) * border_weights(labels, width, weight)
    return mean(-np.log(true_probability(labels, logits)), together)


def dice(labels, logits, weights=ONES):
    valid, p = labels != VOID, softmax(logits)
    lost, total = 0.0, 0.0
    for number, weight in enumerate(weights):
        g, q = (labels[valid] == number).astype(float), p[valid][:, number]
        if g.any():
            lost += weight * (1 - 2 * (q * g).sum() / ((q**2).sum() + (g**2).sum()))
            total += weight
    return lost / total if total else 0.0


def jaccard(wrong, of_class):
    """The Jaccard loss of a class if exactly these pixels were wrong: equation 6 of the paper."""
    return len(wrong) / len(wrong | of_class) if wrong else 0.0


def lovasz_of_pixels(labels, p, weights):
    """Of the valid pixels `(P,)` and their probabilities `(P, C)`; None where no class counts."""
    lost, total = 0.0, 0.0
    for number, weight in enumerate(weights):
        of_class = set(np.flatnonzero(labels == number))
        if of_class:
            errors = np.abs((labels == number) - p[:, number])
            wrong = set()
            for place in np.argsort(-errors):
                before = jaccard(wrong, of_class)
                wrong = wrong | {place}
                lost += weight * errors[place] * (jaccard(wrong, of_class) - before)
            total += weight
    return lost / total if total else None


def lovasz(labels, logits, weights=ONES, per_image=True):
    p, valid = softmax(logits), labels != VOID
    images = range(len(labels)) if per_image else [slice(None)]
    found = [lovasz_of_pixels(labels[i][valid[i]], p[i][valid[i]], weights) for i in images]
    found = [each for each in found if each is not None]
    return float(np.mean(found)) if found else 0.0


def together(labels, logits, weights=ONES):
    return crossentropy(labels, logits, weights) + 0.5 * lovasz(labels, logits, weights)


def _sum(ignore_label=VOID, class_weights=None):
    parts = [losses.SegmentationCrossentropy, losses.LovaszSoftmax]
    return losses.WeightedSum([part(ignore_label=ignore_label, class_weights=class_weights)
                               for part in parts], [1.0, 0.5])  # fmt: skip


# By name the loss, a function of `ignore_label` and `class_weights`, and its statement.
LOSSES = {
    "BoundaryCrossentropy": (partial(losses.BoundaryCrossentropy, width=2), boundary),
    "DiceLoss": (losses.DiceLoss, dice),
    "FocalLoss": (losses.FocalLoss, focal),
    "LovaszSoftmax": (losses.LovaszSoftmax, lovasz),
    "LovaszSoftmax, batch": (
        partial(losses.LovaszSoftmax, per_image=False),
        partial(lovasz, per_image=False),
    ),
    "OHEMCrossentropy": (partial(losses.OHEMCrossentropy, min_kept=4), ohem),
    "OHEMCrossentropy, few hard": (
        partial(losses.OHEMCrossentropy, threshold=0.01, min_kept=4),
        partial(ohem, threshold=0.01),
    ),
    "SegmentationCrossentropy": (losses.SegmentationCrossentropy, crossentropy),
    "WeightedSum": (_sum, together),
}


def draw(seed, shape=(2, 3, 4), void_share=0.3):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, CLASSES, shape)
    labels[generator.random(shape) < void_share] = VOID
    return labels, generator.normal(0, 2, (*shape, CLASSES)).astype(np.float32)
