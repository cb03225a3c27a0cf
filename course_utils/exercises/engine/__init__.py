"""What the checks of all lessons share.

``checks``    ways to make a check, and the verdict that it gives
``reading``   what an answer gives back, as numbers and as code, and how it differs from the right
``patterns``  what can be seen in wrong numbers of any exercise
``codes``     the names of these patterns, and what is said of each to a class
``pooling``   windows that slide over maps: lessons 07 and 18 have exercises about them
``guard``     answers run in it: nothing they do outlasts the check, and an error names their line
"""
