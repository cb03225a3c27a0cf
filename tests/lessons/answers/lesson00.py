"""Answers to the exercises of lesson 00, right ones and wrong ones by code."""

RIGHT = {
    "check_pixels": [
        "pixels = 32 * 32",
        "pixels = 28 * 28 + 4 * 28 * 2 + 4 * 2 * 2",
        "pixels = 1024.0",
        "pixels = [torch.tensor(1024, dtype=torch.bfloat16)]",
        "pixels = np.pad(np.zeros((28, 28)), 2).size",
    ],
    "check_steps": [
        "steps = ['network', 'data', 'output', 'error', 'update']",
        "steps = ('network', 'data', 'output', 'error', 'update')",
        "steps = np.array(['data', 'network', 'output', 'error', 'update'])",
        "steps = ['network', 'data', 'output', 'error', 'update', 'repeat']",
        "steps = dict.fromkeys(['data', 'network', 'output', 'error', 'update']).keys()",
        "steps = reversed(['update', 'error', 'output', 'network', 'data'])",
    ],
}

WRONG = {
    "check_pixels": {
        "no-frame": ["pixels = 784", "pixels = np.zeros((28, 28)).size"],
        "frame": ["pixels = 30 * 30", "pixels = (28 + 2) ** 2"],
        "no-corners": ["pixels = 28 * 28 + 4 * 28 * 2", "pixels = 28 * 28 + 4 * 28 * 2 + 4"],
        "sides": ["pixels = 32 + 32", "pixels = 28 + 2 + 2"],
        "different": ["pixels = 1025", "pixels = 1024.05", "pixels = '1024'", "pixels = (32, 32)"],
    },
    "check_steps": {
        "words": [
            "steps = ['network', 'data']",
            "steps = ['network', 'data', 'output', 'error', 'error']",
        ],
        "backwards": [
            "steps = ['update', 'error', 'output', 'data', 'network']",
            "steps = ['network', 'data', 'output', 'error', 'update'][::-1]",
        ],
        "update-early": [
            "steps = ['network', 'data', 'output', 'update', 'error']",
            "steps = ['data', 'update', 'network', 'error', 'output']",
        ],
        "error-early": [
            "steps = ['network', 'data', 'error', 'output', 'update']",
            "steps = ('error', 'network', 'data', 'output', 'update')",
        ],
        "output-early": [
            "steps = ['output', 'network', 'data', 'error', 'update']",
            "steps = ['network', 'output', 'data', 'error', 'update']",
        ],
        "different": [
            "steps = 'network, data, output, error, update'",
            "steps = {'network', 'data', 'output', 'error', 'update'}",
            "steps = ['network', 'data', 'output', 'error', 'update'].reverse()",
        ],
        "raised": """
class Broken:
    def __str__(self):
        raise ValueError("no word")
steps = [Broken()] * 5
""",
    },
}


#: What an answer does. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_pixels": lambda pixels, rng: pixels,
    "check_steps": lambda steps, rng: [*sorted(map(str, steps[:2])), *steps[2:]],
}
