"""`BatchFeature` against `transformers.BatchFeature`, and where it is meant to do better."""

from __future__ import annotations

import copy
import importlib.util
import os
import pickle
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphproc import batch_feature
from graphproc.batch_feature import BatchFeature, TensorType
from graphproc.errors import ConfigError, RuntimeUnavailableError, ShapeError


def reference_class() -> Any:
    return pytest.importorskip("transformers.image_processing_base").BatchFeature


# --- access


def test_item_and_attribute_access() -> None:
    features = BatchFeature({"pixel_values": [1, 2], "labels": "x"})
    assert features["pixel_values"] == [1, 2]
    assert features.labels == "x"
    with pytest.raises(KeyError, match="missing"):
        features["missing"]
    with pytest.raises(AttributeError, match="missing"):
        _ = features.missing
    assert not hasattr(features, "missing")


@pytest.mark.parametrize("key", [0, slice(0, 2), None, 1.5])
def test_only_names_index(key: Any) -> None:
    with pytest.raises(KeyError, match="by output name"):
        BatchFeature({"a": [1, 2]})[key]


def test_behaves_as_a_mapping() -> None:
    features = BatchFeature({"a": 1, "b": 2})
    assert not isinstance(features, dict)
    assert list(features.keys()) == ["a", "b"] == list(features)
    assert list(features.values()) == [1, 2]
    assert list(features.items()) == [("a", 1), ("b", 2)]
    assert len(features) == 2
    assert "a" in features
    assert "c" not in features
    assert features == {"a": 1, "b": 2}
    assert features != {"a": 1}
    assert dict(features) == {"a": 1, "b": 2} == dict(**features)
    assert features.get("c") is None
    assert len(BatchFeature()) == 0


def test_assignment_to_item_and_attribute() -> None:
    features = BatchFeature({"a": 1}, tensor_type="np")
    features["b"] = [1, 2]
    features.note = "kept outside"  # type: ignore[attr-defined]
    assert features["b"] == [1, 2]
    assert features.note == "kept outside"
    assert "note" not in features
    del features["b"]
    assert list(features) == ["a"]


def test_data_is_copied_from_the_caller() -> None:
    data = {"a": 1}
    features = BatchFeature(data)
    features["b"] = 2
    assert data == {"a": 1}


def test_copies_and_unions_stay_batch_features() -> None:
    features = BatchFeature({"a": [1]}, skip_tensor_conversion=["a"])
    for duplicate in (features.copy(), copy.copy(features), copy.deepcopy(features)):
        assert type(duplicate) is BatchFeature
        assert duplicate == features
        duplicate["b"] = 2
        assert isinstance(duplicate.convert_to_tensors("np")["a"], list)
    assert "b" not in features
    for union in (features | {"b": 2}, features | BatchFeature({"b": 2}), {"a": [1]} | BatchFeature({"b": 2})):
        assert type(union) is BatchFeature
        assert union == {"a": [1], "b": 2}


def test_pickle_restores_a_working_object() -> None:
    features = BatchFeature({"a": [1, 2], "b": [3]}, skip_tensor_conversion={"b"})
    features.note = "dropped, as in the reference"  # type: ignore[attr-defined]
    restored = pickle.loads(pickle.dumps(features))
    assert type(restored) is BatchFeature
    assert restored == features
    assert not hasattr(restored, "note")
    restored.convert_to_tensors("np")
    assert isinstance(restored["a"], np.ndarray)
    assert isinstance(restored["b"], list)


def test_a_name_equal_to_an_internal_attribute_is_no_trap() -> None:
    features = pickle.loads(pickle.dumps(BatchFeature({"data": 1, "keys": 2})))
    assert features["data"] == 1
    assert features["keys"] == 2
    assert not hasattr(BatchFeature.__new__(BatchFeature), "anything")


# --- conversion


