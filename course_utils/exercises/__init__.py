"""The checks of the exercises: a file a lesson, and the engine that they share."""
