"""Answers to the exercises of lesson 10, right ones and wrong ones by code."""

import torch
from torch import nn
from torch.nn.modules.module import _global_forward_hooks

RIGHT = {
    "check_record": [
        """
def record(model, layer, x):
    kept = {}

    def keep(layer, inputs, output):
        kept["output"] = output.detach().clone()

    hook = layer.register_forward_hook(keep)
    model(x)
    hook.remove()
    return kept["output"]
""",
        """
def record(model, layer, x):
    kept = []
    with torch.no_grad():
        hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.clone()))
        model(x)
        hook.remove()
    return kept
""",
        """
def record(model, layer, x):
    def keep(layer, inputs, output):
        nonlocal kept
        kept = output.tolist()

    kept = None
    hook = layer.register_forward_hook(keep)
    model(x)
    hook.remove()
    return kept
""",
        """
def record(model, layer, x):
    kept = []
    forward = layer.forward

    def listening(*args):
        output = forward(*args)
        kept.append(output.detach().numpy().copy())
        return output

    layer.forward = listening
    try:
        model(x)
    finally:
        del layer.forward
    return np.array(kept[0])
""",
        """
def record(model, layer, x):
    kept = []
    with torch.inference_mode():
        hook = layer.register_forward_hook(lambda *args: kept.append(torch.clone(args[-1])))
        model(x)
    hook.remove()
    return kept.pop()
""",
        """
def record(model, layer, x):
    kept = []

    def before(layer, inputs):
        kept.append(type(layer).forward(layer, *inputs).data)

    hook = layer.register_forward_pre_hook(before)
    model(x)
    hook.remove()
    return kept[-1].double()
""",
        """
def record(model, layer, x):
    kept = []

    def keep(module, inputs, output):
        if module is layer:
            kept.append(output.detach().clone())

    hook = nn.modules.module.register_module_forward_hook(keep)
    model(x)
    hook.remove()
    return kept[0]
""",
        """
def record(model, layer, x):
    training = model.training
    model.eval()
    kept = []
    with layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone())):
        model(x)
    model.train(training)
    return (one for one in kept)
""",
    ],
    "check_normalise": [
        """
def normalise(maps):
    maps = np.asarray(maps, dtype=np.float64)
    low, high = maps.min(), maps.max()
    if low == high:
        return np.zeros(maps.shape)
    return (maps - low) / (high - low)
""",
        """
def normalise(maps):
    maps = maps - maps.min()
    return maps / (maps.max() + 1e-12)
""",
        """
def normalise(maps):
    values = [v for m in maps.tolist() for row in m for v in row]
    low, high = min(values), max(values)
    width = (high - low) or 1
    return [[[(v - low) / width for v in row] for row in m] for m in maps.tolist()]
""",
        """
def normalise(maps):
    maps -= maps.min()
    if maps.max() > 0:
        maps /= maps.max()
    return maps
""",
        """
def normalise(maps):
    return torch.nan_to_num((maps - maps.min()) / (maps.max() - maps.min()))
""",
        """
def normalise(maps):
    low, high = torch.aminmax(maps)
    return tuple((m - low) / (high - low).clamp(min=1e-9) for m in maps)
""",
    ],
    "check_busiest": [
        """
def busiest(maps):
    return np.unravel_index(maps.argmax().item(), maps.shape)
""",
        """
def busiest(maps):
    return torch.unravel_index(maps.argmax(), maps.shape)
""",
        """
def busiest(maps):
    return (maps == maps.max()).nonzero()
""",
        """
def busiest(maps):
    best = None
    for c, one in enumerate(maps.tolist()):
        for r, row in enumerate(one):
            for k, value in enumerate(row):
                if best is None or value > best[0]:
                    best = value, [c, r, k]
    return best[1]
""",
        """
def busiest(maps):
    channel = maps.amax(dim=(1, 2)).argmax()
    row = maps[channel].amax(dim=1).argmax()
    return torch.stack([channel, row, maps[channel, row].argmax()]).float()
""",
        """
def busiest(maps):
    return np.argwhere(maps.numpy() == maps.numpy().max())[0].astype(np.uint8)
""",
    ],
}

WRONG = {
    "check_record": {
        "detach-forgotten": [
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda layer, inputs, output: kept.append(output.clone()))
    model(x)
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = {}
    hook = layer.register_forward_hook(lambda layer, i, output: kept.update(out=output.clone()))
    model(x)
    hook.remove()
    return kept.values()
""",
        ],
        "wrong-layer": [
            """
def record(model, layer, x):
    hook = layer.register_forward_hook(lambda layer, inputs, output: output.detach().clone())
    y = model(x)
    hook.remove()
    return y.detach()
""",
            """
def record(model, layer, x):
    kept = []
    hook = model.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone()))
    model(x)
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = []
    hook = model.features[4].register_forward_hook(lambda l, i, o: kept.append(o.detach().clone()))
    model(x)
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    return model.features[0](x).detach()
""",
        ],
        "input-recorded": [
            """
