"""A Hub on the loopback interface: the routes that huggingface_hub's client uses for single files and commits.

Source: the requests of huggingface_hub, and the headers and status codes that its error classes look for.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Repository:
    """A model: the files of each commit, and the commit of each branch."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    gated: bool = False

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        """Add files to a branch; return the new commit."""
        whole = {**self.commits.get(self.branches.get(branch, ""), {}), **files}
        sha = hashlib.sha1(repr((len(self.commits), sorted(whole.items()))).encode()).hexdigest()
        self.commits[sha] = whole
        self.branches[branch] = sha
        return sha


@dataclass
class Hub:
    """Models by id, what goes wrong with a path (`drop`, `truncate`, `loop`, `stall` or a status), and the requests so far."""

    endpoint: str = ""
    models: dict[str, Repository] = field(default_factory=dict)
    faults: dict[str, str | int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def add(self, name: str, files: dict[str, Any], branch: str = "main", **options: Any) -> str:
        """Make a model, or commit to it; values that are not bytes are written as JSON."""
        model = self.models.setdefault(name, Repository(**options))
        return model.commit(branch, {k: v if isinstance(v, bytes) else json.dumps(v).encode() for k, v in files.items()})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    hub: Hub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status: int, code: str, message: str = "", **headers: str) -> None:
        self.answer(status, b"", X_Error_Code=code, X_Error_Message=message or code, **headers)

    def model(self, name: str) -> Repository | None:
        """Return the model if the caller may see it; otherwise the refusal is sent."""
        found = self.hub.models.get(name)
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if found is not None and found.gated and bearer != found.token:
            self.refuse(401 if not bearer else 403, "GatedRepo", "Access to this model is restricted.")
        elif found is None or (found.token is not None and bearer != found.token):
            wrong = bool(bearer) and bearer not in {m.token for m in self.hub.models.values()} | {"hf_write"}
            if wrong:
                self.answer(401, X_Error_Message="Invalid credentials in Authorization header")
            else:
                self.refuse(404 if bearer else 401, "RepoNotFound", "Invalid username or password.")
        else:
            return found
        return None

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if match is None:
            return self.refuse(404, "NotFound")
        name, revision, file = match.groups()
        model = self.model(name)
        if model is None:
            return None
        sha = model.branches.get(revision, revision)
        if sha not in model.commits:
            return self.refuse(404, "RevisionNotFound")
        fault = self.hub.faults.get(file)
        if isinstance(fault, int):
            return self.refuse(fault, "Fault")
        if fault == "loop":
            return self.answer(307, Location=self.path, X_Repo_Commit=sha)
        if fault == "drop" or (fault == "drop body" and self.command == "GET"):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return None
        if file not in model.commits[sha]:
            return self.refuse(404, "EntryNotFound", X_Repo_Commit=sha)
        body = model.commits[sha][file]
        headers = {"ETag": f'"{hashlib.sha1(body).hexdigest()}"', "X_Repo_Commit": sha}
        if fault == "truncate" and self.command == "GET":
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return None
        if fault == "short" and self.command == "GET":  # complete by its own account
            return self.answer(200, body[: len(body) // 2], **headers)
        return self.answer(200, body, **headers)

    def do_POST(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"POST {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not bearer:
            return self.answer(401, X_Error_Message="Invalid username or password.")
        if bearer == "hf_read":
            return self.refuse(403, "Forbidden", "This token cannot write.")
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'me'}/{asked['name']}"
            if name in self.hub.models:
                return self.json({"url": f"{self.hub.endpoint}/{name}"}, 409)
            self.hub.add(
                name,
                {".gitattributes": b""},
                token=bearer if asked.get("private") or asked.get("visibility") == "private" else None,
            )
            return self.json({"url": f"{self.hub.endpoint}/{name}", "name": name})
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(preupload|commit|branch)/(.+)", path)
        if match is None:
            return self.refuse(404, "NotFound")
        name, action, revision = match.groups()
        model = self.model(name)
        if model is None:
            return None
        if action == "branch":
            model.branches[revision] = model.branches["main"]
            return self.json({})
        if revision not in model.branches:
            return self.refuse(404, "RevisionNotFound")
        if action == "preupload":
            files = json.loads(body)["files"]
            return self.json({"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]})
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        added = [line["value"] for line in lines if line["key"] == "file"]
        self.hub.messages += [line["value"]["summary"] for line in lines if line["key"] == "header"]
        sha = model.commit(revision, {f["path"]: base64.b64decode(f["content"]) for f in added})
        return self.json({"success": True, "commitOid": sha, "commitUrl": f"{self.hub.endpoint}/{name}/commit/{sha}"})

    def json(self, value: Any, status: int = 200) -> None:
        self.answer(status, json.dumps(value).encode(), Content_Type="application/json")


@contextlib.contextmanager
def running() -> Iterator[Hub]:
    """Run a Hub that answers until the block ends."""
    hub = Hub()
    handler = type("BoundHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
