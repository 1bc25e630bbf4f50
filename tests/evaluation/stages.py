"""How far the stages of a pipeline have come."""

import threading


class Stage:
    """Counts what a stage has begun; another one waits until it is so many."""

    def __init__(self):
        self.count = 0
        self._changed = threading.Condition()

    def begin(self):
        """Counts one more and returns how many they are."""
        with self._changed:
            self.count += 1
            self._changed.notify_all()
            return self.count

    def reaches(self, count, seconds=10):
        """Whether it has begun so many, for which some seconds are given to it."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, seconds)