def record(model, layer, x):
    for module in model.modules():
        if not [*module.children()]:
            x = module(x.flatten(1) if isinstance(module, nn.Linear) else x)
        if module is layer:
            return x.detach().clone()
""",
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(i[0].detach().clone()))
    model(x)
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_pre_hook(lambda layer, inputs: kept.append(inputs))
    model(x)
    hook.remove()
    return kept[0]
""",
        ],
        "hook-left": [
            """
def record(model, layer, x):
    kept = []
    layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone()))
    model(x)
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = []

    def keep(module, inputs, output):
        if module is layer:
            kept.append(output.detach().clone())

    nn.modules.module.register_module_forward_hook(keep)
    model(x)
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = {}
    for module in model.modules():
        hook = module.register_forward_hook(lambda l, i, o: kept.update({l: o.detach().clone()}))
    model(x)
    hook.remove()
    return kept[layer]
""",
            """
def record(model, layer, x):
    kept = []
    with layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone())):
        model(x)
    layer.register_full_backward_hook(lambda *args: None)
    return kept[0]
""",
        ],
        "model-changed": [
            """
def record(model, layer, x):
    model.requires_grad_(False)
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.clone()))
    model(x)
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    kept, forward = [], layer.forward

    def listening(*args):
        output = forward(*args)
        kept.append(output.detach().clone())
        return output

    layer.forward = listening
    model(x)
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone()))
    model.eval()
    model(x)
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone()))
    model(x).sum().backward()
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    hook = layer.register_forward_hook(lambda l, i, o: setattr(l, "kept", o.detach().clone()))
    model(x)
    hook.remove()
    return layer.kept
""",
        ],
        "overwritten": [
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.detach()))
    model(x)
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().numpy()))
    model(x)
    hook.remove()
    return kept[0]
""",
            """
def record(model, layer, x):
    kept = []
    with torch.no_grad():
        hook = layer.register_forward_hook(lambda l, i, o: kept.append(o))
        model(x)
        hook.remove()
    return kept[0].clone()
""",
        ],
        "different": [
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone()))
    hook.remove()
    model(x)
    return kept
""",
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone()))
    model(x)
    hook.remove()
""",
            """
def record(model, layer, x):
    return layer.weight if hasattr(layer, "weight") else None
""",
            """
def record(model, layer, x):
    kept = []
    hook = layer.register_forward_hook(lambda l, i, o: kept.append(o.detach().clone()))
    model(x)
    model(x)
    hook.remove()
    return kept
""",
        ],
        "raised": """
def record(model, layer, x):
    return layer(x).detach().clone()
""",
    },
    "check_normalise": {
        "divides-by-zero": [
            """
def normalise(maps):
    return (maps - maps.min()) / (maps.max() - maps.min())
""",
            """
def normalise(maps):
    maps = maps.numpy()
    return (maps - maps.min()) / (maps.max() - maps.min())
""",
        ],
        "per-map": [
            """
def normalise(maps):
    low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return (maps - low) / (high - low)
""",
            """
def normalise(maps):
    return torch.stack([(m - m.min()) / (m.max() - m.min() + 1e-8) for m in maps])
""",
        ],
        "per-place": [
            """
def normalise(maps):
    low, high = maps.min(dim=0).values, maps.max(dim=0).values
    return (maps - low) / (high - low)
""",
            """
def normalise(maps):
    low, high = maps.amin(2, keepdim=True), maps.amax(2, keepdim=True)
    return (maps - low) / (high - low + 1e-9)
""",
        ],
        "clipped": [
            """
def normalise(maps):
    return maps.clamp(0, 1)
""",
            """
def normalise(maps):
    return np.clip(maps.numpy(), 0, 1)
""",
        ],
        "not-shifted": [
            """
def normalise(maps):
    return maps / maps.max()
""",
            """
def normalise(maps):
    return maps / (maps.max() - maps.min())
""",
            """
def normalise(maps):
    return maps / maps.abs().max()
""",
        ],
        "other-divisor": [
            """
def normalise(maps):
    return (maps - maps.min()) / maps.max()
""",
            """
def normalise(maps):
    largest = maps.max().item()
    shifted = maps.numpy() - maps.min().item()
    return shifted / largest if largest else shifted
""",
        ],
        "factor": """
def normalise(maps):
    return 255 * (maps - maps.min()) / (maps.max() - maps.min()).clamp(min=1e-9)
