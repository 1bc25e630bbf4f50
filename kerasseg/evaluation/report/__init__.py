"""The report of a training, and the parts that an evaluation's report shares with it."""
