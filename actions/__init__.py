"""What the advisor does: plain rasa_sdk actions over ``knowledge``."""