""",
        "different": [
            """
def normalise(maps):
    return maps.sigmoid()
""",
        ],
        "only-where": """
def normalise(maps):
    low, high = maps.min(), maps.max()
    return (maps - low) / (high - low) if high > low else torch.ones_like(maps)
""",
        "raised": [
            """
def normalise(maps):
    return maps / maps.maximum()
""",
            """
def normalise(maps):
    low, high = maps.min().item(), maps.max().item()
    scale = 1 / (high - low)
    return (maps - low) * scale
""",
        ],
    },
    "check_busiest": {
        "flat-index": [
            """
def busiest(maps):
    return maps.argmax()
""",
            """
def busiest(maps):
    C, H, W = maps.shape
    return divmod(maps.argmax().item(), H * W)
""",
        ],
        "order": [
            """
def busiest(maps):
    channel, row, column = np.unravel_index(maps.argmax().item(), maps.shape)
    return row, column, channel
""",
            """
def busiest(maps):
    channel, row, column = np.unravel_index(maps.argmax().item(), maps.shape)
    return channel, column, row
""",
        ],
        "other-lengths": [
            """
def busiest(maps):
    C, H, W = maps.shape
    return np.unravel_index(maps.argmax().item(), (H, W, C))
""",
            """
def busiest(maps):
    C, H, W = maps.shape
    channel, place = divmod(maps.argmax().item(), H * W)
    return channel, place // H, place % H
""",
            """
def busiest(maps):
    C, H, W = maps.shape
    return np.unravel_index(maps.argmax().item(), (C, W, H))
""",
        ],
        "by-sum": [
            """
def busiest(maps):
    means = maps.mean(dim=2)
    channel, row = divmod(means.argmax().item(), means.shape[1])
    return channel, row, maps[channel, row].argmax()
""",
            """
def busiest(maps):
    column = maps.sum(dim=(0, 1)).argmax().item()
    channel, row = np.unravel_index(maps[:, :, column].argmax().item(), maps.shape[:2])
    return channel, row, column
""",
            """
def busiest(maps):
    channel = maps.sum(dim=(1, 2)).argmax().item()
    row, column = np.unravel_index(maps[channel].argmax().item(), maps[channel].shape)
    return channel, row, column
""",
            """
def busiest(maps):
    sums = maps.sum(dim=0)
    row, column = np.unravel_index(sums.argmax().item(), sums.shape)
    return maps[:, row, column].argmax(), row, column
""",
        ],
        "shape": """
def busiest(maps):
    return maps.max()
""",
        "offset": """
def busiest(maps):
    return [int(i) + 1 for i in np.unravel_index(maps.argmax().item(), maps.shape)]
""",
        "always-the-same": """
def busiest(maps):
    return 0, 0, 0
""",
        "different": [
            """
def busiest(maps):
    return np.unravel_index(maps.abs().argmax().item(), maps.shape)
""",
            """
def busiest(maps):
    return np.unravel_index((maps**2).argmax().item(), maps.shape)
""",
            """
def busiest(maps):
    return np.unravel_index(maps.argmin().item(), maps.shape)
""",
            """
def busiest(maps):
    best, place = 0, (0, 0, 0)
    for index in np.ndindex(*maps.shape):
        if maps[index] > best:
            best, place = maps[index], index
    return place
""",
        ],
        "parts-wrong": """
def busiest(maps):
    return maps.amax((1, 2)).argmax(), maps.amax((0, 2)).argmax(), maps.sum((0, 1)).argmax()
""",
        "raised": """
def busiest(maps):
    channel, row, column = maps.argmax()
    return channel, row, column
""",
    },
}


def _record(record, rng):
    """The values, whether they hang on a graph, and whether a hook is left."""
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 3)]
    model = nn.Sequential(*layers, nn.ReLU(inplace=True))
    layer = model[int(rng.integers(5))]
    found = record(model, layer, torch.randn(2, 1, 6, 6))
    hooks = len(layer._forward_hooks) + len(_global_forward_hooks)
    return found, float(found.requires_grad), hooks


def _maps(rng):
    shape = [int(side) for side in rng.integers(1, 6, size=3)]
    maps = torch.randn(shape) * rng.uniform(0.1, 10) + rng.normal(0, 5)
    return maps if rng.random() < 0.8 else torch.full(shape, rng.normal())


def _busiest(busiest, rng):
    return busiest(torch.randperm(60).reshape(3, 4, 5) * 0.7 - rng.uniform(-5, 50))


#: Checks of a result that has one form only: values without a graph.
RESULT_AS_IT_IS = ["check_record"]
#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_record": _record,
    "check_normalise": lambda normalise, rng: normalise(_maps(rng)),
    "check_busiest": _busiest,
}
