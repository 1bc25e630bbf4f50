"""The published data sets, one reader a file."""
