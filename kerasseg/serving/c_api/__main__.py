"""Answers requests on standard input: `python -I kerasseg/serving/c_api SAVED_MODEL`."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    # By the folder's own name the package comes without `kerasseg/__init__.py`, which imports
    # Keras.
    folder = Path(__file__).resolve().parent
    sys.path.append(str(folder.parent))
    sys.exit(importlib.import_module(f"{folder.name}.job").main(*sys.argv[1:]))
