"""What the advisor knows: the service list, search over it, and plain answers.

Kept free of imports: ``nlu`` (Python 3.10, no torch) imports ``knowledge.normalise``.
"""
