"""The checks of the exercises: a file a lesson; what they share is in ``engine``."""
