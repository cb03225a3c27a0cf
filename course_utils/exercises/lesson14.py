"""Checks of the exercises of lesson 14, deeper networks."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises.engine import Verdict, compare_function, different, exercise, same


def _field(layers: Sequence, *, start: int = 1, ignored: bool = False, early: bool = False) -> int:
    side, jump = start, 1
    for kernel, stride in layers:
        jump *= stride if early else 1
        side += (kernel - 1) * jump
        jump *= 1 if early or ignored else stride
    return side


def _field_by_last_stride(layers: Sequence) -> int:
    side, before = 1, 1
    for kernel, stride in layers:
        side, before = side + (kernel - 1) * before, stride
    return side


def _field_by_whole_kernels(layers: Sequence) -> int:
    side, jump = 1, 1
    for kernel, stride in layers:
        side, jump = side + kernel * jump, jump * stride
    return side


@exercise(
    correct="1, then (kernel − 1) jumps more with each layer, and every stride counts later.",
    stride_ignored="The strides are not used. After a stride of 2 neighbouring units are 2 pixels "
    "apart, so each later kernel reaches twice as far: multiply the jump by the stride.",
    own_stride_included="Each layer's own stride is already in the jump that its kernel is "
    "multiplied by. The kernel steps over units of the layer before: first add to the side, then "
    "multiply the jump.",
    starts_from_zero="The side is 1 too small: without any layer a unit is a pixel, and sees 1.",
    last_stride_only="The jump is only the stride of the layer before. It is the product of the "
    "strides of all layers before: jump = jump * stride.",
    whole_kernel="A kernel of 3 adds 2 neighbours, not 3: the unit it starts from is already "
    "counted. Use (kernel − 1).",
)
def check_field(field: Callable) -> str | Verdict | None:
    """field(layers): the side of the last receptive field, from a list of (kernel, stride)."""
    cases = [
        ([(3, 1), (3, 1)],),
        ([(5, 1), (2, 2), (5, 1), (2, 2), (5, 1)],),
        ([(7, 2), (3, 2), (3, 1), (3, 1)],),
        ([(3, 2), (3, 3), (2, 2), (4, 1), (1, 2)],),
    ]
    mistaken = [
        ("stride-ignored", lambda layers: _field(layers, ignored=True)),
        ("own-stride-included", lambda layers: _field(layers, early=True)),
        ("starts-from-zero", lambda layers: _field(layers, start=0)),
        ("last-stride-only", _field_by_last_stride),
        ("whole-kernel", _field_by_whole_kernels),
        ("whole-kernel", lambda layers: _field_by_whole_kernels(layers) - 1),  # started from 0
        ("own-stride-included", lambda layers: 1 + sum((k - 1) * s for k, s in layers)),
        ("stride-ignored", lambda layers: _field(layers, start=0, ignored=True)),
        ("own-stride-included", lambda layers: _field(layers, start=0, early=True)),
    ]
    return compare_function(field, _field, cases, mistaken, rtol=0)


_MAPS = 4


def _is_mismatch(error: RuntimeError) -> bool:
    return "must match the size of tensor" in str(error)


def _plain_norms(model: nn.Module) -> None:
    """Batch (or other) normalisation that changes nothing in evaluation mode."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            if layer.affine:
                nn.init.ones_(layer.weight)
                nn.init.zeros_(layer.bias)


def _branch(model: nn.Module, x: torch.Tensor, wider: int) -> list[nn.Conv2d] | Verdict:
    """The two convolutions of 3 × 3, in the order in which they are called."""
    called = []
    hooks = [
        layer.register_forward_hook(lambda layer, *_: called.append(layer))
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)
    ]
    model(x)
    for hook in hooks:
        hook.remove()
    shapes = [(layer.in_channels, layer.out_channels) for layer in called]
    if shapes != [(x.shape[1], wider), (wider, wider)] or called[0] is called[1]:
        return different(
            f"for my_block({x.shape[1]}, {wider}, …) the branch should be two different Conv2d of "
            f"3 × 3, from {x.shape[1]} to {wider} maps and from {wider} to {wider}; "
            f"the ones it calls go {', '.join(f'from {i} to {o}' for i, o in shapes) or 'nowhere'}."
        )
    return called