FACTORIES: dict[str, Callable[[], Any]] = {
    "int": lambda: 3,
    "bool": lambda: True,
    "float": lambda: 2.5,
    "numpy scalar": lambda: np.float32(2),
    "numpy bool": lambda: np.bool_(True),
    "complex": lambda: 1j,
    "ints": lambda: [1, 2],
    "floats": lambda: [1.0, 2.5],
    "bools": lambda: [True, False],
    "tuple": lambda: (1, 2),
    "nested": lambda: [[1, 2], [3, 4]],
    "empty": list,
    "empty tuple": tuple,
    "empty inside": lambda: [[]],
    "string": lambda: "text",
    "strings": lambda: ["a", "b"],
    "none": lambda: None,
    "nones": lambda: [None, None],
    "dict": lambda: {"a": [1]},
    "dicts": lambda: [{"a": [1]}],
    "mixed": lambda: [1, "x"],
    "uint8 array": lambda: np.arange(6, dtype=np.uint8).reshape(2, 3),
    "float64 array": lambda: np.ones((2, 3)),
    "string array": lambda: np.array(["a"]),
    "negative strides": lambda: np.arange(6)[::-1],
    "list of arrays": lambda: [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
    "one array": lambda: [np.ones((2, 3), np.float16)],
    "nested arrays": lambda: [[np.ones(2, np.int32)], [np.zeros(2, np.int32)]],
    "ragged lists": lambda: [[1, 2], [3]],
    "ragged arrays, first axis": lambda: [np.ones((2, 3)), np.ones((4, 3))],
    "ragged arrays, later axis": lambda: [np.ones((3, 2, 2)), np.ones((3, 4, 2))],
    "ragged ranks": lambda: [np.ones((2, 3)), np.ones(4)],
    "list then number": lambda: [[1, 2], 3],
}
TORCH_FACTORIES: dict[str, Callable[[Any], Any]] = {
    "tensor": lambda torch: torch.ones(2, 3),
    "bfloat16 tensor": lambda torch: torch.ones(2, dtype=torch.bfloat16),
    "tensors": lambda torch: [torch.ones(2, 3), torch.zeros(2, 3)],
    "one tensor": lambda torch: (torch.ones(2, dtype=torch.int32),),
    "ragged tensors": lambda torch: [torch.ones(2), torch.ones(3)],
    "tensor and number": lambda torch: [torch.ones(()), 2],
}


def outcome(features_class: Any, value: Any, kind: str) -> tuple[Any, ...]:
    """Return what conversion made of the value, in a form that compares by ==."""
    try:
        result = features_class({"key": value}, tensor_type=kind)["key"]
    except ValueError:
        return ("ValueError",)
    return describe(result)


def describe(result: Any) -> tuple[Any, ...]:
    if isinstance(result, np.ndarray) and result.dtype == object:
        return ("object", result.shape, *(describe(entry) for entry in result))
    if hasattr(result, "dtype") and hasattr(result, "tolist"):
        return (type(result), str(result.dtype), tuple(result.shape), result.tolist())
    return (type(result), result)


@pytest.mark.parametrize("kind", ["np", "pt"])
@pytest.mark.parametrize("name", FACTORIES)
def test_conversion_equals_transformers(name: str, kind: str) -> None:
    if kind == "pt":
        pytest.importorskip("torch")
    make = FACTORIES[name]
    assert outcome(BatchFeature, make(), kind) == outcome(reference_class(), make(), kind)


@pytest.mark.parametrize("kind", ["np", "pt"])
@pytest.mark.parametrize("name", TORCH_FACTORIES)
def test_conversion_of_torch_tensors_equals_transformers(name: str, kind: str) -> None:
    torch = pytest.importorskip("torch")
    make = TORCH_FACTORIES[name]
    assert outcome(BatchFeature, make(torch), kind) == outcome(reference_class(), make(torch), kind)


def test_numpy_conversion_without_any_oracle() -> None:
    features = BatchFeature({"f": [1.5], "i": [[1], [2]], "s": "x", "n": None, "r": [[1, 2], [3]], "z": 4}, "np")
    assert features["f"].dtype == np.float64
    assert features["i"].dtype == np.int64
    assert features["i"].shape == (2, 1)
    assert features["s"] == "x"
    assert features["n"] is None
    assert features["r"].dtype == object
    assert [entry.tolist() for entry in features["r"]] == [[1, 2], [3]]
    assert features["z"].shape == ()


def test_arrays_that_fit_are_not_copied() -> None:
    array = np.ones(3)
    assert BatchFeature({"a": array}, "np")["a"] is array
    torch = pytest.importorskip("torch")
    tensor = torch.ones(3)
    assert BatchFeature({"a": tensor}, "pt")["a"] is tensor
    shared = BatchFeature({"a": array}, "pt")["a"]
    shared[0] = 7
    assert array[0] == 7


def test_torch_extras_beyond_the_reference() -> None:
    torch = pytest.importorskip("torch")
    nested = BatchFeature({"a": [[torch.ones(2)], [torch.zeros(2)]]}, "pt")["a"]
    assert nested.shape == (2, 1, 2)
    assert BatchFeature({"a": torch.ones(2, requires_grad=True)}, "np")["a"].tolist() == [1, 1]
    assert BatchFeature({"a": [np.int64(3), np.int64(0)]}, "pt")["a"].tolist() == [3, 0]  # counts of several images
    # torch.tensor([[], [1]]) is an empty tensor: the value 1 would be lost.
    with pytest.raises(ShapeError, match="shapes"):
        BatchFeature({"a": [[], [1]]}, "pt")


def test_tensor_type_members_and_none() -> None:
    features = BatchFeature({"a": [1]})
    assert features.convert_to_tensors(None) is features
    assert isinstance(features["a"], list)
    assert features.convert_to_tensors(TensorType.NUMPY) is features
    assert isinstance(features["a"], np.ndarray)
    foreign = pytest.importorskip("transformers.utils").TensorType
    assert isinstance(BatchFeature({"a": [1]}, foreign.NUMPY)["a"], np.ndarray)


@pytest.mark.parametrize("kind", ["torch", "", 3, TensorType])
def test_unknown_tensor_type(kind: Any) -> None:
    with pytest.raises(ConfigError, match="'np', 'pt', 'tf', 'jax', 'mlx'") as caught:
        BatchFeature({"a": [1]}, kind)
    assert isinstance(caught.value, ValueError)


def test_skipped_keys() -> None:
    data = {"a": [1], "ab": [2]}
    features = BatchFeature(data, "np", skip_tensor_conversion=["a"])
    assert isinstance(features["a"], list)
    assert isinstance(features["ab"], np.ndarray)
    features.convert_to_tensors("np", skip_tensor_conversion=[])
    assert isinstance(features["a"], np.ndarray)
    # One name given as a string is one name, not every name it contains.
    features = BatchFeature(data, "np", skip_tensor_conversion="ab")
    assert isinstance(features["a"], np.ndarray)
    assert isinstance(features["ab"], list)


def test_ragged_images_give_a_helpful_message_and_convert_nothing() -> None:
    images = [np.ones((3, 480, 640), np.float32), np.ones((3, 300, 200), np.float32)]
    features = BatchFeature({"sizes": [[480, 640], [300, 200]], "pixel_values": images})
    with pytest.raises(ShapeError) as caught:
        features.convert_to_tensors("np")
    message = str(caught.value)
    for part in ("pixel_values", "[3, 480, 640]", "[3, 300, 200]", "do_pad=True", "return_tensors=None"):
        assert part in message
    assert "\n" not in message
    assert isinstance(features["sizes"], list)


def test_message_of_values_that_are_not_ragged() -> None:
    pytest.importorskip("torch")
    with pytest.raises(ShapeError, match=r"^strided: .*negative.*skip_tensor_conversion"):
        BatchFeature({"strided": np.arange(3)[::-1]}, "pt")
    with pytest.raises(ShapeError, match="overflowing values of one length"):
        BatchFeature({"overflowing_values": [[1, 2], [3]]}, "pt")
    with pytest.raises(ShapeError, match="empty"):
        BatchFeature({"a": []}, "np")


# --- frameworks


@pytest.mark.parametrize(
    ("kind", "package"),
    [("pt", "torch"), ("tf", "tensorflow"), ("jax", "jax"), ("mlx", r"'mlx\[cpu\]'")],
    ids=lambda value: value,
)
def test_missing_framework_names_the_install_line(monkeypatch: pytest.MonkeyPatch, kind: str, package: str) -> None:
    def no_module(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(batch_feature.importlib, "import_module", no_module)
    with pytest.raises(RuntimeUnavailableError, match=f"pip install {package}$"):
        BatchFeature({"a": [1]}, kind)
    if kind == "pt":
        with pytest.raises(RuntimeUnavailableError, match=r"pip install torch$"):
            BatchFeature({"a": [1]}).to("cpu")


def framework(kind: str) -> tuple[str, str]:
    """Return the module and the tensor class of a framework that is installed; `.ci/run` installs them all."""
    module, class_name, _ = batch_feature._FRAMEWORKS[TensorType(kind)]
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        pytest.skip(f"{module} is not installed")
    return module, class_name


@pytest.mark.parametrize("kind", ["tf", "jax", "mlx"])
def test_other_frameworks_round_trip(kind: str) -> None:
    module, class_name = framework(kind)
    arrays = [np.full((2, 3), fill, np.float32) for fill in (0.25, 0.5)]
    features = BatchFeature({"x": arrays, "i": [[1, 2]], "f": [0.5], "name": "text"}, kind)
    tensor_class = getattr(sys.modules[module], class_name)
    for key in ("x", "i", "f"):
        assert isinstance(features[key], tensor_class)
    assert features["name"] == "text"
    tensor = features["x"]
    assert features.convert_to_tensors(kind)["x"] is tensor
    features.convert_to_tensors("np")
    np.testing.assert_array_equal(features["x"], np.stack(arrays))
    assert features["x"].dtype == np.float32
    assert features["f"].dtype == np.float32
    assert BatchFeature({"x": [tensor, tensor]}, "np")["x"].shape == (2, 2, 2, 3)
    with pytest.raises(ShapeError, match="shapes"):
        BatchFeature({"x": [np.ones((3, 2, 2)), np.ones((3, 4, 2))]}, kind)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["tf", "jax", "mlx"])
def test_other_frameworks_keep_values_and_the_dtypes_that_they_have(kind: str, dtype: str) -> None:
    framework(kind)
    values = np.array([[0, 1, 3], [2, 5, 1]]).astype(dtype)
    narrowed = {"jax": {"int64": "int32", "float64": "float32"}, "mlx": {"float64": "float32"}}.get(kind, {})
    for given in (values, values[:, ::-1], values.T, list(values)):
        found = BatchFeature(BatchFeature({"x": given}, kind), "np")["x"]
        assert found.dtype == narrowed.get(dtype, dtype)
        np.testing.assert_array_equal(found, np.asarray(given))


@pytest.mark.parametrize("kind", ["tf", "jax", "mlx"])
def test_other_frameworks_lose_no_whole_numbers_without_a_word(kind: str) -> None:
    framework(kind)
    large = {"x": np.array([2**40, 3])}
    if kind == "jax":
        with pytest.raises(ShapeError, match="jax_enable_x64"):
            BatchFeature(large, kind)
    else:
        assert BatchFeature(BatchFeature(large, kind), "np")["x"].tolist() == [2**40, 3]


@pytest.mark.parametrize("kind", ["tf", "jax", "mlx"])
def test_processors_return_tensors_of_other_frameworks(kind: str) -> None:
    module, class_name = framework(kind)
    from graphproc.wrappers.processor import processor_class

    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    processor = processor_class("ViTImageProcessor")(size=16, engine="numpy")
    found = processor([image, image[::-1]], return_tensors=kind)["pixel_values"]
    assert isinstance(found, getattr(sys.modules[module], class_name))
    np.testing.assert_array_equal(np.asarray(found), processor([image, image[::-1]], return_tensors="np")["pixel_values"])


def test_importing_the_wrappers_loads_numpy_only() -> None:
    code = (
        "import sys, graphproc.batch_feature, graphproc.wrappers.images\n"
        "print([m for m in ('torch', 'PIL', 'tensorflow', 'jax', 'mlx', 'onnx', 'onnxruntime') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.strip() == "[]"


# --- to


def test_to_casts_floating_tensors_only() -> None:
    torch = pytest.importorskip("torch")
    pair = namedtuple("pair", ["left", "right"])
    features = BatchFeature(
        {
            "f": torch.ones(2),
            "i": torch.ones(2, dtype=torch.int64),
            "b": torch.tensor([True]),
            "l": [torch.ones(1), (torch.ones(1, dtype=torch.uint8), "x")],
            "p": pair(torch.ones(1), 2),
            "n": np.ones(1),
            "s": "text",
        }
    )
    assert features.to(torch.float16) is features
    assert features["f"].dtype == torch.float16
    assert features["i"].dtype == torch.int64
    assert features["b"].dtype == torch.bool
    assert features["l"][0].dtype == torch.float16
    assert isinstance(features["l"][1], tuple)
    assert features["l"][1][0].dtype == torch.uint8
    assert features["p"].left.dtype == torch.float16
    assert features["n"].dtype == np.float64
    assert features["s"] == "text"


def test_to_moves_every_tensor() -> None:
    torch = pytest.importorskip("torch")

    def moved(*args: Any, **kwargs: Any) -> BatchFeature:
        # The meta device exists everywhere, so moving can be seen without an accelerator.
        return BatchFeature({"f": torch.ones(2), "i": torch.ones(2, dtype=torch.int64)}).to(*args, **kwargs)

    for features in (moved("meta"), moved(torch.device("meta")), moved(device="meta", non_blocking=True)):
        assert {value.device.type for value in features.values()} == {"meta"}
        assert features["f"].dtype == torch.float32
    for features in (moved("meta", torch.float16), moved(device="meta", dtype=torch.float16)):
        assert {value.device.type for value in features.values()} == {"meta"}
        assert features["f"].dtype == torch.float16
        assert features["i"].dtype == torch.int64
    only_cast = moved(dtype=torch.bfloat16)
    assert only_cast["f"].dtype == torch.bfloat16
    assert only_cast["i"].device.type == "cpu"


def test_to_refuses_what_torch_or_the_reference_refuses() -> None:
    torch = pytest.importorskip("torch")
    for features_class in (BatchFeature, reference_class()):
        features = features_class({"f": torch.ones(2)})
        with pytest.raises(RuntimeError, match="device"):
            features.to("float16")
        with pytest.raises(TypeError):
            features.to(torch.float16, "cpu")
        with pytest.raises(ValueError, match="BatchFeature"):
            features.to(1.5)
    with pytest.raises(ConfigError, match=r"got None\. Write"):
        BatchFeature({"f": torch.ones(2)}).to(None)
