"""The shared module of the course *From a Neuron to a Convolutional Network*.

Lessons import from its parts: ``images``, ``models``, ``training``, ``plots``,
``exercises`` and ``machine``. Importing the package itself loads none of them.
"""
