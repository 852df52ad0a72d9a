"""Get the values that results are compared with: from the kit's files, or computed again from its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from graphproc.errors import ConfigError, GraphprocError
from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.kits.cases import Array, Case, program_of, values
from graphproc.kits.causes import Made
from graphproc.kits.manifest import Entry, Manifest, Tensor
from graphproc.kits.results import is_inside, read_npy
from graphproc.kits.write import tensor
from graphproc.wrappers.processor import AutoImageProcessor, BaseImageProcessor


@dataclass
class Expected:
    """The values of a kit, for one backend.

    A kit has few values in files. The others are computed from its settings and images, which tells
    more than a digest; they count only if their digest is the kit's.

    Attributes:
        folder: the kit's folder.
        manifest: its manifest.
        backend: the backend.
    """

    folder: Path
    manifest: Manifest
    backend: str
    _computed: dict[str, dict[str, Array]] = field(default_factory=dict)

    @cached_property
    def processor(self) -> BaseImageProcessor | None:
        """Return the kit's processor; None if this version of the package does not have it, or another program of it."""
        try:
            found: BaseImageProcessor = AutoImageProcessor.from_dict(dict(self.manifest.settings), backend=self.backend)
            return found if str(program_of(found)) == self.manifest.section(self.backend).program else None
        except (GraphprocError, TypeError):
            return None

    @cached_property
    def program(self) -> Program | None:
        """Return the processor's program, or None without a processor."""
        return None if self.processor is None else program_of(self.processor)

    def array(self, entry: Entry, name: str) -> Array | None:
        """Return the value of a step or output of a case; None where only the digest is known.

        Raises:
            ConfigError: a file of the kit is damaged or missing.
        """
        (wanted,) = (one for one in entry.values[self.backend] if one.name == name)
        if wanted.file:
            return self._read(wanted)
        found = self._values(entry).get(name)
        return found if found is not None and tensor(name, found, wanted.file) == wanted else None

    def made(self, entry: Entry, name: str) -> Made | None:
        """Return how a step's value of one image is made; None where that is not known."""
        if self.program is None or len(entry.images) != 1 or not self._values(entry):
            return None
        step = next(step for step in self.program.steps if step.output.name == name)
        given = {"image": self._case(entry).images[0], **{key: rows[0] for key, rows in self._case(entry).inputs.items()}}
        sizes = reference.sizes_from(self.program, given)
        known = given | self._values(entry)
        for other in self.program.steps:
            if other.size_names:
                sizes.update(zip(other.size_names, known[other.output.name].tolist(), strict=True))
        return Made(step, step.op.bind(sizes), tuple(known[operand] for operand in step.inputs), sizes)

    def _values(self, entry: Entry) -> dict[str, Array]:
        """Return all values of a case, computed; none if they cannot be."""
        if entry.name not in self._computed:
            self._computed.clear()  # one case at a time: they may be large
            try:
                self._computed[entry.name] = {} if self.processor is None else values(self.processor, self._case(entry))
            except GraphprocError:
                self._computed[entry.name] = {}
        return self._computed[entry.name]

    def _case(self, entry: Entry) -> Case:
        names = [one.name for one in entry.images[0].inputs]
        inputs = {name: tuple(self._read(image.inputs[place]) for image in entry.images) for place, name in enumerate(names)}
        return Case(entry.name, entry.why, tuple(self._read(image.pixels) for image in entry.images), inputs)

    def _read(self, wanted: Tensor) -> Array:
        """Return the array of a file of the kit.

        Raises:
            ConfigError: it is not what the manifest says, or not in the kit.
        """
        if not is_inside(self.folder, wanted.file):
            raise ConfigError(f"{self.folder / wanted.file}: expected a file in the kit, got a link out of it")
        found = np.asarray(read_npy(self.folder / wanted.file))
        if tensor(wanted.name, found, wanted.file) != wanted:
            raise ConfigError(
                f"{self.folder / wanted.file}: expected what the manifest says, found something else. Make the kit again."
            )
        return found
