"""The engine that all predictions go through: protocols, views, tiles, windows and devices."""
