"""Find files of a model on the Hub with huggingface_hub, and so with its cache, offline mode, tokens and endpoint."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphproc.configs.files import check_subfolder
from graphproc.errors import ConfigError, RuntimeUnavailableError

_ID = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)?", re.ASCII)
_LOG_IN = "run `hf auth login` or pass token="


def is_id(source: str) -> bool:
    """Tell whether a text has the form of a Hub id (`name` or `owner/name`), and is not the name of a JSON file."""
    return bool(_ID.fullmatch(source)) and not source.endswith(".json") and ".." not in source and "--" not in source


@dataclass
class HubRepository:
    """A model repository. Files come from the cache or are downloaded into it.

    Attributes:
        id: `owner/name`.
        subfolder: a folder in the repository, or an empty string.
        revision: a branch, a tag or a commit. Once a file is found it is the file's commit, so that all files
            belong to one state.
        cache_dir: where downloads are kept, instead of huggingface_hub's cache.
        force_download: whether to download files that are in the cache already.
        local_files_only: whether to read only files in the cache.
        token: a token, True for the stored one, False for none, None for the stored one if there is one.
    """

    id: str
    subfolder: str = ""
    revision: str = "main"
    cache_dir: str | os.PathLike[str] | None = None
    force_download: bool = False
    local_files_only: bool = False
    token: str | bool | None = None
    _failure: ConfigError | None = field(default=None, init=False)
    _reached: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Check for errors that the client would report late or not at all.

        Raises:
            ConfigError: the subfolder leads out of the repository, or the options contradict each other.
        """
        self.subfolder = check_subfolder(self.subfolder)
        if self.force_download and self.local_files_only:
            raise ConfigError("force_download: has no meaning with local_files_only. Leave one of them out.")

    def find(self, name: str) -> Path | None:
        """Return the local path of a file, downloaded if necessary, or None if the repository has no such file.

        Without a connection, the result is also None for a file that is not in the cache; `failure` then says why.

        Raises:
            ConfigError: access was denied, there is no such repository or revision, or the download failed.
        """
        client()
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, LocalTokenNotFoundError

        label = self.label(name)
        # After a failed connection, other files come from the cache: one state of files, and only one timeout.
        offline = self.local_files_only or self._failure is not None
        try:
            if not (offline or self._reached or self.force_download):
                self._reach(name)
            path = self._download(name, offline)
        except LocalEntryNotFoundError as error:
            self._failure = self._failure or explained(error, label, offline=self.local_files_only)
            return None
        except EntryNotFoundError as error:
            headers = getattr(getattr(error, "response", None), "headers", {})
            self.revision = headers.get("X-Repo-Commit") or self.revision
            return None
        except MemoryError:
            raise
        except Exception as error:  # the client raises errors of its own, of its HTTP library, and OSError for the disk
            final = isinstance(error, (ValueError, LocalTokenNotFoundError)) or status_of(error) in (401, 403, 404)
            if final or offline or self.force_download:
                raise explained(error, label) from error
            # The client looks into its cache when it cannot connect, but not when a connection breaks off.
            self._failure = explained(error, label)
            try:
                path = self._download(name, True)
            except LocalEntryNotFoundError:
                return None
        parts = path.parts
        if "snapshots" in parts:
            position = len(parts) - 1 - parts[::-1].index("snapshots")
            self.revision = parts[position + 1]
        return path

    def _reach(self, name: str) -> None:
        """Ask once for a file that is not in the cache. The client would ask six times in vain, for 24 seconds.

        Raises:
            LocalEntryNotFoundError: there is no connection. Every answer is left to the client.
        """
        from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, LocalTokenNotFoundError

        path = f"{self.subfolder}/{name}" if self.subfolder else name
        cache_dir = None if self.cache_dir is None else Path(self.cache_dir)
        if constants.HF_HUB_OFFLINE or isinstance(try_to_load_from_cache(self.id, path, cache_dir, self.revision), str):
            return  # the client asks only once then
        try:
            url = hf_hub_url(self.id, path, revision=self.revision)
            get_hf_file_metadata(url, token=self.token, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        except (HFValidationError, LocalTokenNotFoundError, MemoryError):
            raise
        except Exception as error:  # errors of the client and of its HTTP library
            if status_of(error) is None:
                raise LocalEntryNotFoundError(f"no connection: {reason(error)}") from error
        self._reached = True

    def _download(self, name: str, offline: bool) -> Path:
        from huggingface_hub import hf_hub_download

        return Path(
            hf_hub_download(
                self.id,
                name,
                subfolder=self.subfolder or None,
                revision=self.revision,
                cache_dir=None if self.cache_dir is None else Path(self.cache_dir),
                force_download=self.force_download and not offline,
                local_files_only=offline,
                token=self.token,
            )
        )

    def label(self, name: str) -> str:
        """Return the name of a file in messages."""
        inside = f"{self.subfolder}/{name}" if self.subfolder else name
        return f"{self.id} ({inside}, revision {self.revision})"

    @property
    def failure(self) -> ConfigError | None:
        """Return why files could not be looked for, or None if they could."""
        return self._failure


def client() -> Any:
    """Import and return the module `huggingface_hub`.

    Raises:
        RuntimeUnavailableError: the module is not installed.
    """
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"Hub ids: expected the package huggingface_hub, got: {error}. Run: pip install huggingface_hub"
        ) from error
    return huggingface_hub


