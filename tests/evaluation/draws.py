"""Labels and logits to be counted."""

import numpy as np

VOID = 255


def draw(seed, shape=(3, 8, 9), classes=4, void_share=0.2):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, shape)
    labels[generator.random(shape) < void_share] = VOID
    return labels, generator.normal(size=(*shape, classes)).astype(np.float32)


def counted(labels, logits):
    """The confusion matrix, pixel by pixel."""
    matrix = np.zeros((logits.shape[-1],) * 2, np.int64)
    for truth, scores in zip(labels.ravel(), logits.reshape(-1, logits.shape[-1]), strict=True):
        if truth != VOID:
            matrix[truth, scores.argmax()] += 1
    return matrix


def updated(metric, *batches):
    for labels, logits in batches:
        metric.update_state(labels, logits)
    return metric


def blocks(seed, shape=(2, 37, 52), classes=4, void_share=0.15, side=7):
    """Labels with regions, and logits that are right but near their contours."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, classes, [shape[0], *(-(-each // side) for each in shape[1:])])
    coarse[generator.random(coarse.shape) < void_share] = VOID
    labels = np.kron(coarse, np.ones((1, side, side), int))[:, : shape[1], : shape[2]]
    shifted = np.roll(labels, generator.integers(-3, 4, 2), axis=(1, 2))
    guessed = np.where(shifted == VOID, generator.integers(0, classes, shape), shifted)
    return labels, (4 * np.eye(classes)[guessed]).astype(np.float32)
