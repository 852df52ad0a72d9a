"""Run a graph in an ONNX Runtime session that learns the sizes it sees."""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.batch_feature import BatchFeature
from graphproc.emitters.onnx.preconditions import broken
from graphproc.errors import GraphError, GraphprocError, ImageError, RuntimeUnavailableError
from graphproc.files import LFS_HINT, is_lfs_pointer
from graphproc.runtime import forks, native, workers
from graphproc.runtime import origin as origin_of
from graphproc.runtime.binding import Results, execute
from graphproc.runtime.description import describes, entry, settings_of
from graphproc.runtime.feeds import Port, read
from graphproc.runtime.memory import Memory
from graphproc.runtime.origin import Origin
from graphproc.runtime.providers import PROVIDERS, provider_names, session_options
from graphproc.runtime.side_by_side import SideBySide
from graphproc.runtime.thread_counts import default_threads, operator_threads

if TYPE_CHECKING:
    import onnx

Array = np.ndarray[Any, Any]

SPECIALISE_AFTER = 256
"""After how many runs an image size gets a session of its own.

Making it takes 25 to 60 ms, and it saves up to 2 ms a run.
"""
MAX_COUNTED = 1024
"""How many image sizes are counted before counting starts anew."""
MAX_SPECIALISED = 4
"""How many image sizes keep a session of their own. The least recently used one is dropped."""