def _shortcuts(
    model: nn.Module, x: torch.Tensor, wider: int, stride: int
) -> Iterator[torch.Tensor]:
    """What the shortcut may give: its 1 × 1 convolution, or x itself, thinned out and padded."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
            yield layer(x)
            if layer.stride == (1, 1):  # pooled first, then projected
                yield layer(F.avg_pool2d(x, stride))
                yield layer(F.max_pool2d(x, stride))
    more = wider - x.shape[1]
    for small in (x[:, :, ::stride, ::stride], F.avg_pool2d(x, stride), F.max_pool2d(x, stride)):
        yield F.pad(small, (0, 0, 0, 0, 0, more))
        yield F.pad(small, (0, 0, 0, 0, more // 2, more - more // 2))


@exercise(
    correct="Both ways arrive with the same shape, and ReLU comes after their sum.",
    no_projection="x and the branch cannot be added: the branch has another number of maps. "
    "Where channels_in and channels_out differ, let x pass through a 1 × 1 convolution.",
    stride_not_in_projection="The maps fit, the sides do not: the branch has a stride of 2 and the "
    "shortcut has not. Give the 1 × 1 convolution the same stride.",
    only_for_channels="With as many maps as before and stride 2 the sides do not fit: the shortcut "
    "needs its projection when the stride is not 1, too.",
    relu_before_sum="ReLU stands at the end of the branch, before the sum, so that the block can "
    "only add. Add first, and take ReLU of the sum.",
    relu_missing="The sum is returned as it is, with negative values. ReLU comes after it.",
    relu_missing_inside="There is no ReLU between the two convolutions, so that together they are "
    "no more than one linear map.",
    no_shortcut="The result is ReLU of the branch alone: the input is not added.",
)
def check_my_block(my_block: Callable) -> str | Verdict | None:
    """my_block(channels_in, channels_out, stride): an nn.Module, ReLU(shortcut + branch)."""
    if not callable(my_block) or isinstance(my_block, nn.Module):
        return different("a function or a class is expected: my_block(4, 8, 2) makes a new block.")
    torch.manual_seed(0)
    for wider, stride, mistake in [
        (_MAPS, 1, None),
        (2 * _MAPS, 1, "no-projection"),
        (_MAPS // 2, 1, "no-projection"),
        (2 * _MAPS, 2, "stride-not-in-projection"),
        (_MAPS, 2, "only-for-channels"),
    ]:
        model = my_block(_MAPS, wider, stride)
        if not isinstance(model, nn.Module):
            return different(f"my_block({_MAPS}, {wider}, {stride}) should return an nn.Module.")
        try:
            found = _look_at_block(model.cpu().float(), wider, stride)
        except RuntimeError as error:
            if mistake and _is_mismatch(error):
                return mistake
            raise
        if found:
            return found
    return None


def _look_at_block(model: nn.Module, wider: int, stride: int) -> str | Verdict | None:
    call = f"my_block({_MAPS}, {wider}, {stride})"
    x, side = torch.randn(3, _MAPS, 6, 6), 6 // stride
    _plain_norms(model)
    model.eval()
    with torch.no_grad():
        y = model(x.clone())
        if not isinstance(y, torch.Tensor):
            return different(f"the forward of {call} should return a tensor, not {y!r}.")
        if y.shape != (3, wider, side, side):
            return different(
                f"{call} turns (3, {_MAPS}, 6, 6) into {tuple(y.shape)}; "
                f"{(3, wider, side, side)} is expected."
            )
        branch = _branch(model, x.clone(), wider)
        if isinstance(branch, Verdict):
            return branch
        for layer in model.modules():  # large enough that every part can be seen
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
        y = model(x.clone())
        first, second = branch
        f, linear = second(F.relu(first(x))), second(first(x))
        verdicts = [_verdict(y, p, f, linear) for p in _shortcuts(model, x, wider, stride)]
    if None in verdicts:
        return None
    known = [verdict for verdict in verdicts if verdict != "unknown"]
    return (
        known[0]
        if known
        else different(
            f"{call} gives shapes that fit, but not ReLU(shortcut + branch) with a branch of "
            "convolution, ReLU and convolution, and a shortcut that is x or its 1 × 1 convolution."
        )
    )


def _verdict(y: torch.Tensor, p: torch.Tensor, f: torch.Tensor, linear: torch.Tensor) -> str | None:
    """Which block gives y, of a shortcut p and a branch f (linear: without its inner ReLU)."""
    if p.shape != f.shape:
        return "unknown"
    for mistake, value in [
        (None, F.relu(p + f)),
        ("relu-before-sum", p + F.relu(f)),
        ("relu-before-sum", F.relu(p + F.relu(f))),
        ("relu-missing", p + f),
        ("relu-missing-inside", F.relu(p + linear)),
        ("no-shortcut", F.relu(f)),
    ]:
        if same(y, value, rtol=1e-3, atol=1e-3):
            return mistake
    return "unknown"


@exercise(
    correct="(side − 1) / 2 layers of 9 · channels² weights.",
    channels_once="Each kernel looks at all the maps, and there is one kernel for each map after "
    "the layer: channels · channels, not channels.",
    side_over_three="The number of layers is not side / 3: fields overlap. The first layer sees 3 "
    "pixels, and each further one adds 2.",
    one_layer_too_many="The first layer alone sees 3 pixels: 3 needs one layer, 5 two, 7 three.",
    biases_counted="The biases are counted too; these layers have none.",
    one_layer="These are the weights of a single 3 × 3 layer. How many layers does the side need?",
    one_large_kernel="These are the weights of one layer with a kernel as large as the field. "
    "The stack has 3 × 3 kernels only.",
)
def check_stack_weights(stack_weights: Callable) -> str | Verdict | None:
    """stack_weights(channels, side): the weights of 3 × 3 layers that see side × side pixels."""

    def right(channels: int, side: int) -> int:
        return (side - 1) // 2 * 9 * channels**2

    mistaken = [
        ("channels-once", lambda channels, side: (side - 1) // 2 * 9 * channels),
        ("side-over-three", lambda channels, side: side // 3 * 9 * channels**2),
        ("side-over-three", lambda channels, side: side / 3 * 9 * channels**2),
        ("side-over-three", lambda channels, side: -(-side // 3) * 9 * channels**2),
        ("one-layer-too-many", lambda channels, side: (side + 1) // 2 * 9 * channels**2),
        (
            "biases-counted",
            lambda channels, side: right(channels, side) + (side - 1) // 2 * channels,
        ),
        ("one-layer", lambda channels, side: 9 * channels**2),
        ("one-large-kernel", lambda channels, side: side**2 * channels**2),
    ]
    cases = [(64, 7), (16, 5), (8, 3), (32, 15)]
    return compare_function(stack_weights, right, cases, mistaken, rtol=0)
