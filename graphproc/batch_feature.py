"""`BatchFeature`: the named arrays a processor returns, with transformers' access, conversion and device rules.

Only numpy is imported here; torch, TensorFlow, JAX and MLX are loaded when a caller asks for their tensors, and their
tensors are recognised through `sys.modules` (a tensor cannot exist before its framework was imported).
"""

from __future__ import annotations

import importlib
import sys
from collections import UserDict
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphproc.errors import ConfigError, RuntimeUnavailableError, ShapeError


class TensorType(str, Enum):
    """The values of `return_tensors`."""

    NUMPY = "np"
    PYTORCH = "pt"
    TENSORFLOW = "tf"
    JAX = "jax"
    MLX = "mlx"


# Tensor type -> module that defines it, the name of its tensor class there, the package that pip installs.
_FRAMEWORKS = {
    TensorType.PYTORCH: ("torch", "Tensor", "torch"),
    TensorType.TENSORFLOW: ("tensorflow", "Tensor", "tensorflow"),
    TensorType.JAX: ("jax", "Array", "jax"),
    TensorType.MLX: ("mlx.core", "array", "'mlx[cpu]'"),  # the extra is what runs on Linux, and nothing on macOS
}


class BatchFeature(UserDict[str, Any]):
    """A dictionary of a processor's outputs, readable by key or attribute, convertible to tensors.

    Behaves like `transformers.BatchFeature` 5.23 (also not a `dict` instance), and in addition keeps working after
    pickling, converts all entries or none, and returns real MLX, JAX and TensorFlow arrays.

    Args:
        data: Output name to value; any mapping. Copied one level deep.
        tensor_type: `"np"`, `"pt"`, `"tf"`, `"jax"`, `"mlx"` or a `TensorType`; None converts nothing.
        skip_tensor_conversion: Keys that conversion leaves alone, now and in later `convert_to_tensors` calls.

    Raises:
        ConfigError: The tensor type is not one of the five.
        RuntimeUnavailableError: The framework of the tensor type is not installed.
        ShapeError: A value cannot become one tensor.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        tensor_type: str | TensorType | None = None,
        skip_tensor_conversion: Collection[str] | None = None,
    ) -> None:
        """Copy the entries and convert them; see the class for the arguments."""
        super().__init__()
        self.data.update({} if data is None else data)  # in one go
        self.skip_tensor_conversion = skip_tensor_conversion
        self.convert_to_tensors(tensor_type)

    def __getitem__(self, key: str) -> Any:
        """Return the value under a name; an integer or a slice is a KeyError, as a batch is not a sequence."""
        if not isinstance(key, str):
            raise KeyError(f"BatchFeature is indexed by output name, got {key!r}. Write features[name][...].")
        return self.data[key]

    def __getattr__(self, name: str) -> Any:
        """Return the value under a name; reached only for names that are not attributes."""
        # While an instance is being copied or unpickled it has no `data` yet: looking it up here would never end.
        data = self.__dict__.get("data", {})
        if name in data:
            return data[name]
        raise AttributeError(f"BatchFeature has no output or attribute {name!r}; its outputs are {list(data)}")

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickling keeps: the entries and the keys to skip, not attributes a caller has set."""
        return {"data": self.data, "skip_tensor_conversion": self.skip_tensor_conversion}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore an instance from `__getstate__`."""
        self.data = state["data"]
        self.skip_tensor_conversion = state.get("skip_tensor_conversion")

    def convert_to_tensors(
        self,
        tensor_type: str | TensorType | None = None,
        skip_tensor_conversion: Collection[str] | None = None,
    ) -> BatchFeature:
        """Turn every array-like value into a tensor, in place: all of them, or none if one fails.

        Array-like are arrays and tensors of any of the five frameworks, Python and numpy numbers, and lists or tuples
        with an array-like first element (or none). Everything else (str, None, dict, lists of str) is left
        as it is. Dtypes stay, except where the framework has no such type by default (JAX and MLX narrow 64-bit
        types); Python numbers get the framework's own default (`np`: float64 and int64, `pt`: float32 and int64).

        Lists are stacked along a new first axis. Under `np` a list with entries of different lengths becomes a
        one-dimensional object array of arrays; everywhere else entries of different shapes are an error.
        `pt` shares memory with numpy arrays, and `np` with torch tensors in CPU memory.

        Args:
            tensor_type: As in the constructor; None changes nothing.
            skip_tensor_conversion: Keys to leave alone; None means the constructor's.

        Returns:
            This object.

        Raises:
            ConfigError: The tensor type is not one of the five.
            RuntimeUnavailableError: The framework is not installed.
            ShapeError: A value cannot become one tensor; nothing was converted.
        """
        if tensor_type is None:
            return self
        kind = _parse_tensor_type(tensor_type)
        convert = _converter(kind)
        skip = self.skip_tensor_conversion if skip_tensor_conversion is None else skip_tensor_conversion
        skipped = {skip} if isinstance(skip, str) else set(skip or ())

        converted: dict[str, Any] = {}
        for key, value in self.data.items():
            if key in skipped or tensor_type_of(value) is kind or not _is_array_like(value):
                continue
            try:
                converted[key] = convert(value)
            except Exception as error:  # frameworks raise many types for the same fault
                raise ShapeError(_conversion_message(key, value, kind, error)) from error
        self.data.update(converted)
        return self

    def to(self, *args: Any, **kwargs: Any) -> BatchFeature:
        """Move torch tensors to a device and cast the floating ones, in place.

        Takes what `torch.Tensor.to` takes: a device (str, int, `torch.device`), a `torch.dtype`, a device then a dtype,
        or both as keywords, and `non_blocking`. Integer and boolean tensors are moved but never cast. Lists and tuples
        are searched for tensors; other values, numpy arrays included, stay.

        Args:
            *args: Device, or dtype, or device and dtype.
            **kwargs: `device`, `dtype`, `non_blocking` and whatever else `torch.Tensor.to` takes.

        Returns:
            This object.

        Raises:
            RuntimeUnavailableError: torch is not installed.
            ConfigError: The first argument is neither a device nor a dtype.
            RuntimeError: torch does not know the device; a dtype given as str is read as a device.
        """
        torch = _import_framework(TensorType.PYTORCH)
        device = kwargs.get("device")
        if device is None and args and not isinstance(args[0], torch.dtype):
            device = args[0]
            if not isinstance(device, (str, int, torch.device)):
                raise ConfigError(
                    f"BatchFeature.to: expected a device (str, int, torch.device) or a torch.dtype, got {device!r}. "
                    'Write .to("cuda"), .to(torch.float16) or .to("cuda", torch.float16).'
                )
        non_blocking = kwargs.get("non_blocking", False)

        def moved(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                if torch.is_floating_point(value):
                    return value.to(*args, **kwargs)
                return value if device is None else value.to(device=device, non_blocking=non_blocking)
            if isinstance(value, (list, tuple)):
                items = [moved(item) for item in value]
                return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
            return value

        self.data = {key: moved(value) for key, value in self.data.items()}
        return self


def tensor_type_of(value: object) -> TensorType | None:
    """Return the framework that `value` is an array or tensor of, or None; imports nothing.

    Args:
        value: Anything.

    Returns:
        The tensor type, None for values that are no array (numbers and lists included).
    """
    if isinstance(value, np.ndarray):
        return TensorType.NUMPY
    for kind, (module_name, class_name, _) in _FRAMEWORKS.items():
        tensor_class = getattr(sys.modules.get(module_name), class_name, None)
        if isinstance(tensor_class, type) and isinstance(value, tensor_class):
            return kind
    return None


def tensor_to_numpy(value: Any) -> NDArray[Any]:
    """Return a numpy array of a tensor of any framework, sharing memory where the framework allows it.

    Args:
        value: An array or tensor for which `tensor_type_of` is not None.

    Returns:
        numpy array of the same shape and dtype; torch tensors are detached and copied to CPU memory if needed.

    Raises:
        TypeError: numpy has no such dtype (bfloat16).
    """
    if tensor_type_of(value) is TensorType.PYTORCH:
        return np.asarray(value.numpy(force=True))
    return np.asarray(value)


def _parse_tensor_type(tensor_type: str | TensorType) -> TensorType:
    try:
        return TensorType(tensor_type)  # members of transformers' enum are strings too, so they are found
    except ValueError:
        known = ", ".join(repr(member.value) for member in TensorType)
        raise ConfigError(f"return_tensors: expected None or one of {known}, got {tensor_type!r}.") from None


def _import_framework(kind: TensorType) -> Any:
    module_name, _, package = _FRAMEWORKS[kind]
    try:
        return importlib.import_module(module_name)
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"{kind.value} tensors: expected the package {package} to be installed, got: {error}. Run: pip install {package}"
        ) from error


def _converter(kind: TensorType) -> Callable[[Any], Any]:
    """Import the framework and return the function that turns an array-like value into its tensor."""
    if kind is TensorType.NUMPY:
        return _numpy_from
    framework = _import_framework(kind)
    if kind is TensorType.PYTORCH:
        return lambda value: _torch_from(framework, value)
    if kind is TensorType.TENSORFLOW:
        return lambda value: framework.convert_to_tensor(_stacked(value))
    convert = _jax_from if kind is TensorType.JAX else _mlx_from
    return lambda value: convert(framework, _stacked(value))


def _jax_from(jax: Any, value: Any) -> Any:
    made = jax.numpy.asarray(value)
    # Without jax_enable_x64, JAX keeps the low 32 bits of whole numbers without a word.
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and not np.array_equal(np.asarray(made), value):
        raise ValueError("whole numbers beyond 32 bits need jax.config.update('jax_enable_x64', True)")
    return made


def _mlx_from(mlx: Any, value: Any) -> Any:
    # MLX takes no negative strides.
    return mlx.array(np.asarray(value, order="C") if isinstance(value, np.ndarray) else value)


def _numpy_from(value: Any) -> NDArray[Any]:
    if isinstance(value, (list, tuple)):
        if not value:
            raise ValueError("the list is empty, so it has no dtype")
        if isinstance(value[0], (list, tuple, np.ndarray)) and len({len(entry) for entry in value}) > 1:
            ragged = np.empty(len(value), dtype=object)
            for index, entry in enumerate(value):
                ragged[index] = np.asarray(_stacked(entry))
            return ragged
    return np.asarray(_stacked(value))


def _torch_from(torch: Any, value: Any) -> Any:
    if tensor_type_of(_first_leaf(value)) is TensorType.PYTORCH:
        return _torch_stacked(torch, value)
    value = _stacked(value)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    # torch.tensor([[], [1]]) drops the 1 without a word.
    empty = isinstance(_first_leaf(value), (list, tuple))  # numpy compares no number with a list
    if isinstance(value, (list, tuple)) and len(value) > 1 and empty and any(value):
        raise ValueError("only some of the entries are empty")
    return torch.tensor(value)


def _torch_stacked(torch: Any, value: Any) -> Any:
    # torch.tensor takes no list of tensors, and going through numpy would lose device and bfloat16.
    if isinstance(value, (list, tuple)):
        return torch.stack([_torch_stacked(torch, item) for item in value])
    return value


def _stacked(value: Any) -> Any:
    """Return one numpy array for an array or nested lists of arrays; numbers and lists of numbers as they are."""
    if tensor_type_of(_first_leaf(value)) is None:
        return value
    return np.asarray(_leaves_to_numpy(value))


def _leaves_to_numpy(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_leaves_to_numpy(item) for item in value]
    return value if tensor_type_of(value) is None else tensor_to_numpy(value)


def _first_leaf(value: Any) -> Any:
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value


def _is_array_like(value: Any) -> bool:
    leaf = _first_leaf(value)
    if isinstance(leaf, (list, tuple)):  # only an empty one can be left
        return True
    return isinstance(leaf, (int, float, np.number)) or tensor_type_of(leaf) is not None


def _conversion_message(key: str, value: Any, kind: TensorType, error: Exception) -> str:
    found = f"{type(value).__name__}"
    if isinstance(value, (list, tuple)):
        shapes = list(dict.fromkeys(_shape_text(entry) for entry in value))
        if len(shapes) > 1:
            shown = ", ".join(shapes[:4]) + (", ..." if len(shapes) > 4 else "")
            if key == "overflowing_values":
                return f"{key}: expected overflowing values of one length, got {shown}. Pass return_tensors=None."
            return (
                f"{key}: expected entries of one shape to build a single {kind.value} tensor, got a {found} of "
                f"{len(value)} entries of shapes {shown}. Make the sizes equal (do_pad=True, or a fixed size), or pass "
                "return_tensors=None to keep the list."
            )
    reason = " ".join(str(error).split())
    return (
        f"{key}: expected a value that can become one {kind.value} tensor, got a {found} ({reason}). "
        "Pass return_tensors=None to keep it, or name the key in skip_tensor_conversion."
    )


def _shape_text(entry: Any) -> str:
    if tensor_type_of(entry) is not None:
        return str(list(entry.shape))
    if isinstance(entry, (list, tuple)):
        inner = list(dict.fromkeys(_shape_text(item) for item in entry))
        if len(inner) > 1:
            return f"[{len(entry)}, varying]"
        return str([len(entry)]) if not inner or inner == ["[]"] else f"[{len(entry)}, {inner[0][1:]}"
    return "[]"
