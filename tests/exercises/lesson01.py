"""Answers to the exercises of lesson 01, right ones and wrong ones by code."""

RIGHT = {
    "check_stable_sigmoid": [
        """
def stable_sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2
""",
        """
def stable_sigmoid(z):
    a = np.zeros(z.shape)
    right = z >= 0
    a[right] = 1 / (1 + np.exp(-z[right]))
    a[~right] = np.exp(z[~right]) / (1 + np.exp(z[~right]))
    return a
""",
        """
def stable_sigmoid(z):
    a = []
    for z_i in z:
        if z_i >= 0:
            a.append(1 / (1 + np.exp(-z_i)))
        else:
            a.append(np.exp(z_i) / (1 + np.exp(z_i)))
    return tuple(a)
""",
        """
def stable_sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))
""",
        """
def stable_sigmoid(z):
    return torch.sigmoid(torch.tensor(z))
""",
        """
import math

@np.vectorize
def stable_sigmoid(z):
    e = math.exp(-abs(z))
    return 1 / (1 + e) if z >= 0 else e / (1 + e)
""",
        """
def stable_sigmoid(z):
    return np.exp(-np.logaddexp(0, -z)).astype(np.float32)[:, None]
""",
    ],
    "check_nor": [
        "nor = (-1, -1, -0.5)",
        "nor = [-3, -2.5, 0]",
        "nor = np.array([-1.0, -0.1, -0.05], dtype=np.float32)",
        "nor = torch.tensor([-10, -10, -5])",
        "nor = ([-1, -1], -0.5)",
        "nor = (torch.tensor([-2.0, -2.0]), np.array([-1]))",
    ],
    "check_xor": [
        """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(AND(x_1, NOT(x_2)), AND(NOT(x_1), x_2))
""",
        """
def xor(a, b, AND, OR, NOT):
    neither = NOT(OR(a, b))
    both = AND(a, b)
    return np.array([NOT(OR(neither, both))])
""",
        """
def xor(x_1, x_2, AND, OR, NOT):
    return torch.tensor(float(AND(OR(x_1, x_2), OR(NOT(x_1), NOT(x_2)))))
""",
        """
xor = lambda x_1, x_2, *gates: bool(gates[1](x_1, x_2) and gates[2](gates[0](x_1, x_2)))
""",
        """
def xor(x_1, x_2, AND, OR, NOT):
    def nand(a, b):
        return NOT(AND(a, b))
    middle = nand(x_1, x_2)
    return nand(nand(x_1, middle), nand(x_2, middle))
""",
    ],
}

WRONG = {
    "check_stable_sigmoid": {
        "minus-sign": [
            """
def stable_sigmoid(z):
    return 1 / (1 + np.exp(z))
""",
            """
def stable_sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, e, 1) / (1 + e)
""",
        ],
        "integer-array": [
            """
def stable_sigmoid(z):
    a = np.zeros_like(z)
    a[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    a[z < 0] = np.exp(z[z < 0]) / (1 + np.exp(z[z < 0]))
    return a
""",
            """
def stable_sigmoid(z):
    for i, z_i in enumerate(z):
        z[i] = 1 / (1 + np.exp(-z_i))
    return z
""",
        ],
        "muffled": [
            """
def stable_sigmoid(z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))
""",
            """
import warnings

def stable_sigmoid(z):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return 1 / (1 + np.exp(-z))
""",
        ],
        "overflow": [
            """
def stable_sigmoid(z):
    return 1 / (1 + np.exp(-z))
""",
            """
def stable_sigmoid(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))
""",
            """
import math

def stable_sigmoid(z):
    return [1 / (1 + math.exp(-z_i)) for z_i in z]
""",
            """
import warnings

def stable_sigmoid(z):
    return 1 / (1 + np.exp(-z))

warnings.simplefilter("ignore")
""",
        ],
        "not-a-number": [
            """
def stable_sigmoid(z):
    return np.exp(z) / (1 + np.exp(z))
""",
            """
def stable_sigmoid(z):
    z = torch.tensor(z)
    return torch.exp(z) / (1 + torch.exp(z))
""",
        ],
        "one-number": [
            """
def stable_sigmoid(z):
    if z >= 0:
        return 1 / (1 + np.exp(-z))
    return np.exp(z) / (1 + np.exp(z))
""",
            """
import math

def stable_sigmoid(z):
    e = math.exp(-abs(z))
    return [e, 1][z >= 0] / (1 + e)
""",
        ],
        "different": [
            """
def stable_sigmoid(z):
    return np.tanh(z)
""",
            """
def stable_sigmoid(z):
    np.exp(-np.abs(z))
""",
            """
def stable_sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -2, 2)))
""",
            """
def stable_sigmoid(z):
    z = np.where(np.abs(z) < 100, z, 0)
    return 1 / (1 + np.exp(-z))
""",
        ],
        "raised": """
def stable_sigmoid(z):
    return 1 / (1 + exp(-z))
""",
    },
    "check_nor": {
        "threshold-sign": ["nor = (-1, -1, 0.5)", "nor = np.array([-2, -2, 1])"],
        "and-instead": "nor = [1, 1, 1.5]",
        "nand-instead": ["nor = (-1, -1, -1.5)", "nor = (-1, -1, -1)"],
        "or-instead": "nor = ([1, 1], 0.5)",
        "different": [
            "nor = (-1, 1, 0.5)",
            "nor = (-1, -1)",
            "nor = (-1, -1, float('nan'))",
            "nor = 'NOT OR'",
        ],
        "raised": """
class Weights:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no weights")

nor = Weights()
""",
    },
    "check_xor": {
        "or-only": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(x_1, x_2)
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(OR(x_1, x_2), AND(x_1, x_2))
""",
        ],
        "same-unit-twice": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(OR(x_1, x_2), OR(x_1, x_2))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    not_both = NOT(AND(x_1, x_2))
    return AND(not_both, not_both)
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(OR(x_1, x_1), x_1)
""",
        ],
        "upside-down": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(AND(x_1, x_2), NOT(OR(x_1, x_2)))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return NOT(AND(OR(x_1, x_2), NOT(AND(x_1, x_2))))
""",
        ],
        "no-gates": """
def xor(x_1, x_2, AND, OR, NOT):
    return x_1 != x_2
""",
        "different": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return NOT(AND(x_1, x_2))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    AND(OR(x_1, x_2), NOT(AND(x_1, x_2)))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return x_1 + x_2
""",
        ],
        "raised": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(OR(x_1, x_2), NOT(x_1, x_2))
""",
            """
def xor(x_1, x_2):
    return x_1 ^ x_2
""",
        ],
    },
}
