"""What a network calls: its layers and torch's functions, in the order of the calls.

The network runs once, with random inputs. Each call is written down with its shapes, also the one
that fails; a layer of torch.nn is one call, whatever it calls itself.
"""

import contextlib
import inspect
import io
import linecache
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

#: How many inputs a network is given at once, and how many seconds and calls it may take.
BATCH, SECONDS, CALLS = 4, 3.0, 1000
#: What all views call layers of these kinds, before a number: "fc 1"; others by their class.
NAMES: dict[type[nn.Module], str] = {
    nn.Conv2d: "conv",
    nn.MaxPool2d: "pool",
    nn.AvgPool2d: "pool",
    nn.BatchNorm2d: "norm",
    nn.Linear: "fc",
}
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
#: Options that say nothing when they have these values, and what only torch passes on.
_DEFAULTS = {
    "stride": None,
    "padding": 0,
    "dilation": 1,
    "ceil_mode": False,
    "groups": 1,
    "p": 0.5,
}
_HIDDEN_OPTIONS = {
    "return_indices",
    "inplace",
    "training",
    "_stacklevel",
    "dtype",
    "value",
    "mode",
}
#: What turns a tensor into a number of Python, by which forward() can decide what it does.
_DECIDES = {"__bool__", "__int__", "__float__", "__index__", "item", "tolist"}
_OPERATORS = {"add": "+", "add_": "+", "sub": "−", "mul": "·", "div": "/", "matmul": "@"}
#: The layers that functions are called like.
_AS_LAYERS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "max_pool2d": nn.MaxPool2d,
    "avg_pool2d": nn.AvgPool2d,
}


class TooLong(BaseException):
    """A network that does not come to an end. Not an Exception, which its forward() may catch."""


@dataclass
class Call:
    """One call of a layer, or of a function of torch outside all layers.

    name: "conv 1". written: as in a program, "Conv2d(1, 6, 5)". path: where the layer is,
    "features.0". sources: which calls it takes the results of, −1 for the input. given: the shapes
    of these results. made: the shape of its own, None where it failed. parameters: shapes of the
    weights that no call before it has used. work: multiply-adds for one input, None where they are
    not counted. function, arguments, options: the last function of torch that ran in it, by its
    name, and what it was given. same: the name under which this layer was called before.
    """

    name: str
    written: str
    module: nn.Module | None = None
    path: str = ""
    sources: list[int] = field(default_factory=list)
    given: list[tuple[int, ...]] = field(default_factory=list)
    made: tuple[int, ...] | None = None
    parameters: list[tuple[int, ...]] = field(default_factory=list)
    work: int | None = 0
    function: str = ""
    arguments: tuple = ()
    options: dict = field(default_factory=dict)
    same: str = ""


@dataclass
class Recording:
    """What a network of this class did with inputs of a shape (without their number).

    answer: the shape of what it returned, with the number of inputs; None where it returned
    something else. error: what ended it. line: the line of forward() where that was. unused: calls
    that were not made, of the layers that have weights. notes: sentences on what it did besides.
    """

    name: str
    shape: tuple[int, ...]
    calls: list[Call]
    answer: tuple[int, ...] | None = None
    error: BaseException | None = None
    line: str = ""
    unused: list[Call] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> Call | None:
        """The call that failed; None if none did, or the error came between two calls."""
        last = self.calls[-1] if self.calls else None
        return last if self.error and last and last.made is None else None


def record(model: nn.Module, shape: tuple[int, ...]) -> Recording:
    """Run a network on random inputs of this shape, and write down what it calls.

    model: a copy that is nobody else's, as of `networks.copied`. What it prints is not shown, and
    torch's random numbers stay as they were. Where it fails the recording holds the error.
    """
    recording = Recording(type(model).__name__, tuple(shape), [])
    inputs = torch.randn(BATCH, *shape, generator=torch.Generator().manual_seed(0))
    count = _count_inputs(model)
    if count != 1:
        recording.notes.append(
            f"{recording.name}.forward takes {count} inputs: each was given the same."
        )
    recorder = _Recorder(recording, inputs)
    try:
        with set_apart(), recorder.layer_hooks(model), limited(), recorder:
            answer = model(*[inputs] * count)
    except (Exception, TooLong) as error:  # a forward() of the reader's own can raise anything
        recording.error, recording.line = error, _line(error.__traceback__)
    else:
        recording.answer = tuple(answer.shape) if isinstance(answer, torch.Tensor) else None
        if isinstance(answer, torch.Tensor) and not answer.isfinite().all():
            recording.notes.append(f"{recording.name} gives NaN or infinite values.")
    recording.unused = recorder.unused(model)
    if recorder.decided:
        recording.notes.append(
            f"{recording.name}.forward looks at values ({', '.join(sorted(recorder.decided))}): "
            "with other inputs it may call other layers."
        )
    return recording


