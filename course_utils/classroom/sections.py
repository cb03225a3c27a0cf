"""Where each exercise was taught: the section of its lesson to show again.

Some mistakes have one of their own, under the exercise's name and the mistake's code.
"""

# fmt: off
TAUGHT = {
    "00": {
        "pixels": "What is a neural network?",
        "steps": "The six steps of training",
    },
    "01": {
        "stable_sigmoid": "Break it: too large for the computer",
        "nor": "One neuron is a gate, and a straight line",
        "xor": "Two layers can",
    },
    "02": {
        "slope": "The formula",
        "r_squared": "The cost is a bowl",
        "parabola_columns": "Many features at once",
    },
    "03": {
        "loss_gradient": "Many weights: the gradient in matrix form",
        "largest_rate": "Five features, ten thousand steps",
        "largest_rate one-over": "Break it: just above the limit",
        "standardise": "The remedy: standardise",
    },
    "04": {
        "sigmoid_backward": "Backward, one step at a time",
        "weight_gradients": "From NumPy to torch, one feature at a time",
        "learn_moons": "Training XOR",
        "learn_moons no-gradient": "From NumPy to torch, one feature at a time",
    },
    "05": {
        "denormalise": "From file to network, step by step",
        "class_ink": "The average of a class",
        "padded_size": "From file to network, step by step",
    },
    "06": {
        "map_shape": "How large is the output?",
        "conv2d": "Colour: one slice for each channel",
        "conv2d flipped": "Convolution and cross-correlation",
        "conv2d flipped-one-axis": "Convolution and cross-correlation",
        "conv2d stride-ignored": "How large is the output?",
        "conv2d stride-in-kernel": "How large is the output?",
        "count_parameters": "LeNet's first layer, by the numbers",
    },
    "07": {
        "avg_pool": "Windows that slide",
        "max_pool_backward": "Where the gradient goes",
        "max_pool_backward every-tie": "Ties",
        "max_pool_backward last-tie": "Ties",
        "max_pool_backward overwritten": "Break it: `=` instead of `+=`",
        "sides": "LeNet's ledger",
    },
    "08": {
        "train_step": "One step",
        "mean_accuracy": "Correct and wrong answers",
        "count_parameters": "The network",
        "in_features": "Break it, four times",
    },
    "09": {
        "my_lenet": "LeNet, in two ways",
        "shapes": "By hand first: one window, and all the sizes",
        "freeze": "Training it",
    },
    "10": {
        "record": "What every layer computes: hooks",
        "record hook-left": "Break it: a hook that keeps too little, or stays too long",
        "record detach-forgotten": "Break it: a hook that keeps too little, or stays too long",
        "normalise": "Saving the maps as images",
        "busiest": "Provoke a unit: the picture that it responds to most",
    },
    "11": {
        "confusion": "Where it is wrong",
        "precision_recall": "Accuracy, precision and recall are three things",
        "same_padding": "By hand first: keep the size, count the weights",
    },
    "12": {
        "stop_at": "By hand first: when to stop",
        "stop_at watches-test": "Break it: let the test images choose",
        "reading": "Stopping early",
        "reading picked-by-test": "Break it: let the test images choose",
        "shift": "Augmentation: new images from old",
    },
    "13": {
        "my_dropout": "Idea 2: dropout",
        "my_dropout active-in-evaluation": "Break it: dropout left on",
        "my_lrn": "Ideas 4 to 6: normalisation, overlap, groups",
        "grouped_parameters": "Ideas 4 to 6: normalisation, overlap, groups",
    },
    "14": {
        "field": "The receptive field of any layer",
        "my_block": "The remedy: add the input",
        "my_block relu-before-sum": "Break it: ReLU before the sum",
        "stack_weights": "Many small kernels",
    },
    "15": {
        "shard": "Who takes which examples?",
        "average": "The average of two gradients",
        "ring_bytes": "What it costs: bytes",
    },
    "16": {
        "new_head": "Few images, and a new head",
        "split": "Few images, and a new head",
        "reading": "How many images is the training worth?",
    },
}
