"""Prediction of folders, videos and buckets: what is read, what is written, and by whom."""
