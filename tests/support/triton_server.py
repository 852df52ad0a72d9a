"""What Triton does with a model repository, by its published schema and documents, with ONNX Runtime for its backend.

`tritonclient` has the schema as code made of `model_config.proto`. The rules that a server checks when it
loads models are those of triton-inference-server: `ValidateIOShape` and `ValidateEnsembleConfig` of core, and
`CompareDimsSupported` of the ONNX Runtime backend. The server itself is no package.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

Array = np.ndarray[Any, Any]

DTYPES = {
    "TYPE_BOOL": "tensor(bool)",
    "TYPE_UINT8": "tensor(uint8)",
    "TYPE_INT32": "tensor(int32)",
    "TYPE_INT64": "tensor(int64)",
    "TYPE_FP16": "tensor(float16)",
    "TYPE_FP32": "tensor(float)",
}
NUMPY = {
    "TYPE_BOOL": np.bool_,
    "TYPE_UINT8": np.uint8,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
    "TYPE_FP16": np.float16,
    "TYPE_FP32": np.float32,
}


def schema() -> Any:
    """Return the module of the schema's messages; without importing tritonclient.grpc, which needs grpcio."""
    found = importlib.util.find_spec("tritonclient")
    if found is None:
        pytest.skip("tritonclient has the schema: pip install '.[serving]'")
    (folder,) = found.submodule_search_locations or ()
    name = "model_config_pb2"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(folder) / "grpc" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


class Model:
    """A model of a repository that is no ensemble."""

    def __init__(self, folder: Path, config: Any) -> None:
        versions = sorted(int(path.name) for path in folder.iterdir() if path.is_dir() and path.name.isdecimal())
        path = folder / str(versions[-1]) / (config.default_model_filename or "model.onnx")
        assert config.backend == "onnxruntime"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.runs: list[list[tuple[int, ...]]] = []  # the shapes of each execution's inputs
        for io, own in ((config.input, self.session.get_inputs()), (config.output, self.session.get_outputs())):
            assert {one.name for one in io} == {value.name for value in own}
            for one in io:
                (value,) = (value for value in own if value.name == one.name)
                schema_type = schema().DataType.Name(one.data_type)
                assert DTYPES[schema_type] == value.type
                sides = [side if isinstance(side, int) else -1 for side in value.shape]
                dims = list(one.reshape.shape) if one.HasField("reshape") else list(one.dims)
                if not sides:
                    assert dims == [1], "a scalar"
                    continue
                full = [-1, *dims] if config.max_batch_size else dims
                assert len(full) == len(sides), (one.name, full, sides)
                exact = io is config.output
                assert all(a == b for a, b in zip(full, sides, strict=True) if exact or b != -1), (one.name, full, sides)

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        self.runs.append([array.shape for array in feeds.values()])
        names = [value.name for value in self.session.get_outputs()]
        return dict(zip(names, self.session.run(None, dict(feeds)), strict=True))


