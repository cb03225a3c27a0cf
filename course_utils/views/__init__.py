"""Interactive views: what a learner can touch.

Steppers, replay and X-ray answer in the page itself, without a kernel; panels ask Python.
"""

from importlib import import_module

#: Where each view is defined. It is imported when it is asked for, as anywidget takes its time.
_HOMES = {
    "ActivationRace": "race",
    "Augmentation": "augmentation",
    "BackpropStepper": "backprop",
    "Confusion": "confusion",
    "ConvolutionStepper": "convolution",
    "LearningRate": "learning_rate",
    "Neuron": "neuron",
    "PoolingStepper": "pooling",
    "ReceptiveField": "receptive_field",
    "Replay": "replay",
    "ShapeLedger": "ledger",
    "XRay": "xray",
    "export_xray": "xray",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "anywidget":
            raise
        raise ImportError(
            "The views need the package anywidget, which is not installed here. In the course's "
            "folder run `.venv/bin/pip install -r requirements.txt`, then restart the kernel."
        ) from None
