"""`training.train` with the tiny backbone: python -m tests.training.train_tiny ARGUMENTS."""

import sys

from tests.tiny import tiny_backbone
from training.train import main

if __name__ == "__main__":
    with tiny_backbone():
        sys.exit(main(sys.argv[1:]))