class ServerChain:
    """A repository that is loaded: configurations checked, sessions made, warm-ups run."""

    def __init__(self, repository: Path) -> None:
        from google.protobuf import text_format

        self.folder = repository
        self.configs: dict[str, Any] = {}
        for folder in sorted(repository.iterdir()):
            config = text_format.Parse((folder / "config.pbtxt").read_text(encoding="utf-8"), schema().ModelConfig())
            assert config.name == folder.name
            assert [path.name for path in folder.iterdir() if path.is_dir() and path.name.isdecimal()] == ["1"]
            self.configs[folder.name] = config
        self.models: dict[str, Model] = {}
        for name, config in self.configs.items():
            self._check(config)
            if config.platform != "ensemble":
                self.models[name] = Model(repository / name, config)
                self._warm_up(name)
        for config in self.configs.values():
            if config.platform == "ensemble":
                self._check_ensemble(config)

    def _check(self, config: Any) -> None:
        assert config.max_batch_size >= 0
        for io in (*config.input, *config.output):
            assert io.data_type
            assert io.dims
            assert all(side == -1 or side >= 1 for side in io.dims)
            if io.HasField("reshape") and not io.reshape.shape:
                assert config.max_batch_size
                assert list(io.dims) == [1]
        for output in config.output:
            if output.label_filename:
                assert (self.folder / config.name / output.label_filename).is_file()
        assert not (config.HasField("dynamic_batching") and not config.max_batch_size)

    def _check_ensemble(self, config: Any) -> None:
        assert not config.model_warmup
        assert not config.instance_group
        assert not config.HasField("dynamic_batching"), "an ensemble has one scheduler"
        tensors: dict[str, tuple[int, list[int], bool]] = {}

        def consistent(name: str, io: Any, batched: bool) -> None:
            data_type, dims, other = tensors.setdefault(name, (io.data_type, list(io.dims), batched))
            mine = [[-1, *d] if b else list(d) for d, b in ((dims, other), (list(io.dims), batched))]
            assert data_type == io.data_type
            assert len(mine[0]) == len(mine[1])
            assert all(-1 in pair or pair[0] == pair[1] for pair in zip(*mine, strict=True)), (name, mine)

        for io in (*config.input, *config.output):
            consistent(io.name, io, config.max_batch_size > 0)
        for step in config.ensemble_scheduling.step:
            inside = self.configs[step.model_name]
            assert not inside.max_batch_size or inside.max_batch_size >= config.max_batch_size
            assert set(step.input_map) == {io.name for io in inside.input}
            assert set(step.output_map) <= {io.name for io in inside.output}
            for ios, names in ((inside.input, step.input_map), (inside.output, step.output_map)):
                for io in ios:
                    if io.name in names:
                        consistent(names[io.name], io, inside.max_batch_size > 0)

    def _warm_up(self, name: str) -> None:
        config = self.configs[name]
        for warm_up in config.model_warmup:
            assert warm_up.batch_size == 1
            assert set(warm_up.inputs) == {io.name for io in config.input}
            feeds = {}
            for key, value in warm_up.inputs.items():
                dtype = NUMPY[schema().DataType.Name(value.data_type)]
                kind = value.WhichOneof("input_data_type")
                if kind == "input_data_file":
                    data = (self.folder / name / "warmup" / value.input_data_file).read_bytes()
                    array = np.frombuffer(data, dtype).reshape(value.dims)
                else:
                    assert kind == ("random_data" if dtype is np.uint8 else "zero_data")
                    array = np.full(value.dims, 7 if kind == "random_data" else 0, dtype)
                feeds[key] = array[None] if config.max_batch_size else array
            self.infer(name, [feeds])

    def infer(self, name: str, requests: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
        """Answer requests that wait at the same time: those of one shape run together as far as the configuration allows."""
        config = self.configs[name]
        for request in requests:
            self._refuse(config, request)
        if config.platform == "ensemble":
            return self._ensemble(config, requests)
        answers: list[dict[str, Array]] = [{}] * len(requests)
        for group in _groups(config, requests):
            feeds = {io.name: _together(io, [requests[i][io.name] for i in group]) for io in config.input}
            found = self.models[name].run(feeds)
            start = 0
            for i in group:
                count = len(next(iter(requests[i].values())))
                rows = slice(start, start + count) if config.max_batch_size else slice(None)
                answers[i] = {io.name: _seen(io, found[io.name], rows) for io in config.output}
                start += count
        return answers

    def _ensemble(self, config: Any, requests: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
        tensors = [dict(request) for request in requests]
        for step in config.ensemble_scheduling.step:  # in the order of the flow of data here
            inside = [{key: found[value] for key, value in step.input_map.items()} for found in tensors]
            for found, made in zip(tensors, self.infer(step.model_name, inside), strict=True):
                found.update({value: made[key] for key, value in step.output_map.items()})
        return [{io.name: found[io.name] for io in config.output} for found in tensors]

    def _refuse(self, config: Any, request: Mapping[str, Array]) -> None:
        assert set(request) == {io.name for io in config.input}
        for io in config.input:
            array = request[io.name]
            assert array.dtype == NUMPY[schema().DataType.Name(io.data_type)]
            full = [-1, *io.dims] if config.max_batch_size else list(io.dims)
            assert len(full) == array.ndim
            assert all(a in (-1, b) for a, b in zip(full, array.shape, strict=True)), (io.name, full, array.shape)
            assert not config.max_batch_size or len(array) <= config.max_batch_size

    def classify(self, name: str, answer: Mapping[str, Array], output: str) -> str:
        """Return what the classification extension gives for the best class: value, index and label."""
        (io,) = (io for io in self.configs[name].output if io.name == output)
        labels = (self.folder / name / io.label_filename).read_text(encoding="utf-8").splitlines()
        (scores,) = answer[output]
        best = int(scores.argmax())
        return f"{scores[best]:f}:{best}:{labels[best]}"


def _groups(config: Any, requests: Sequence[Mapping[str, Array]]) -> list[list[int]]:
    """Return which requests are run together, by index."""
    groups: list[list[int]] = []
    sizes: list[int] = []
    shapes: list[Any] = []
    for i, request in enumerate(requests):
        count = len(next(iter(request.values())))
        shape = {name: array.shape[1:] for name, array in request.items()}
        place = next((g for g in range(len(groups)) if shapes[g] == shape and sizes[g] + count <= config.max_batch_size), None)
        if not config.max_batch_size or place is None:
            groups.append([i])
            sizes.append(count)
            shapes.append(shape)
        else:
            groups[place].append(i)
            sizes[place] += count
    return groups


def _together(io: Any, arrays: Sequence[Array]) -> Array:
    whole = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
    return whole.reshape([len(whole), *io.reshape.shape]) if io.HasField("reshape") else whole


def _seen(io: Any, array: Array, rows: slice) -> Array:
    """Return what a client sees of an output."""
    if not array.ndim:
        return array.reshape(1)
    part = array[rows]
    return part.reshape([len(part), *io.dims]) if io.HasField("reshape") else part
