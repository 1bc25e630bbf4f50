"""Programs that train and evaluate; run from a checkout, not installed."""

import os

# Before TensorFlow is imported, which reads it then.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