class _Recorder(TorchFunctionMode):
    """Sees every function of torch while it is active, and the layers that run."""

    def __init__(self, recording: Recording, inputs: torch.Tensor) -> None:
        super().__init__()
        self.calls = recording.calls
        self.decided: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._paths: dict[nn.Module, str] = {}
        self._layer: Call | None = None  # the one that runs
        # Kept, so that no other tensor gets the id of one that is gone.
        self._made: dict[int, tuple[int, torch.Tensor]] = {id(inputs): (-1, inputs)}
        self._weights: set[int] = set()

    @contextlib.contextmanager
    def layer_hooks(self, model: nn.Module) -> Iterator[None]:
        """Inside, the layers of a model are calls of their own."""
        handles = []
        for path, module in model.named_modules(remove_duplicate=True):
            if _is_layer(module) and not any(
                _is_layer(model.get_submodule(p)) for p in _above(path)
            ):
                self._paths[module] = path
                handles.append(module.register_forward_pre_hook(self._begin, with_kwargs=True))
                # Also after an error, which forward() may catch.
                handles.append(module.register_forward_hook(self._end, always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(
        self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = _function_name(function)
        if name in _DECIDES:
            self.decided.add({"__bool__": "if"}.get(name, name.strip("_")))
        taken = list(_tensors([args, kwargs]))
        known = any(id(tensor) in self._made for tensor in taken)
        if not known and self._layer is None:
            return function(*args, **kwargs)  # it prepares weights, or other constants
        call = self._layer or self._started(_operation(name), _written(name, args, kwargs), taken)
        before = call.function, call.arguments, call.options
        call.function, call.arguments, call.options = name, args, kwargs
        if self._layer is None:
            self._added(call)
        result = function(*args, **kwargs)
        if not any(True for _ in _tensors(result)):  # it asks for a size, or for values
            call.function, call.arguments, call.options = before
            if self._layer is None:
                self.calls.pop()
                self._counts[_operation(name)] -= 1
            return result
        work = _multiply_adds(name, (*args, *kwargs.values()), result)
        call.work = None if work is None or call.work is None else call.work + work
        if self._layer is None:
            self._finished(call, result)
        return result

    def _begin(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        call = self._started(kind_of(module), _layer_written(module), _tensors([args, kwargs]))
        call.module, call.path = module, self._paths[module]
        call.same = next((c.name for c in self.calls if c.module is module), "")
        call.parameters = self._new_weights(module.parameters())
        self._added(call)
        self._layer = call

    def _end(self, module: nn.Module, args: tuple, result: Any) -> None:
        if self._layer is not None:
            self._finished(self._layer, result)
        self._layer = None

    def _added(self, call: Call) -> None:
        if len(self.calls) == CALLS:
            raise TooLong(f"after {CALLS:,} calls it had not come to an end")
        self.calls.append(call)

    def _started(self, name: str, written: str, taken: Any) -> Call:
        self._counts[name] += 1
        call = Call(f"{name} {self._counts[name]}", written)
        for tensor in taken:
            if id(tensor) in self._made:
                call.sources.append(self._made[id(tensor)][0])
                call.given.append(tuple(tensor.shape))
            elif isinstance(tensor, nn.Parameter):
                call.parameters += self._new_weights([tensor])
        return call

    def _finished(self, call: Call, result: Any) -> None:
        for tensor in _tensors(result):
            call.made = call.made or tuple(tensor.shape)
            self._made[id(tensor)] = (len(self.calls) - 1, tensor)
        if call.parameters and not call.work:
            call.work = None  # its sums, as a whole LSTM's, are inside of torch

    def _new_weights(self, weights: Any) -> list[tuple[int, ...]]:
        new = [weight for weight in weights if id(weight) not in self._weights]
        self._weights |= {id(weight) for weight in new}
        return [tuple(weight.shape) for weight in new]

    def unused(self, model: nn.Module) -> list[Call]:
        """The layers with weights that were not called."""
        called = {id(call.module) for call in self.calls}
        calls = []
        for module, path in self._paths.items():
            if id(module) not in called and any(True for _ in module.parameters()):
                call = self._started(kind_of(module), _layer_written(module), [])
                call.module, call.path = module, path
                calls.append(call)
        return calls


def kind_of(layer: nn.Module) -> str:
    """What all views call a layer of this kind."""
    return NAMES.get(type(layer), type(layer).__name__)


def as_layer(call: Call) -> nn.Module | None:
    """The layer that does what a call of a function does; None if there is none."""
    first = call.given[0] if call.given else ()
    if call.function in ("view", "reshape", "flatten"):
        return nn.Flatten() if call.made == (BATCH, math.prod(first[1:])) else None
    if call.function == "dropout" and call.options.get("training") is False:
        return nn.Identity()
    kind = _AS_LAYERS.get(call.function)
    options = {name: value for name, value in call.options.items() if name not in _HIDDEN_OPTIONS}
    return None if kind is None else kind(*call.arguments[1:], **options)


def _is_layer(module: nn.Module) -> bool:
    """Whether it is a layer of torch, which is shown as one; all else is looked into."""
    return type(module).__module__.startswith("torch.nn.") and not isinstance(module, _CONTAINERS)


def _above(path: str) -> Iterator[str]:
    """The paths of the modules that one is in, the outermost first: "", "a" for "a.b"."""
    parts = path.split(".") if path else []
    return (".".join(parts[:count]) for count in range(len(parts)))


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    """The tensors among values, however deep in lists they lie."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)
    elif isinstance(values, dict):
        yield from _tensors(list(values.values()))


def _function_name(function: Any) -> str:
    name = getattr(function, "__name__", str(function))
    return function.__self__.__name__ if name == "__get__" else name  # x.T, x.shape


def _operation(name: str) -> str:
    return name.strip("_")


def _written(name: str, args: tuple, kwargs: dict) -> str:
    """A call as in a program, without the tensors that it takes: view(-1, 400)."""
    if name in _OPERATORS:
        return _OPERATORS[name]
    arguments = [repr(value) for value in args if not any(True for _ in _tensors(value))]
    for option, value in kwargs.items():
        plain = option in _DEFAULTS and value == _DEFAULTS[option]
        if not (plain or option in _HIDDEN_OPTIONS or any(True for _ in _tensors(value))):
            arguments.append(f"{option}={value}")
    return f"{name}({', '.join(arguments)})"


def _layer_written(module: nn.Module) -> str:
    """A layer as in a program: Conv2d(1, 6, 5, padding=2)."""
    kind = type(module).__name__
    if isinstance(module, nn.Linear):
        sizes = f"{module.in_features}, {module.out_features}"
    elif isinstance(module, nn.Conv2d):
        sizes = f"{module.in_channels}, {module.out_channels}, {_short(module.kernel_size)}"
    elif isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        sizes = _short(module.kernel_size)
    elif isinstance(module, nn.BatchNorm2d):
        sizes = str(module.num_features)
    elif isinstance(module, nn.ReLU | nn.Flatten):
        starts = getattr(module, "start_dim", 1)
        return f"{kind}({'' if starts == 1 else starts})"
    else:
        return f"{kind}({module.extra_repr()})"
    return f"{kind}({sizes}{''.join(_window_options(module))})"


def _window_options(module: nn.Module) -> Iterator[str]:
    """What is unusual about a window: ", stride=2"."""
    pooled = isinstance(module, nn.MaxPool2d | nn.AvgPool2d)
    usual = {"stride": module.kernel_size if pooled else 1, "padding": 0, "groups": 1}
    for option, plain in usual.items():
        value = getattr(module, option, plain)
        if _short(value) != _short(plain):
            yield f", {option}={_short(value)}"


def _short(value: Any) -> str:
    """A pair of equal numbers as one."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return repr(value)


def _multiply_adds(name: str, arguments: tuple, result: Any) -> int | None:
    """The multiply-adds of one function for one input, None where they are not counted."""
    made = next(_tensors(result)).numel() // BATCH
    tensors = [value for value in arguments if isinstance(value, torch.Tensor)]
    if name in ("conv1d", "conv2d", "conv3d"):
        return made * math.prod(tensors[1].shape[1:])
    if name == "linear":
        return made * tensors[1].shape[-1]
    if name in ("matmul", "bmm", "mm", "__matmul__"):
        return made * tensors[0].shape[-1]
    if name in ("batch_norm", "layer_norm", "group_norm", "instance_norm"):
        return made
    # Other functions with weights, such as a whole LSTM, have sums of their own inside.
    return None if any(isinstance(tensor, nn.Parameter) for tensor in tensors) else 0


def _count_inputs(model: nn.Module) -> int:
    """How many inputs a forward() asks for."""
    needed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(model.forward).parameters.values()
    return sum(p.kind in needed and p.default is inspect.Parameter.empty for p in parameters) or 1


@contextlib.contextmanager
def set_apart() -> Iterator[None]:
    """Inside, nothing is printed, no gradients are kept, and random numbers are borrowed."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
        torch.random.fork_rng(devices=[]),
    ):
        yield


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Inside, code outside of torch raises `TooLong` at its next line after `SECONDS`.

    They are those of the processor, so that other programs which keep it busy change nothing.
    """
    end, before = time.thread_time() + SECONDS, sys.gettrace()
    torchs = str(Path(torch.__file__).parent)

    def watch(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename.startswith((torchs, __file__)):
            return None
        if time.thread_time() > end:
            raise TooLong(f"after {SECONDS:g} seconds it had not come to an end")
        return watch

    sys.settrace(watch)
    try:
        yield
    finally:
        sys.settrace(before)


def _line(traceback: TracebackType | None) -> str:
    """The innermost line of the reader's own program in a traceback; "" if there is none."""
    found = ""
    while traceback is not None:
        frame = traceback.tb_frame
        if not frame.f_code.co_filename.startswith((str(Path(torch.__file__).parent), __file__)):
            line = linecache.getline(frame.f_code.co_filename, traceback.tb_lineno).strip()
            found = line or found
        traceback = traceback.tb_next
    return found
