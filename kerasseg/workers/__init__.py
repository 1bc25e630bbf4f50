"""The devices that train together, of one machine or of several."""

from kerasseg.workers.workers import Workers, count_replicas, take_part

__all__ = ["Workers", "count_replicas", "take_part"]
