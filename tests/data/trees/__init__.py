"""Miniatures of the published trees: `write` of each module writes one and says what is in it.

    write(folder, count=2, size=(48, 64), seed=0) -> {split: {image name: class ids (H, W)}}

The ids are those that a reader must give, void included. `count` is the number of images of a
split; a tree that holds splits within splits may write more.
"""
