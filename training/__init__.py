"""Programs that train and evaluate; run from a checkout, not installed."""