class Session:
    """Run a preprocessing graph.

    A graph for images of any size computes its weights anew for each. When one size comes back
    often, the session makes another session for that size. Its graph is emitted from the settings
    in the description; without a description, it is the same graph with these dimensions fixed.
    Results are the same bits.

    A session can be pickled: it takes its graph along, or the path of a graph with weights in other
    files. A forked process makes its own session on the first run there.

    On the CPU, a session uses the native library if there is one: it emits a graph that describes
    its settings anew, with kernels. Results are the same bits.

    Attributes:
        inputs: the names of the graph's inputs.
        outputs: the names of its outputs.
        dims: each input's dimensions by name: ints, or names of free ones; none for a sequence.
        sequences: the inputs that are sequences of arrays of different shapes.
        metadata: the graph's description of itself: the entries `graphproc.*` of `metadata_props`,
            without the prefix.
        provider: `cpu` or `cuda`.
        kernels: whether kernels of the native library run in place of functions of the graph.
    """

    def __init__(
        self,
        graph: str | os.PathLike[str] | bytes | onnx.ModelProto,
        provider: str = "cpu",
        *,
        threads: int | None = None,
        kernels: bool | None = None,
        specialise_after: int | None = SPECIALISE_AFTER,
        origin: Origin | None = None,
    ) -> None:
        """Load a graph.

        Args:
            graph: the path of an ONNX file, its bytes, or a model.
            provider: `cpu` or `cuda`. A provider that is not installed is an error, never a
                fallback.
            threads: how many threads an operator uses, if the session runs one thing at a time; for
                a batch without kernels, how many of its images run side by side. With None, ONNX
                Runtime decides, and such a batch takes up to 8; fewer where `OMP_NUM_THREADS` says
                so or other processes have the cores (`thread_counts.default_threads`).
            kernels: whether to use the native library (`graphproc kernels` says if there is one);
                with None, if there is one and the provider is `cpu`.
            specialise_after: after how many runs of one image size a session for that size is made;
                None for never. The number doubles whenever one such session is dropped for another.
            origin: what the graph was emitted from, if it has no description that says so.

        Raises:
            RuntimeUnavailableError: the provider is not installed or could not start, or kernels are
                asked for and cannot be used.
            GraphError: the file is missing or not a valid ONNX model.
        """
        self.provider = provider
        self._providers = provider_names(provider)
        self._threads = threads
        self._asked_after = specialise_after
        self._asked_kernels = kernels
        self._library = native.library_for(provider, kernels)
        self._given = _model_bytes(graph)
        self._origin, self._origin_sought = origin, origin is not None
        self._model = self._with_kernels()
        self._session: Any = self._load(self._model, {})
        self._ports = [Port.of(value) for value in self._session.get_inputs()]
        self.dims = {port.name: port.dims for port in self._ports}
        self.sequences = frozenset(port.name for port in self._ports if port.sequence)
        self.inputs = list(self.dims)
        results = [Port.of(value) for value in self._session.get_outputs()]
        self._results: Results = {port.name: (port.dims, None if port.sequence else port.dtype) for port in results}
        self.outputs = list(self._results)
        self._shown = f"{', '.join(map(str, self._ports))} -> {', '.join(map(str, results))}"
        entries = self._session.get_modelmeta().custom_metadata_map
        self.metadata = {k.removeprefix("graphproc."): v for k, v in sorted(entries.items()) if k.startswith("graphproc.")}
        # The results of a model behind the preprocessing may depend on the number of images in a batch.
        # Names of free axes mean one length in this package's graphs; in others they may mean nothing.
        own = self.inputs if describes(self.metadata) else []
        self._names_axes = entry(self.metadata, "fusion", dict).get("inputs", []) if "fusion" in self.metadata else own
        self._separable = self.metadata.get("separable") == "true" and "fusion" not in self.metadata
        self._memory = Memory()
        self.kernels = self._library is not None and "kernels" in self.metadata
        self._begin()
        forks.renew_in_children(self)

    def __repr__(self) -> str:
        of = [self.metadata[key] for key in ("backend", "target") if key in self.metadata]
        settings = self.config() if "config" in self.metadata else {}
        written = self.metadata.get("program", "program no graph of graphproc's\n").partition("\n")[0].removeprefix("program ")
        name = settings.get("image_processor_type", written)
        kernels = f", kernels {native.instruction_set()}" if self.kernels else ""
        return f"Session({self._shown}; {', '.join([str(name), *of])}; provider {self.provider}{kernels})"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "graph": self._given,
            "provider": self.provider,
            "threads": self._threads,
            "kernels": self._asked_kernels,
            "specialise_after": self._asked_after,
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def _begin(self) -> None:
        """Forget all sizes that were seen."""
        self._after = self._asked_after
        self._seen: Counter[tuple[Any, ...]] = Counter()
        self._specialised: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._of_workers: dict[int, Session] = {}
        self._lock = threading.Lock()

    def renew(self) -> None:
        """Begin anew in a forked process: its sessions are made there when they are first used."""
        forks.leave((self._session, self._specialised, self._of_workers))
        self._session = None
        self._begin()

    def _described(self) -> Origin | None:
        """Return what the graph was emitted from, if it is known."""
        if not self._origin_sought:
            self._origin = origin_of.of_described(self._given)
            self._origin_sought = True
        return self._origin

    def _with_kernels(self) -> bytes | str:
        """Return the graph that runs: the given one, or the same with kernels."""
        if self._library is None or (origin := self._described()) is None:
            return self._given
        options = origin.options
        return self._given if options.kernels or options.target != "cpu" else origin.graph(kernels=True)

    @forks.unforked()
    def _specialise(self, sizes: Mapping[str, int]) -> Any:
        """Make a session for some sizes."""
        if sizes.keys() == {"height", "width"} and (origin := self._described()) is not None:
            with suppress(GraphprocError):
                return self._load(origin.graph((sizes["height"], sizes["width"]), kernels=self.kernels), {})
        return self._load(self._model, sizes)

    @forks.unforked()
    def _load(self, model: bytes | str, fixed: Mapping[str, int]) -> Any:
        """Make an ONNX Runtime session of a model, with some of its dimensions fixed.

        Raises:
            GraphError: ONNX Runtime cannot load the model.
            RuntimeUnavailableError: the provider could not start.
        """
        import onnxruntime

        threads = operator_threads() if self._threads is None else self._threads
        options = session_options(self.provider, threads, self._library)
        for name, value in fixed.items():
            options.add_free_dimension_override_by_name(name, value)
        try:
            session = onnxruntime.InferenceSession(model, options, providers=self._providers)
        except Exception as error:  # onnxruntime's own classes share no base but Exception
            if is_lfs_pointer(model):
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
            out: for outputs by name, arrays that they are written to and that are returned. They
                must be C-contiguous and of the output's shape and dtype. Graphs that read sequences
                take none.

        Returns:
            The outputs by name. Nothing is copied on the way. Memory of large ones is used again
            once nobody holds them.

        Raises:
            ImageError: an input is missing or unknown, has another dtype or rank than the graph's,
                or not the sides that it shares with another input. Or an array in `out` has another
                shape or dtype than the output.
        """
        arrays, sizes = read(self._ports, inputs, one_length=self._names_axes)
        if self.sequences:
            return self._run_sequences(arrays)
        out = {} if out is None else out
        for name, array in out.items():
            dtype = self._results[name][1] if name in self._results else None
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            if dtype is None or kind != dtype or not array.flags.c_contiguous:
                raise ImageError(f"out: expected C-contiguous arrays for outputs of known dtypes, got {kind} for {name!r}")
        batch = sizes.pop("batch", 1)
        threads = default_threads() if self._threads is None else self._threads
        # Kernels take the images of a batch side by side themselves.
        if self._separable and not self.kernels and self.provider == "cpu" and 1 < threads < batch - 1:
            return self._side_by_side(arrays, batch, threads, out)
        try:
            return execute(self._session_for(sizes), arrays, self._results, batch, out, self._memory)
        except Exception as error:
            raise _refused(error, arrays) from error

    def _side_by_side(self, inputs: Mapping[str, Array], batch: int, threads: int, out: Mapping[str, Array]) -> dict[str, Array]:
        """Run parts of a batch on workers, each on its share of the images.

        If the graph does not say how large results are, the first image runs alone and its results
        say so.
        """

        def part(array: Array, start: int, stop: int) -> Array:
            each = len(array) // batch
            return array[start * each : stop * each]

        def run(start: int, stop: int, to: Mapping[str, Array], session: Session) -> Mapping[str, Array]:
            images = {name: array[start:stop] for name, array in inputs.items()}
            return session.run(images, {name: part(array, start, stop) for name, array in to.items()})

        with SideBySide(threads) as runs:
            done, each = 0, {name: ([1, *dims[1:]], dtype) for name, (dims, dtype) in self._results.items() if dims[0] == "batch"}
            first: Mapping[str, Array] = {}
            if len(each) < len(self._results) or any(isinstance(d, str) for dims, _ in each.values() for d in dims):
                fitting = {name: array for name, array in out.items() if len(array) % batch == 0}
                done, first = 1, runs.start(self, partial(run, 0, 1, fitting))()
                each = {name: (list(result.shape), result.dtype) for name, result in first.items()}
            whole = {name: out[name] for name in self._results if name in out}
            for name, (shape, dtype) in each.items():
                if name not in out:
                    whole[name] = self._memory.array(name, (shape[0] * batch, *shape[1:]), dtype)
                    if name in first:
                        part(whole[name], 0, 1)[...] = first[name]
            ends = [done + (batch - done) * n // threads for n in range(threads + 1)]
            for wait in [runs.start(self, partial(run, ends[n], ends[n + 1], whole)) for n in range(threads)]:
                wait()
        return whole

    def _run_sequences(self, feeds: Mapping[str, Any]) -> dict[str, Array]:
        session = self._general()
        try:
            return dict(zip(self._results, session.run(list(self._results), feeds), strict=True))
        except Exception as error:
            raise _refused(error, feeds) from error

    def _general(self) -> Any:
        """Return the session for any size."""
        session = self._session
        if session is None:
            session = self._session = self._load(self._model, {})
        return session

    def _session_for(self, sizes: dict[str, int]) -> Any:
        """Return the session for some sizes.

        It is the general one until the sizes have come back often enough.
        """
        general = self._general()
        if not sizes or self._after is None:
            return general
        key = tuple(sorted(sizes.items()))
        with self._lock:
            if key in self._specialised:
                self._specialised.move_to_end(key)
                return self._specialised[key]
            if len(self._seen) >= MAX_COUNTED and key not in self._seen:
                self._seen.clear()
            self._seen[key] += 1
            if self._seen[key] < self._after:
                return general
            made = self._specialised[key] = self._specialise(sizes)
            if len(self._specialised) > MAX_SPECIALISED:
                dropped, _ = self._specialised.popitem(last=False)
                self._seen[dropped] = 0
                self._after *= 2  # more sizes take turns than are kept, so make new sessions less often
            return made

    def of_worker(self) -> Session:
        """Return the session of the calling worker, for runs side by side.

        Runs of one session share its working memory, which passes from core to core; runs of two
        sessions do not. The first worker gets this session itself, if that has one thread.
        """
        index = workers.worker_index()
        if index == 0 and self._threads == 1:
            return self
        if index not in self._of_workers:
            self._of_workers[index] = Session(
                self._model,
                self.provider,
                threads=1,
                kernels=self._asked_kernels,
                specialise_after=self._after,
                origin=self._described(),
            )
        return self._of_workers[index]

    def __call__(self, *arrays: Any, **inputs: Any) -> BatchFeature:
        """Run on arrays, in order or by name: `session(images)`, `session(images=images)`.

        A sequence is a list of arrays.

        Raises:
            ImageError: as for `run`, or there are more arrays than inputs.
        """
        if len(arrays) > len(self.inputs):
            raise ImageError(f"graph inputs: expected {', '.join(self.inputs)}, got {len(arrays)} arrays. Stack images into one.")
        named = dict(zip(self.inputs, arrays, strict=False))
        if twice := sorted(named.keys() & inputs.keys()):
            raise ImageError(f"graph inputs: {twice[0]} is given in order and by name")
        return BatchFeature({**self.run({**named, **inputs})})

    def config(self) -> dict[str, Any]:
        """Return the processor settings that the graph was compiled from.

        Raises:
            GraphError: graphproc did not write the graph.
        """
        return settings_of(self.metadata)


UNLIKE = "Inconsistent shape in loop output"
"""What ONNX Runtime says if a graph's loop over images cannot stack their results."""
ONE_SHAPE = "expected results of one shape of all images"


