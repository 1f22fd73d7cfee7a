"""Booking: carer training and talks with an advisor. Knows nothing of Rasa."""
