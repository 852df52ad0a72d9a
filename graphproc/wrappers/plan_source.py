"""Write what a plan computes as source text, for those who know sizes in another language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from textwrap import wrap
from typing import Any

from graphproc.version import __version__
from graphproc.wrappers.compilation import Compilation

MOST_SETTINGS = 4000
"""How many characters of settings are written out; of more there is a digest."""


class PlanSource(Compilation):
    """Writes the size function of a processor."""

    def plan_source(self, language: str, *, inputs: Sequence[str] = (), **changes: Any) -> bytes:
        """Return the function that plans images of this processor, in a language.

        It takes an image's height and width and returns the same numbers as `Plan.results`, apart
        from those that pixels decide. In a class of pairs they are those of a sample of images of
        this one size.

        Args:
            language: `c`, `go`, `javascript`, `json`, `onnx`, `python` or `rust`.
            inputs: optional inputs beside the image, as for `compile`; their sizes become arguments.
            **changes: settings to use instead of the processor's own.

        Returns:
            What a file of that language holds: text in UTF-8, or an ONNX model.

        Raises:
            ConfigError: a setting has no meaning.
            EmitError: there is no such language, or it cannot express the function.
            ProgramError: the settings take no image.
        """
        from graphproc.emitters.source.registry import check_language, write
        from graphproc.plans.facts import size_function

        check_language(language)
        program = self.compile(inputs=inputs, **changes)
        function = size_function(program, images=self.spec.samples.images or 1)
        return write(function, language, self._about(inputs, changes))

    def _about(self, inputs: Sequence[str], changes: Mapping[str, Any]) -> list[str]:
        """Return lines of ASCII that say what the function plans."""
        images = self.spec.samples.images
        of_pairs = [f"They are those of a sample of {images} images of this size."] if images > 1 else []
        settings = json.dumps(self._saved_with(changes), sort_keys=True)
        if len(settings) > MOST_SETTINGS:
            settings = f"SHA-256 {sha256(settings.encode()).hexdigest()} of their JSON"
        return [
            f"{self.spec.name}: sizes of its results, by the size of an image in pixels.",
            *of_pairs,
            f"Written by graphproc {__version__}, backend {self.backend}{', with ' + ', '.join(inputs) if inputs else ''}.",
            *wrap(f"Settings: {settings}", 96, break_long_words=False, break_on_hyphens=False),
        ]
