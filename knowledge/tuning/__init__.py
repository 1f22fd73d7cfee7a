"""Trains the encoder on our field: what a person wants, and which service is meant."""
