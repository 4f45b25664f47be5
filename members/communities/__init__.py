"""Groups we run: who joined and left, what is said, how long a group will live."""
