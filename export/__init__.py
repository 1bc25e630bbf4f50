"""Programs that deploy what was trained: `python -m export.<program>` from a checkout."""

import os

# Before TensorFlow is imported, which reads it then.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