def explained(error: Exception, label: str, *, offline: bool = False) -> ConfigError:
    """Turn an error of the client into one of a single line that says what to do.

    Args:
        error: the error that the client raised.
        label: the repository and the file, for the message.
        offline: whether the caller forbade downloads.
    """
    from huggingface_hub import constants, errors

    if isinstance(error, ConfigError):
        return error
    endpoint = constants.ENDPOINT
    status = status_of(error)
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, errors.HfHubHTTPError):
        status = status_of(error.__cause__)
    if isinstance(error, errors.GatedRepoError):
        text = f"access to this model is restricted. Ask for access on its page, then {_LOG_IN}"
    elif isinstance(error, errors.RevisionNotFoundError):
        text = "there is no such revision. Check the branch, tag or commit"
    elif isinstance(error, errors.RepositoryNotFoundError):
        text = f"{endpoint} has no such model, or it is private. Check the name; for a private model {_LOG_IN}"
    elif status == 401:
        text = f"there is no such model, it is private, or the token is not valid. Check the name; {_LOG_IN}"
    elif status == 403:
        text = f"the token does not allow this. Use one that does: {_LOG_IN}"
    elif isinstance(error, errors.LocalEntryNotFoundError):
        if offline or getattr(constants, "HF_HUB_OFFLINE", False):
            why = "local_files_only" if offline else "HF_HUB_OFFLINE"
            text = f"not in the cache, and {why} forbids downloads. Download it once while online, or give a folder"
        else:
            text = (
                f"not in the cache, and {endpoint} cannot be used ({reason(error.__cause__ or error)}). "
                "Check the connection and HF_ENDPOINT, or give a folder"
            )
    elif isinstance(error, errors.HFValidationError):
        text = f"is no Hub id ({reason(error)}). Write owner/name"
    elif isinstance(error, errors.LocalTokenNotFoundError):
        text = f"token=True, but none is stored. Log in: {_LOG_IN}"
    else:
        # such as "Force download failed due to the above error"
        text = f"{endpoint} did not deliver the file or take it ({reason(error.__cause__ or error)}). Try again"
    return ConfigError(f"{label}: {text}.")


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an error of the client, or None if it has none."""
    status: int | None = getattr(getattr(error, "response", None), "status_code", None)
    return status


def reason(error: BaseException) -> str:
    """Return the first line of an error's text, or its class's name if it has no text."""
    text = next((line for line in str(error).splitlines() if line.strip()), "")
    text = " ".join(text.split()).rstrip(".") or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
