"""Answers to the exercises of lesson 00, right ones and wrong ones by code."""

RIGHT = {
    "check_pixels": [
        "pixels = 32 * 32",
        "pixels = 1024.0",
        "pixels = [torch.tensor(1024, dtype=torch.bfloat16)]",
    ],
    "check_steps": [
        "steps = ['network', 'data', 'output', 'error', 'update']",
        "steps = ('network', 'data', 'output', 'error', 'update')",
        "steps = np.array(['data', 'network', 'output', 'error', 'update'])",
        "steps = ['network', 'data', 'output', 'error', 'update', 'repeat']",
    ],
}

WRONG = {
    "check_pixels": {
        "added": "pixels = 32 + 32",
        "one-row": "pixels = 32",
        "different": ["pixels = 784", "pixels = 1025", "pixels = 1024.05", "pixels = '1024'"],
        "raised": """
class pixels:
    __array__ = 1
    def __repr__(self):
        raise ValueError("cannot be shown")
pixels = pixels()
""",
    },
    "check_steps": {
        "backwards": "steps = ['update', 'error', 'output', 'data', 'network']",
        "update-too-early": "steps = ['network', 'data', 'output', 'update', 'error']",
        "error-before-output": "steps = ['network', 'data', 'error', 'output', 'update']",
        "different": [
            "steps = ['output', 'network', 'data', 'error', 'update']",
            "steps = ['network', 'data']",
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
