"""Make processors that are transformers' own kind, so that its processors, pipelines and servers take them.

The class of such a processor, an adapter, is made of two: this package's class, which does everything, and
transformers' base class, which its code asks for. transformers is imported when the first adapter is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from graphproc.errors import ConfigError, RuntimeUnavailableError
from graphproc.ir.backends import PIL
from graphproc.wrappers.description import Description
from graphproc.wrappers.processor import BaseImageProcessor, processor_class
from graphproc.wrappers.settings import BACKEND_KEY

_LOADING_KEYS = ("_from_auto", "_from_pipeline", "_commit_hash", "proxies", "trust_remote_code", "code_revision")
"""Keywords that transformers' auto classes pass on to `from_pretrained` beside a caller's."""

if TYPE_CHECKING:
    _Base = BaseImageProcessor
else:
    _Base = object


def for_transformers(processor: BaseImageProcessor) -> BaseImageProcessor:
    """Return a copy of a processor that transformers takes for one of its own.

    It is an instance of this package's class and of `transformers.BaseImageProcessor`. So a processor such
    as `transformers.CLIPProcessor` is made with it, has its `image_processor` replaced by it, and saves it;
    pipelines take it as `image_processor=`. Results are the same; they come in transformers' `BatchFeature`.
    What it saves, transformers loads without this package.

    Args:
        processor: any image processor of this package.

    Raises:
        ConfigError: it is something else.
        RuntimeUnavailableError: transformers 5 is not installed.
    """
    if isinstance(processor, Adapter):
        return processor
    if not isinstance(processor, BaseImageProcessor):
        raise ConfigError(
            f"for_transformers: expected an image processor of graphproc, got {type(processor).__name__}. "
            "Load it with graphproc.AutoImageProcessor.from_pretrained."
        )
    made: BaseImageProcessor = _restored(type(processor), deepcopy(processor.__getstate__()))
    return made


def transformers_module(name: str) -> Any:
    """Import a module of transformers.

    Args:
        name: its name, beginning with `transformers`.

    Raises:
        RuntimeUnavailableError: transformers 5 is not installed.
    """
    install = "pip install 'graphproc[transformers]'"
    try:
        version = import_module("transformers").__version__
        if int(version.partition(".")[0]) < 5:
            raise RuntimeUnavailableError(f"transformers: expected version 5, got {version}. {install}")
        return import_module(name)
    except ImportError as error:
        raise RuntimeUnavailableError(f"transformers: expected it to be installed, got: {error}. {install}") from error


_adapters: dict[Any, Any] = {}


def adapter(base: Any) -> Any:
    """Return the one class that is both a class of this package, under its name, and transformers' base class.

    Args:
        base: the class of this package, or a class made of it.

    Raises:
        RuntimeUnavailableError: transformers 5 is not installed.
    """
    if base in _adapters:
        return _adapters[base]
    theirs = transformers_module("transformers.image_processing_utils").BaseImageProcessor
    body: dict[str, Any] = {"__module__": __name__, "__doc__": Description(), "adapted": base}
    body["valid_kwargs"] = _valid_kwargs(base)
    return _adapters.setdefault(base, type(base.__name__, (Adapter, base, theirs), body))


def _valid_kwargs(base: type[Any]) -> Any:
    """Return the typed keywords of a call as transformers' class has them, by which its processors sort and check theirs."""
    try:
        return getattr(import_module("transformers"), base.spec.name).valid_kwargs
    except (AttributeError, ImportError):  # transformers does not have the class here
        return base.valid_kwargs


def _restored(base: Any, state: Mapping[str, Any]) -> Any:
    """Make an adapter of a class's state."""
    kind = adapter(base)
    made = kind.__new__(kind)
    made.__setstate__(state)
    return made


class Adapter(_Base):
    """What an adapter does otherwise than the class of this package."""

    adapted: ClassVar[type[Any]]
    valid_kwargs: ClassVar[Any]

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Load a processor; see the class of this package. What transformers' auto classes say of themselves changes nothing."""
        given = {key: value for key, value in kwargs.items() if key not in _LOADING_KEYS}
        given["revision"] = given.get("revision") or "main"
        return super().from_pretrained(pretrained_model_name_or_path, *args, **given)

    def preprocess(self, images: Any, *inputs: Any, **kwargs: Any) -> Any:
        """Preprocess images; the result is transformers' `BatchFeature`."""
        found = super().preprocess(self._downloaded(images), *inputs, **kwargs)
        if not hasattr(found, "convert_to_tensors"):
            return found
        kind = transformers_module("transformers.image_processing_utils").BatchFeature
        skipped = found.skip_tensor_conversion
        return kind(dict(found), skip_tensor_conversion=None if skipped is None else list(skipped))

    def fetch_images(self, image_url_or_urls: Any) -> Any:
        """Open image files and URLs, one or nested lists of them; transformers downloads the URLs."""
        return super().fetch_images(self._downloaded(image_url_or_urls))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings and the backend as a configuration file holds them: transformers' processors save this."""
        return {**super().to_dict(), BACKEND_KEY: self.backend}

    def _downloaded(self, images: Any) -> Any:
        """Replace URLs in nested lists by images; what has none stays as it is."""
        if isinstance(images, (list, tuple)):
            found = [self._downloaded(image) for image in images]
            return images if all(new is old for new, old in zip(found, images, strict=True)) else found
        if isinstance(images, str) and images.startswith(("http://", "https://")):
            image = transformers_module("transformers.image_utils").load_image(images)
            return image if self.backend == PIL else self.process_image(image)
        return images

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in type(self).valid_kwargs.__annotations__:  # those that are not set are None in transformers
                return None
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        kept = "_unknown" in self.__dict__ and name in type(self).valid_kwargs.__annotations__
        if kept and name not in (*self._setting_names, *self._computed):
            self._unknown[name] = value  # such as image_seq_length, which only transformers' processors read
        else:
            super().__setattr__(name, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if type(self) is adapter(self.adapted):
            return _restored, (self.adapted, self.__getstate__())
        return super().__reduce_ex__(protocol)  # a class that was made of the adapter


def __getattr__(name: str) -> Any:
    """Return an adapter by the name of its class, so that the class itself can be pickled."""
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return adapter(processor_class(name))
    except ValueError as error:
        raise AttributeError(str(error)) from None
