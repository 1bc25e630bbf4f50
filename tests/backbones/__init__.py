"""Tests of kerasseg.backbones."""
