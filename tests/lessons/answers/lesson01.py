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
    return np.exp(-np.logaddexp(0, -z)).astype(np.float32)
""",
        """
def stable_sigmoid(z):
    e = np.exp(-np.abs(z))
    return (a for a in np.where(z >= 0, 1, e) / (1 + e))
""",
        """
def sigmoid_of_one(z):
    return 1 / (1 + np.exp(-z)) if z >= 0 else np.exp(z) / (1 + np.exp(z))

def stable_sigmoid(z):
    return map(sigmoid_of_one, z)
""",
        """
@np.errstate(over="ignore")
def stable_sigmoid(z):
    z = np.asarray(z, dtype=float)
    return np.exp(np.minimum(z, 0)) / (np.exp(z - np.maximum(z, 0)) + np.exp(-np.maximum(z, 0)))
""",
        """
def stable_sigmoid(z):
    z, places = np.sort(z), np.argsort(np.argsort(z))
    e = np.exp(-np.abs(z))
    return (np.where(z >= 0, 1, e) / (1 + e))[places]
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
    return [NOT(OR(neither, both))]
""",
        """
xor = lambda x_1, x_2, *gates: gates[0](gates[1](x_1, x_2), gates[2](gates[0](x_1, x_2)))
""",
        """
def xor(x_1, x_2, AND, OR, NOT):
    result = 0
    for term in (AND(x_1, NOT(x_2)), AND(x_2, NOT(x_1))):
        result = OR(result, term)
    return result
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
            """
def stable_sigmoid(z):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))
""",
            """
from numpy import errstate

def stable_sigmoid(z):
    z = np.asarray(z, dtype=float)
    with errstate(all="ignore"):
        return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))
""",
            """
@np.errstate(over="ignore")
def stable_sigmoid(z):
    return 1 / (1 + np.exp(-z))
""",
            """
def stable_sigmoid(z):
    np.seterr(over="ignore")
    return 1 / (1 + np.exp(-z))
""",
            """
def stable_sigmoid(z):
    return 1 / (1 + np.exp(-z.astype(np.longdouble)))
""",
            """
def stable_sigmoid(z):
    return 1 / (1 + torch.exp(-torch.tensor(z)))
""",
            """
import warnings

def stable_sigmoid(z):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return 1 / (1 + np.exp(-z))
""",
        ],
        "one-formula": [
            """
def stable_sigmoid(z):
    return 1 / (1 + np.exp(-np.abs(z)))
""",
            """
def stable_sigmoid(z):
    e = np.exp(-np.abs(z))
    return [e_i / (1 + e_i) for e_i in e]
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
        "none": """
def stable_sigmoid(z):
    np.exp(-np.abs(z))
""",
        "order": [
            """
def stable_sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.sort(np.where(z >= 0, 1, e) / (1 + e))
""",
            """
def stable_sigmoid(z):
    right = 1 / (1 + np.exp(-z[z >= 0]))
    left = np.exp(z[z < 0]) / (1 + np.exp(z[z < 0]))
    return np.concatenate([left, right])
""",
        ],
        "different": [
            """
def stable_sigmoid(z):
    return np.tanh(z)
""",
            """
def stable_sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.exp(np.log(np.where(z >= 0, 1, e)) - np.log1p(e))  # log(0)
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
        "and": ["nor = [1, 1, 1.5]", "nor = (torch.tensor([1.0, 1.0]), 2)"],
        "nand": ["nor = (-1, -1, -1.5)", "nor = (-1, -1, -1)", "nor = (-1, 0, -0.5)"],
        "always": ["nor = (1, -2, 1.5)", "nor = (1, 1, 3)"],
        "or": ["nor = ([1, 1], 0.5)", "nor = (3, 2, 2)"],
        "different": [
            "nor = (-1, 1, 0.5)",
            "nor = (-1, -1)",
            "nor = (-1, -1, -0.5, 0)",
            "nor = 'NOT OR'",
            "nor = lambda x_1, x_2: not (x_1 or x_2)",
        ],
    },
    "check_xor": {
        "or": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(x_1, x_2)
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(OR(x_1, x_2), AND(x_1, x_2))
""",
        ],
        "and": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(x_1, x_2)
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(AND(x_1, x_2), OR(x_1, x_2))
""",
        ],
        "nand": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return NOT(AND(x_1, x_2))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(NOT(x_1), NOT(x_2))
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
        "xnor": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(AND(x_1, x_2), NOT(OR(x_1, x_2)))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return NOT(AND(OR(x_1, x_2), NOT(AND(x_1, x_2))))
""",
        ],
        "no-gates": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return 1
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    AND(OR(x_1, x_2), NOT(AND(x_1, x_2)))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(x_1, x_2), NOT(AND(x_1, x_2))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return x_1 is not x_2
""",
        ],
        "always": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(OR(x_1, x_2), NOT(AND(x_1, x_2)))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(OR(x_1, x_2), NOT(OR(x_1, x_2)))
""",
        ],
        "different": """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(x_1, NOT(x_2))
""",
        "raised": [
            """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(OR(x_1, x_2), NOT(x_1, x_2))
""",
            """
def xor(x_1, x_2):
    return x_1 ^ x_2
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return x_1 != x_2
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return AND(OR(x_1, x_2), 1 - AND(x_1, x_2))
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return OR(x_1, x_2) if AND(x_1, x_2) == 0 else 0
""",
            """
def xor(x_1, x_2, AND, OR, NOT):
    return int(AND(OR(x_1, x_2), NOT(AND(x_1, x_2))))
""",
            """
def gate(w, theta):
    return lambda *x: np.where(np.stack(x, axis=-1) @ np.asarray(w) - theta >= 0, 1, 0)

NAND = gate([-1, -1], -1.5)

def xor(x_1, x_2, AND, OR, NOT):
    return AND(OR(x_1, x_2), NAND(x_1, x_2))
""",
            """
def XOR(x_1, x_2):
    return (x_1 + x_2) % 2

def xor(x_1, x_2, AND, OR, NOT):
    return XOR(x_1, x_2)
""",
        ],
    },
}


def _stable_sigmoid(stable_sigmoid, rng):
    z = rng.normal(0, 4, size=rng.integers(2, 9))
    return tuple(map(stable_sigmoid, (z, z.astype(int), 100 * z)))


def _nor(nor, rng):
    w_1, w_2, theta = nor
    return [w_1 * x_1 + w_2 * x_2 >= theta for x_1 in (0, 1) for x_2 in (0, 1)]


def _xor(xor, rng):
    gates = lambda a, b: int(a + b > 1.5), lambda a, b: int(a + b > 0.5), lambda a: int(a < 0.5)
    return [xor(x_1, x_2, *gates) for x_1 in (0, 1) for x_2 in (0, 1)]


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {"check_stable_sigmoid": _stable_sigmoid, "check_nor": _nor, "check_xor": _xor}