def _refused(error: Exception, inputs: Mapping[str, Any]) -> ImageError:
    """Return the error for a failed run, which says what is wrong with the input."""
    reason = broken(str(error)) or (ONE_SHAPE if UNLIKE in str(error) else None)
    if reason is None:
        return ImageError(f"graph: ONNX Runtime refused the input. {str(error).splitlines()[0]}")
    arrays = {name: value if isinstance(value, (list, tuple)) else [value] for name, value in inputs.items()}
    shapes = (f"{name} {', '.join(str(list(x.shape)) for x in several[:3])}" for name, several in arrays.items())
    return ImageError(f"graph: {reason.rstrip('.')}, got {', '.join(shapes)}. Give others.")


def _model_bytes(graph: Any) -> bytes | str:
    """Return the model as ONNX Runtime loads it: its bytes or its path.

    It is the path if weights may be in files beside the model.

    Raises:
        GraphError: it is no path, bytes or model, or the file cannot be read.
    """
    if isinstance(graph, (bytes, bytearray, memoryview)):
        return bytes(graph)
    if hasattr(graph, "SerializeToString"):
        data: bytes = graph.SerializeToString()
        return data
    try:
        path = Path(graph)
    except TypeError:
        raise GraphError(f"graph: expected a path, bytes or an ONNX model, got {type(graph).__name__}") from None
    try:
        content = path.read_bytes()
        return str(path.absolute()) if b"location" in content else content
    except OSError as error:
        raise GraphError(f"{path}: cannot be read ({error.strerror}). Give the path of an ONNX file.") from None
