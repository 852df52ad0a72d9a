"""Load, save and share image processors, as transformers' mixin of the same name does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np

from graphproc.configs import timm
from graphproc.configs.classes import GENERIC_TYPES, class_of_name
from graphproc.configs.files import FILE_NAME, MODEL_FILE_NAME, short
from graphproc.configs.hub import client, explained
from graphproc.configs.legacy import notes
from graphproc.configs.sources import TYPE_KEYS, Folder, Source, file_source, load_source
from graphproc.errors import ConfigError, warn
from graphproc.files import write_atomically
from graphproc.ir.backends import BACKENDS, PIL, TORCHVISION
from graphproc.processors.registry import specs
from graphproc.processors.spec import ProcessorSpec
from graphproc.wrappers.attributes import saved
from graphproc.wrappers.settings import BACKEND_KEY, Settings, setting_names

T = TypeVar("T", bound="ImageProcessingMixin")
Pathlike = str | os.PathLike[str]

OPTIONS = ("backend", "engine")
"""Keywords of the constructor that are not settings in a file."""


class ImageProcessingMixin(Settings):
    """Loads processors from folders, files and the Hub, and saves them there."""

    @classmethod
    def _class_named(cls, name: str) -> type[Any]:
        """Return the processor class of a transformers name."""
        raise NotImplementedError

    # ---- loading -----------------------------------------------------------------------------------------------

    @overload
    @classmethod
    def from_pretrained(
        cls: type[T], pretrained_model_name_or_path: Pathlike, *, return_unused_kwargs: Literal[True], **kwargs: Any
    ) -> tuple[T, dict[str, Any]]: ...

    @overload
    @classmethod
    def from_pretrained(cls: type[T], pretrained_model_name_or_path: Pathlike, *args: Any, **kwargs: Any) -> T: ...

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: Pathlike,
        cache_dir: Pathlike | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
        revision: str = "main",
        **kwargs: Any,
    ) -> Any:
        """Load a processor from the Hub, a folder, or a JSON file.

        A class loads every file as its own, with a warning if the file is for another class.
        `AutoImageProcessor` takes the class that the file is for. Code in a repository is never run.

        Args:
            pretrained_model_name_or_path: a folder with `preprocessor_config.json` or `processor_config.json`, the path
                of a JSON file, or a Hub id such as `openai/clip-vit-base-patch32`.
            cache_dir: where downloads are kept, instead of huggingface_hub's cache.
            force_download: whether to download files that are in the cache already.
            local_files_only: whether to read only files in the cache.
            token: a Hub token, or True for the stored one.
            revision: a branch, tag or commit.
            **kwargs: `subfolder`, a folder in the repository; `image_processor_filename`, a name other
                than `preprocessor_config.json`; `return_unused_kwargs`; `backend` and `engine` as in the
                constructor; for `AutoImageProcessor`, `use_fast`, True for the backend `torchvision` and
                False for `pil`; and settings that override the file's, also with None. Others change
                nothing. Without `backend` and `use_fast`, the name of this class (`...Fast`, `...Pil`)
                names the backend, else the file does if `save_pretrained` wrote it, else it is
                transformers' default: `torchvision` where the class has it.

        Returns:
            The processor, or with `return_unused_kwargs=True` the processor and the keywords that changed nothing.

        Raises:
            ConfigError: the source cannot be read, is not a configuration, or a setting has no meaning.
            UnsupportedProcessorError: the configuration is for a class that is not supported.

        Warns:
            UserWarning: what was assumed about the file.
        """
        source = load_source(
            pretrained_model_name_or_path,
            subfolder=kwargs.pop("subfolder", None) or "",
            cache_dir=cache_dir,
            force_download=force_download,
            local_files_only=local_files_only,
            token=token,
            revision=revision,
            file_name=kwargs.pop("image_processor_filename", None) or FILE_NAME,
        )
        return _processor_from(cls, source, kwargs)

    @classmethod
    def get_image_processor_dict(
        cls, pretrained_model_name_or_path: Pathlike, **kwargs: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the settings that `from_pretrained` would load, as the file has them, and the other keywords."""
        places = ("subfolder", "cache_dir", "force_download", "local_files_only", "token", "revision")
        options = {key: kwargs.pop(key) for key in places if key in kwargs}
        name = kwargs.pop("image_processor_filename", None) or FILE_NAME
        return dict(load_source(pretrained_model_name_or_path, **options, file_name=name).settings), kwargs

    @overload
    @classmethod
    def from_dict(
        cls: type[T], image_processor_dict: Mapping[str, Any], *, return_unused_kwargs: Literal[True], **kwargs: Any
    ) -> tuple[T, dict[str, Any]]: ...

    @overload
    @classmethod
    def from_dict(cls: type[T], image_processor_dict: Mapping[str, Any], **kwargs: Any) -> T: ...

    @classmethod
    def from_dict(cls, image_processor_dict: Mapping[str, Any], **kwargs: Any) -> Any:
        """Return a processor with the settings of a dictionary, as a configuration file holds them.

        Args:
            image_processor_dict: the settings.
            **kwargs: as for `from_pretrained`, without those that say where a file is.

        Returns:
            The processor, or with `return_unused_kwargs=True` the processor and the keywords that changed nothing.

        Raises:
            ConfigError: a setting has no meaning, or nothing says which class is meant.

        Warns:
            UserWarning: what was assumed about the settings.
        """
        return _processor_from(cls, Source(dict(image_processor_dict), "settings", _NoFiles()), kwargs)

    @classmethod
    def from_json_file(cls: type[T], json_file: Pathlike) -> T:
        """Return a processor with the settings of a JSON file.

        Raises:
            ConfigError: the file cannot be read or is not a configuration.
        """
        path = Path(json_file)
        made: T = _processor_from(cls, file_source(path, str(path), Folder(path.parent)), {})
        return made

    # ---- saving ------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a configuration file holds them, without those that have no default and were not set.

        The backend is not among them, as in transformers, where each backend is a class of its own.
        `from_dict(settings, backend=...)` names it; files and `to_json_string` keep it.
        """
        return saved(self.spec, self._config({}), {key: getattr(self, key) for key in self._computed}, self._unknown)

    def to_json_string(self) -> str:
        """Return the settings and the backend as JSON, keys in order."""
        return json.dumps({**self.to_dict(), BACKEND_KEY: self.backend}, indent=2, sort_keys=True, default=_plain) + "\n"

    def to_json_file(self, json_file_path: Pathlike) -> None:
        """Write the settings to a file, whole or not at all.

        Raises:
            ConfigError: the folder does not exist or cannot be written, or JSON cannot hold a value.
        """
        write_atomically(json_file_path, self._file_content())

    def save_pretrained(self, save_directory: Pathlike, push_to_hub: bool = False, **kwargs: Any) -> list[str]:
        """Write `preprocessor_config.json` to a folder, whole or not at all; transformers loads it as well.

        Args:
            save_directory: the folder; it is made if it does not exist.
            push_to_hub: whether to upload the file as well.
            **kwargs: `repo_id` (the folder's name if not given) and the keywords of `push_to_hub`.

        Returns:
            The path of the file, in a list.

        Raises:
            ConfigError: the folder cannot be made or written, JSON cannot hold a value, or the upload failed.
        """
        folder = Path(save_directory)
        content = self._file_content()
        if kwargs and not push_to_hub:
            raise TypeError(f"save_pretrained: {', '.join(kwargs)} only with push_to_hub=True")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder}: expected a folder, or to make one ({error.strerror})") from None
        path = write_atomically(folder / FILE_NAME, content)
        if push_to_hub:
            self.push_to_hub(kwargs.pop("repo_id", None) or folder.resolve().name, **kwargs)
        return [str(path)]

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str | None = None,
        commit_description: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> Any:
        """Upload `preprocessor_config.json` to a model repository on the Hub. It is made if it does not exist.

        Args:
            repo_id: `owner/name`, or a name of one's own.
            commit_message: the commit's first line.
            commit_description: the rest of the commit's message.
            private: whether a new repository is private.
            token: a Hub token, or True for the stored one.
            revision: the branch to commit to; it is made if it does not exist.
            create_pr: whether to open a pull request instead.

        Returns:
            huggingface_hub's CommitInfo.

        Raises:
            ConfigError: JSON cannot hold a value, or the Hub refused the upload.
        """
        content = self._file_content()
        hub = client()
        label = f"{repo_id} ({FILE_NAME}, upload)"
        try:
            api = hub.HfApi(token=token)
            # The Hub's answer adds the owner to a name without one.
            repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
            if revision is not None and not revision.startswith("refs/pr/"):
                api.create_branch(repo_id, branch=revision, exist_ok=True)
            return api.create_commit(
                repo_id,
                operations=[hub.CommitOperationAdd(FILE_NAME, content)],
                commit_message=commit_message or "Upload image processor",
                commit_description=commit_description,
                revision=revision,
                create_pr=create_pr,
            )
        except MemoryError:
            raise
        except Exception as error:  # the client raises its own, those of its HTTP library, and OSError
            raise explained(error, label) from error

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.to_json_string()}"

    def _file_content(self) -> bytes:
        json.loads(self.to_json_string(), parse_constant=_no_number)
        for key, value in self.to_dict().items():
            if not _has_json_form(value):
                raise ConfigError(f"{key}: expected a value that JSON holds, got {type(value).__name__}. Remove the attribute.")
        return self.to_json_string().encode()


class _NoFiles:
    """Replace a model's files for settings that did not come from a file."""

    failure: ConfigError | None = None

    def find(self, name: str) -> None:
        """Return None: no file is found."""

    def label(self, name: str) -> str:
        """Return the name itself."""
        return name


def _processor_from(cls: type[Any], source: Source, kwargs: dict[str, Any]) -> Any:
    """Make a processor of a source's settings and of keywords that override them.

    Returns:
        The processor, or with `return_unused_kwargs` the processor and the keywords that changed
            nothing.

    Raises:
        ConfigError: a setting has no meaning.
    """
    return_unused = kwargs.pop("return_unused_kwargs", False)
    chosen, assumed = _class_for(cls, source)
    spec: ProcessorSpec = chosen.spec
    settings = {k: v for k, v in source.settings.items() if k not in (*OPTIONS, BACKEND_KEY)}
    effective = {*setting_names(spec), *spec.older, *settings}
    options = {k: kwargs.pop(k) for k in OPTIONS if kwargs.get(k) is not None}
    use_fast = None if chosen is cls else kwargs.pop("use_fast", None)  # as in transformers, only AutoImageProcessor reads it
    requested = None if "backend" in options else _requested_backend(chosen, source, use_fast)
    if requested is not None:
        wanted, missed = spec.backend_wanted(requested)
        options |= {} if wanted is None else {"backend": wanted}
        assumed = [*assumed, *missed]
    overriding = {k: kwargs.pop(k) for k in list(kwargs) if k in effective}
    source.check(effective - overriding.keys())
    assumed = [*assumed, *(f"{what}; the key is left out, as {spec.name} does not use it" for what in source.faults.values())]
    try:
        if timm.KEY in spec.declared and timm.KEY not in (settings | overriding):
            raise ConfigError(f"{timm.KEY}: expected timm's settings, got none. Load the model's {MODEL_FILE_NAME}.")
        processor = chosen(**options, **{**settings, **overriding})
    except ConfigError as error:
        given = any(str(error).startswith(f"{key}:") for key in (*overriding, *options))
        raise type(error)(str(error) if given else f"{source.label}: {short(str(error), 400)}") from None
    for text in (*source.assumed, *assumed, *notes(setting_names(spec), settings)):
        warn(f"{source.label}: {text}")
    return (processor, kwargs) if return_unused else processor


def _requested_backend(chosen: type[Any], source: Source, use_fast: Any) -> str | None:
    """Return the backend that is requested, or None.

    In order, these are read: `use_fast`, the class's name, the file's key. The name of a class in a
    file requests none, as in transformers: `CLIPImageProcessorPil` there means CLIP.

    Raises:
        ConfigError: the file's key has another value.
    """
    if use_fast is not None:
        return TORCHVISION if use_fast else PIL
    kept = source.settings.get(BACKEND_KEY)
    if kept is not None and kept not in BACKENDS:
        raise ConfigError(f"{source.label}: {BACKEND_KEY}: expected one of {', '.join(BACKENDS)}, got {short(repr(kept))}")
    return kept if chosen.named_backend is None else chosen.named_backend


def _class_for(cls: type[Any], source: Source) -> tuple[type[Any], list[str]]:
    """Return the class itself, or for `AutoImageProcessor` the one that the settings are for, and what was assumed."""
    if not hasattr(cls, "spec"):
        name, assumed = source.processor_class(specs())
        try:
            return cls._class_named(name), assumed
        except ConfigError as error:
            key = next((key for key in TYPE_KEYS if source.settings.get(key)), "model_type")
            raise type(error)(f"{source.label}: {key}: {error}") from None
    names = [n for key in TYPE_KEYS if isinstance(n := source.settings.get(key), str) and n not in GENERIC_TYPES]
    meant = [found for found in (class_of_name(name)[0] for name in names) if found is not None]
    if names and cls.spec.name not in meant[:1]:
        return cls, [f"the settings are for {(meant or [short(names[0])])[0]}, and are used as {cls.spec.name}"]
    return cls, []


def _plain(value: Any) -> Any:
    """Return the JSON form of a value that JSON does not have."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return repr(value)


def _no_number(name: str) -> Any:
    raise ConfigError(f"settings: expected finite numbers to save, got {name}")


def _has_json_form(value: Any) -> bool:
    return all(isinstance(v, (str, int, float, type(None), np.ndarray, np.generic)) for v in _leaves(value))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
