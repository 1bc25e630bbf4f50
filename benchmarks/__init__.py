"""Programs that measure; never part of the test suite."""
