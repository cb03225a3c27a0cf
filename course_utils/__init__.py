"""The shared module of the course *From a Neuron to a Convolutional Network*.

Read this first, in this order: ``models`` (the networks that lessons build), ``images`` (loading
images, and batches of them), ``training`` (the loop of lesson 08) and ``plots`` (figures).

Tools that a lesson imports, and the course itself, each one file here:

``images``       images as tensors, in batches
``sources``      where images come from, and that their files are whole
``models``       the networks that several lessons use
``training``     training, measuring, and the device for it
``checkpoints``  trained weights and their recipes, in files
``plots``        figures; their style is ``course.mplstyle``
``lessons``      the one list of lessons
``machine``      the report of lesson 00: ``python -m course_utils``

Rooms, each a folder:

``exercises``    the checks of exercises, a file a lesson; ``exercises/engine`` is what they share,
                 ``exercises/journal`` keeps what was answered, and ``exercises/answer_code``
                 writes a correct answer down as code
``views``        the interactive views; ``views/page`` is what runs in the browser
``shown``        what one lesson shows: photos, lesson 13's and 14's networks, lesson 15's program,
                 lesson 17's faulty trainings, lesson 18's parts
``records``      training runs too long for a lesson: how they are made, and how a lesson loads them
``internals``    what the tools need and no lesson imports
``classroom``    commands such as ``python -m course_utils handout``: for instructors, and the
                 copies of lessons for students; ``classroom/hub`` is a class on one machine, by
                 JupyterHub

Importing the package itself loads none of them.
"""
