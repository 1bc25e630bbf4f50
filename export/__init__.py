"""Programs that deploy what was trained: `python -m export.<program>` from a checkout."""
