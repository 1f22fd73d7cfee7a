"""Booking by talk."""
