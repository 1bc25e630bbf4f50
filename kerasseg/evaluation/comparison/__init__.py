"""How two runs compare: counts of each image, and a paired bootstrap of their difference."""
