"""Measures the intent model on sets that training never sees, and checks the data (`python -m nlu.quality`)."""
