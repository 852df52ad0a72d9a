"""An ONNX Runtime session with named inputs and outputs that learns the sizes it sees."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.batch_feature import BatchFeature
from graphproc.errors import GraphError, ImageError, RuntimeUnavailableError
from graphproc.files import LFS_HINT, is_lfs_pointer
from graphproc.runtime import workers
from graphproc.runtime.memory import Memory
from graphproc.runtime.providers import PROVIDERS, provider_names, session_options

if TYPE_CHECKING:
    import onnx

Array = np.ndarray[Any, Any]

_DTYPES = {
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(bool)": np.bool_,
}
"""ONNX Runtime's names of the element types that preprocessing gives; other outputs are allocated by ONNX Runtime."""

SPECIALISE_AFTER = 256
"""After how many runs of one image size it gets a session of its own. That takes 30 to 50 ms and saves up to 0.5 ms a run."""
MAX_COUNTED = 1024
"""How many image sizes are counted before counting starts anew."""
MAX_SPECIALISED = 4
"""How many image sizes keep a session of their own; the least recently used is dropped."""


class Session:
    """Runs a preprocessing graph.

    A graph for images of any size computes its weights anew for each; when one size comes back often, the session makes
    another with that size fixed, in which ONNX Runtime folds all of that away. Results are the same bits.

    Attributes:
        inputs: the names of the graph's inputs.
        outputs: the names of its outputs.
        dims: each input's dimensions by name: ints, or names of free ones; none for a sequence.
        sequences: the inputs that are sequences of arrays of different shapes.
        metadata: the graph's description of itself (`graphproc.*` entries of `metadata_props`, without the prefix).
        provider: `cpu` or `cuda`.
    """

    def __init__(
        self,
        graph: str | os.PathLike[str] | bytes | onnx.ModelProto,
        provider: str = "cpu",
        *,
        threads: int | None = None,
        specialise_after: int | None = SPECIALISE_AFTER,
    ) -> None:
        """Load a graph.

        Args:
            graph: the path of an ONNX file, its bytes, or a model.
            provider: `cpu` or `cuda`; one that is not installed is an error, never a fallback.
            threads: threads within an operator, for one run at a time, or of a batch for as many of its images side by side;
                None lets ONNX Runtime decide, and takes up to 8 for a batch.
            specialise_after: after how many runs of one image size a session for that size is made; None for never. Doubled
                whenever one is dropped for another.

        Raises:
            RuntimeUnavailableError: the provider is not installed or could not start.
            GraphError: the file is missing or no valid ONNX model.
        """
        self.provider = provider
        self._providers = provider_names(provider)
        self._threads = threads
        self._after = specialise_after
        self._model = _model_bytes(graph)
        self._session = self._create({})
        self.dims = {i.name: list(i.shape) for i in self._session.get_inputs()}
        self.sequences = frozenset(i.name for i in self._session.get_inputs() if i.type.startswith("seq("))
        self.inputs = list(self.dims)
        self._results = {o.name: (list(o.shape), _DTYPES.get(o.type)) for o in self._session.get_outputs()}
        self.outputs = list(self._results)
        entries = self._session.get_modelmeta().custom_metadata_map
        self.metadata = {k.removeprefix("graphproc."): v for k, v in sorted(entries.items()) if k.startswith("graphproc.")}
        # What a model behind the preprocessing makes of a batch may depend on how many images it has.
        # So may what its free axes are called; in graphs of this package a name is one length.
        self._names_axes = "config" in self.metadata and "fusion" not in self.metadata
        self._separable = self.metadata.get("separable") == "true" and "fusion" not in self.metadata
        self._seen: Counter[tuple[Any, ...]] = Counter()
        self._specialised: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()
        self._of_workers: dict[int, Session] = {}
        self._memory = Memory()

    def _create(self, sizes: Mapping[str, int]) -> Any:
        import onnxruntime

        options = session_options(self.provider, self._threads)
        for name, value in sizes.items():
            options.add_free_dimension_override_by_name(name, value)
        try:
            session = onnxruntime.InferenceSession(self._model, options, providers=self._providers)
        except Exception as error:  # onnxruntime's own classes share no base but Exception
            if is_lfs_pointer(self._model):
                raise GraphError(f"graph: {LFS_HINT}.") from None
            raise GraphError(f"graph: ONNX Runtime cannot load it. {str(error).splitlines()[0]}") from error
        if session.get_providers()[0] != PROVIDERS[self.provider][0]:
            raise RuntimeUnavailableError(
                f"provider {self.provider!r}: ONNX Runtime could not start it. Check the driver and its libraries."
            )
        return session

    def run(self, inputs: Mapping[str, Any], out: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """Run the graph on arrays by input name; a sequence is a list of arrays.

        Several threads may run one session at a time.

        Args:
            inputs: an array for each input; C-contiguous ones are read in place.
            out: arrays that outputs are written to and that are returned for them, by name; C-contiguous, of the shape and
                dtype that the output has. Graphs that read sequences take none.

        Returns:
            The outputs by name. Nothing is copied on the way, and memory of large ones is used again once nobody holds them.

        Raises:
            ImageError: an input is missing, unknown, has another dtype or rank than the graph's, or not the sides that it has
                to share with another; or an output has not the shape and dtype of the array for it.
        """
        if inputs.keys() != self.dims.keys():
            raise ImageError(f"graph inputs: expected {', '.join(self.inputs)}, got {', '.join(inputs) or 'none'}")
        if self.sequences:
            return self._run_sequences(inputs)
        out = {} if out is None else out
        for name, array in out.items():
            dtype = self._results[name][1] if name in self._results else None
            if dtype is None or array.dtype != dtype or not array.flags.c_contiguous:
                raise ImageError(f"out: expected C-contiguous arrays for outputs of known dtypes, got {array.dtype} for {name!r}")
        sizes: dict[str, int] = {}
        for name, array in inputs.items():
            dims = self.dims[name]
            if array.ndim != len(dims):
                raise ImageError(f"{name}: expected {len(dims)} axes {dims}, got the shape {list(array.shape)}")
            for axis, length in zip(dims, array.shape, strict=True):
                if isinstance(axis, str) and sizes.setdefault(axis, length) != length and self._names_axes:
                    raise ImageError(
                        f"{name}: expected a {axis} of {sizes[axis]}, as the inputs before it have, got {length} "
                        f"(shape {list(array.shape)}). Make them of one size."
                    )
        batch = sizes.pop("batch", 1)
        threads = workers.default_threads() if self._threads is None else self._threads
        if self._separable and self.provider == "cpu" and 1 < threads < batch - 1:
            return self._side_by_side(inputs, batch, threads, out)
        try:
            return self._execute(self._for(sizes), inputs, batch, out)
        except Exception as error:
            raise ImageError(f"graph: ONNX Runtime refused the input. {str(error).splitlines()[0]}") from error

    def _side_by_side(self, inputs: Mapping[str, Array], batch: int, threads: int, out: Mapping[str, Array]) -> dict[str, Array]:
        """Run parts of a batch on workers, each on its share of the images.

        Operators of one image are too short to share: two threads in each save a quarter of its time, side by side half of it.
        Where the graph does not say how large results are, the first image runs alone and its results do.
        """

        def part(array: Array, start: int, stop: int) -> Array:
            each = len(array) // batch
            return array[start * each : stop * each]

        def run(start: int, stop: int, to: Mapping[str, Array]) -> Mapping[str, Array]:
            images = {name: array[start:stop] for name, array in inputs.items()}
            return self.of_worker().run(images, {name: part(array, start, stop) for name, array in to.items()})

        pool = workers.pool(threads)
        done, each = 0, {name: ([1, *dims[1:]], dtype) for name, (dims, dtype) in self._results.items() if dims[0] == "batch"}
        first: Mapping[str, Array] = {}
        if len(each) < len(self._results) or any(isinstance(d, str) for dims, _ in each.values() for d in dims):
            fitting = {name: array for name, array in out.items() if len(array) % batch == 0}
            done, first = 1, pool.submit(run, 0, 1, fitting).result()
            each = {name: (list(result.shape), result.dtype) for name, result in first.items()}
        whole = {name: out[name] for name in self._results if name in out}
        for name, (shape, dtype) in each.items():
            if name not in out:
                whole[name] = self._memory.array(name, (shape[0] * batch, *shape[1:]), dtype)
                if name in first:
                    part(whole[name], 0, 1)[...] = first[name]
        ends = [done + (batch - done) * n // threads for n in range(threads + 1)]
        jobs = [pool.submit(run, ends[n], ends[n + 1], whole) for n in range(threads)]
        try:
            for job in jobs:
                job.result()
        finally:
            workers.stop(jobs)
        return whole

    def _run_sequences(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        for name in self.sequences:
            if not isinstance(inputs[name], (list, tuple)) or not inputs[name]:
                raise ImageError(f"{name}: expected a list of at least one array, got {type(inputs[name]).__name__}")
        feeds = {
            name: [np.ascontiguousarray(array) for array in value] if name in self.sequences else value
            for name, value in inputs.items()
        }
        try:
            return dict(zip(self._results, self._session.run(list(self._results), feeds), strict=True))
        except Exception as error:
            raise ImageError(f"graph: ONNX Runtime refused the input. {str(error).splitlines()[0]}") from error

    def _execute(self, session: Any, inputs: Mapping[str, Array], batch: int, out: Mapping[str, Array]) -> dict[str, Array]:
        """Run with inputs and outputs bound: nothing is copied on the way in, and known outputs are written in place."""
        binding = session.io_binding()
        for name, array in inputs.items():
            binding.bind_cpu_input(name, array if array.flags.c_contiguous else np.ascontiguousarray(array))
        results: dict[str, Array] = {}
        for name, (dims, dtype) in self._results.items():
            if name in out:
                results[name] = out[name]
            elif dtype is not None:
                shape = [batch if d == "batch" else d for d in dims]
                if all(isinstance(d, int) for d in shape):
                    results[name] = self._memory.array(name, tuple(shape), dtype)
            if name in results:
                array = results[name]
                binding.bind_output(name, "cpu", 0, dtype, array.shape, array.ctypes.data)
            else:
                binding.bind_output(name, "cpu")
        session.run_with_iobinding(binding)
        if len(results) < len(self._results):
            produced = dict(zip(self._results, binding.get_outputs(), strict=True))
            return {name: results[name] if name in results else _array(produced[name]) for name in self._results}
        return results

    def _for(self, sizes: dict[str, int]) -> Any:
        """The session for these sizes: the general one until they have come back often enough."""
        if not sizes or self._after is None:
            return self._session
        key = tuple(sorted(sizes.items()))
        with self._lock:
            if key in self._specialised:
                self._specialised.move_to_end(key)
                return self._specialised[key]
            if len(self._seen) >= MAX_COUNTED and key not in self._seen:
                self._seen.clear()
            self._seen[key] += 1
            if self._seen[key] < self._after:
                return self._session
            made = self._specialised[key] = self._create(sizes)
            if len(self._specialised) > MAX_SPECIALISED:
                dropped, _ = self._specialised.popitem(last=False)
                self._seen[dropped] = 0
                self._after *= 2  # more sizes take turns than are kept: make new sessions ever more seldom
            return made

    def of_worker(self) -> Session:
        """The session that belongs to the calling worker, for runs side by side: itself for the first, with one thread.

        Runs of one session share its working memory, which passes from core to core; those of two sessions do not.
        """
        number = workers.number()
        if number == 0 and self._threads == 1:
            return self
        if number not in self._of_workers:
            self._of_workers[number] = Session(self._model, self.provider, threads=1, specialise_after=self._after)
        return self._of_workers[number]

    def __call__(self, *arrays: Any, **inputs: Any) -> BatchFeature:
        """Run on arrays, in the order of the inputs or by name: `session(images)`, `session(images=images)`.

        A sequence is a list of arrays.

        Raises:
            ImageError: as `run`, or there are more arrays than inputs.
        """
        if len(arrays) > len(self.inputs):
            raise ImageError(f"graph inputs: expected {', '.join(self.inputs)}, got {len(arrays)} arrays. Stack images into one.")
        named = dict(zip(self.inputs, arrays, strict=False))
        return BatchFeature({**self.run({**named, **inputs})})

    def config(self) -> dict[str, Any]:
        """The processor settings that the graph was compiled from.

        Raises:
            GraphError: the graph was not written by graphproc.
        """
        return settings_of(self.metadata)


def settings_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The processor settings in a graph's description of itself.

    Raises:
        GraphError: the graph was not written by graphproc.
    """
    if "config" not in metadata:
        raise GraphError("graph: it has no graphproc.config entry, so it was not written by graphproc")
    settings: dict[str, Any] = json.loads(metadata["config"])
    return settings


def _array(value: Any) -> Array:
    """What ONNX Runtime allocated for an output, as an array that keeps it alive; a copy where it cannot be shared."""
    if hasattr(value, "__dlpack__"):
        array = np.from_dlpack(value)
        if array.flags.writeable:
            return array
    copied: Array = value.numpy()
    return copied


def _model_bytes(graph: Any) -> bytes | str:
    """The model as ONNX Runtime loads it: its bytes, or its path where weights may stand in files beside it."""
    if isinstance(graph, bytes):
        return graph
    if hasattr(graph, "SerializeToString"):
        data: bytes = graph.SerializeToString()
        return data
    path = Path(graph)
    try:
        content = path.read_bytes()
        return str(path) if b"location" in content else content
    except OSError as error:
        raise GraphError(f"{path}: cannot be read ({error.strerror}). Give the path of an ONNX file.") from None
