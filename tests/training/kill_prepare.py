"""`training.prepare` that dies: python -m tests.training.kill_prepare KILL_AT ARGUMENTS.

The process writes one shard after the other and kills itself as nobody can catch, at the KILL_ATth
example.
"""

import itertools
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from kerasseg.data.records import shards, writing
from training.prepare import main

if __name__ == "__main__":
    examine, numbers = shards.examine, itertools.count(1)

    def look(example, labels):
        if next(numbers) == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return examine(example, labels)

    shards.examine = look
    writing.ThreadPoolExecutor = partial(ThreadPoolExecutor, max_workers=1)
    sys.exit(main(sys.argv[2:]))
