"""Loading from and uploading to a Hub, with the real client against a real server on the loopback interface.

Each test runs the client in a process of its own, because it reads its endpoint and cache from the environment once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.hub_server import Hub, running

CLIP = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 30}, "crop_size": 24, "note": "kept"}

PRELUDE = """
import json, os, time, warnings
warnings.simplefilter("ignore")
time.sleep = lambda seconds: None  # the client waits 23 seconds in all before it gives up
import graphproc as gp
def load(name="me/clip", make=gp.AutoImageProcessor, **kwargs):
    try:
        return make.from_pretrained(name, **kwargs)
    except gp.GraphprocError as error:
        return f"{type(error).__name__}: {error}"
def size(*args, **kwargs):
    found = load(*args, **kwargs)
    return found if isinstance(found, str) else found.size["shortest_edge"]
out = []
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running() as found:
        yield found


class Client:
    """Runs code in a process with a client that knows only this Hub and an empty home."""

    def __init__(self, hub: Hub, home: Path, root: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not k.startswith(("HF_", "HUGGING"))}
        self.environment = {
            **kept,
            "PYTHONPATH": str(root),
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(home),
            "HF_HUB_ETAG_TIMEOUT": "5",
            "HF_HUB_DOWNLOAD_TIMEOUT": "5",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_COLOR": "1",
        }

    def run(self, code: str, **environment: str) -> list[Any]:
        """Run code in a process; return what it put into `out`."""
        result = self.process(["-c", PRELUDE + code + "\nprint(json.dumps(out))"], **environment)
        assert result.returncode == 0, result.stderr
        assert "Traceback" not in result.stderr
        found: list[Any] = json.loads(result.stdout.splitlines()[-1])
        return found

    def process(self, arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], text=True, capture_output=True, timeout=60, env={**self.environment, **environment}
        )


@pytest.fixture
def client(hub: Hub, tmp_path: Path, root: Path) -> Client:
    return Client(hub, tmp_path / "home", root)


@pytest.mark.slow
def test_a_model_is_downloaded_once_and_then_works_offline(hub: Hub, client: Client) -> None:
    sha = hub.add("me/clip", {"preprocessor_config.json": CLIP})
    code = "p = load(); out += [type(p).__name__, p.size, p.crop_size, p.note]"
    expected = ["CLIPImageProcessor", {"shortest_edge": 30}, {"height": 24, "width": 24}, "kept"]
    assert client.run(code) == expected
    path = "/me/clip/resolve"
    assert hub.requests == [
        f"HEAD {path}/main/processor_config.json",  # whether there is a connection
        f"HEAD {path}/main/processor_config.json",
        f"HEAD {path}/{sha}/preprocessor_config.json",
        f"GET {path}/{sha}/preprocessor_config.json",
    ]
    hub.requests.clear()
    assert client.run(code, HF_HUB_OFFLINE="1") == expected
    assert client.run("out += [size(local_files_only=True)]") == [30]
    assert hub.requests == []
    assert client.run("out += [size()]", HF_ENDPOINT="http://127.0.0.1:9") == [30]  # nothing listens there


@pytest.mark.slow
def test_all_files_are_of_one_commit(hub: Hub, client: Client) -> None:
    sha = hub.add("me/clip", {"processor_config.json": {"processor_class": "CLIPProcessor"}, "preprocessor_config.json": CLIP})
    assert client.run("out += [size()]") == [30]
    assert [r.split("/")[-2] for r in hub.requests if r.startswith("HEAD")] == ["main", "main", sha]


@pytest.mark.slow
def test_what_is_not_in_the_cache_cannot_be_had_offline(hub: Hub, client: Client) -> None:
    hub.add("me/clip", {"preprocessor_config.json": CLIP})
    (by_keyword,) = client.run("out += [size(local_files_only=True)]")
    assert "me/clip" in by_keyword
    assert "not in the cache, and local_files_only forbids downloads. Download it once while online" in by_keyword
    (by_variable,) = client.run("out += [size()]", HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE forbids downloads" in by_variable
    timed = "start = time.perf_counter(); out += [size(), time.perf_counter() - start]"
    unreachable, seconds = client.run(timed, HF_ENDPOINT="http://127.0.0.1:9")
    assert seconds < 20, "the client waits 24 seconds between its six attempts"
    assert "not in the cache, and http://127.0.0.1:9 cannot be used" in unreachable
    assert "Check the connection and HF_ENDPOINT" in unreachable
    assert hub.requests == []


@pytest.mark.slow
def test_cache_dir_force_download_and_both(hub: Hub, client: Client, tmp_path: Path) -> None:
    hub.add("me/clip", {"preprocessor_config.json": CLIP})
    other = tmp_path / "other"
    assert client.run(f"out += [size(cache_dir={str(other)!r})]") == [30]
    assert (other / "models--me--clip").is_dir()
    hub.requests.clear()
    assert client.run(f"out += [size(cache_dir={str(other)!r}, force_download=True)]") == [30]
    assert [r for r in hub.requests if r.startswith("GET")]
    (message,) = client.run("out += [size(force_download=True, local_files_only=True)]")
    assert "force_download: has no meaning with local_files_only" in message


@pytest.mark.slow
def test_a_change_on_the_hub_is_seen_and_revisions_are_kept_apart(hub: Hub, client: Client) -> None:
    first = hub.add("me/clip", {"preprocessor_config.json": CLIP})
    hub.add("me/clip", {"preprocessor_config.json": {**CLIP, "size": 40}})
    hub.models["me/clip"].commit("other", {"preprocessor_config.json": json.dumps({**CLIP, "size": 50}).encode()})
    code = f"out += [size(), size(revision={first!r}), size(revision='other'), size(revision='none')]"
    found = client.run(code)
    assert found[:3] == [40, 30, 50]
    assert "me/clip (processor_config.json, revision none): there is no such revision" in found[3]
    hub.add("me/clip", {"preprocessor_config.json": {**CLIP, "size": 60}})
    assert client.run("out += [size()]") == [60]
    assert client.run("out += [size()]", HF_HUB_OFFLINE="1") == [60]


def test_a_nested_configuration_wins_and_subfolders_work(hub: Hub, client: Client) -> None:
    hub.add("me/clip", {"preprocessor_config.json": CLIP, "processor_config.json": {"image_processor": {**CLIP, "size": 31}}})
    hub.add(
        "me/sub", {"a/b/preprocessor_config.json": CLIP, "a/processor_config.json": {"image_processor": {**CLIP, "size": 32}}}
    )
    code = (
        "out += [size(), size('me/sub', subfolder='a/b'), size('me/sub', subfolder='a/'), size('me/sub'), size(subfolder='../x')]"
    )
    found = client.run(code)
    assert found[:3] == [31, 30, 32]
    assert "me/sub (preprocessor_config.json" in found[3]
    assert "no such file" in found[3]
    assert "subfolder: expected a relative path without .." in found[4]


@pytest.mark.slow
def test_the_model_type_is_asked_for_only_when_needed(hub: Hub, client: Client) -> None:
    plain = {"size": 40, "do_resize": True}
    hub.add("me/typed", {"preprocessor_config.json": {**plain, "feature_extractor_type": "ViTFeatureExtractor"}})
    hub.add("me/swin", {"preprocessor_config.json": plain, "config.json": {"model_type": "swin"}})
    names = client.run("out += [type(load(n)).__name__ for n in ('me/typed', 'me/swin')]")
    assert names == ["ViTImageProcessor"] * 2
    assert [r for r in hub.requests if r.endswith("/config.json")] == [
        f"{verb} /me/swin/resolve/{hub.models['me/swin'].branches['main']}/config.json" for verb in ("HEAD", "GET")
    ]


@pytest.mark.slow
def test_models_that_need_a_token(hub: Hub, client: Client) -> None:
    hub.add("me/clip", {"preprocessor_config.json": CLIP}, token="hf_right")
    hub.add("me/gated", {"preprocessor_config.json": CLIP}, token="hf_right", gated=True)
    found = client.run(
        "out += [size(), size('me/nothing'), size('me/gated'), size('me/gated', token='hf_wrong'), size(token='hf_wrong'),"
        " size(token='hf_right'), size('me/gated', token='hf_right')]"
    )
    assert "or the token is not valid. Check the name; run `hf auth login`" in found[4]
    for message in found[:2]:
        assert "has no such model, or it is private. Check the name; for a private model run `hf auth login`" in message
    for message in found[2:4]:
        assert "access to this model is restricted. Ask for access on its page" in message
    assert found[5:] == [30, 30]
    (stored,) = client.run("out += [size(force_download=True)]", HF_TOKEN="hf_right")
    assert stored == 30
    (none_stored,) = client.run("out += [size(token=True)]")
    assert "token=True, but none is stored" in none_stored


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("drop", "did not deliver the file"),
        ("drop body", "did not deliver the file"),
        ("truncate", "did not deliver the file"),
        ("short", "did not deliver the file"),
        ("loop", "redirect"),
        (500, "not in the cache, and http://127.0.0.1"),
        (403, "the token does not allow this"),
    ],
)
def test_a_failed_download_is_one_clear_error_and_leaves_nothing_behind(
    fault: str | int, message: str, hub: Hub, client: Client
) -> None:
    hub.add("me/clip", {"preprocessor_config.json": CLIP})
    hub.faults["preprocessor_config.json"] = fault
    (error,) = client.run("out += [size()]")
    assert error.startswith("ConfigError: me/clip (preprocessor_config.json, revision ")
    assert message in error
    assert len(error) < 500
    assert "\n" not in error
    assert len(hub.requests) < 40
    hub.faults.clear()
    assert client.run("out += [size()]") == [30]  # nothing half-written is in the cache


@pytest.mark.slow
def test_the_cached_file_serves_when_the_hub_fails(hub: Hub, client: Client) -> None:
    hub.add("me/clip", {"preprocessor_config.json": CLIP})
    assert client.run("out += [size()]") == [30]
    for fault in (503, "drop", "loop"):
        hub.faults = {"processor_config.json": fault, "preprocessor_config.json": fault}
        assert client.run("out += [size()]") == [30]


@pytest.mark.slow
def test_a_hostile_file_is_an_error_that_names_it(hub: Hub, client: Client) -> None:
    hub.add("me/clip", {"preprocessor_config.json": b'{"image_processor_type": "CLIPImageProcessor", "size": 1, "size": 2}'})
    hub.add("me/text", {"preprocessor_config.json": b"<html>"})
    twice, text = client.run("out += [size(), size('me/text')]")
    assert "): size: expected the key once" in twice
    assert "preprocessor_config.json: expected a JSON object in UTF-8" in text


def test_uploading_and_loading_again(hub: Hub, client: Client) -> None:
    found = client.run(
        "p = gp.CLIPImageProcessor(size={'shortest_edge': 33}, note='n')\n"
        "info = p.push_to_hub('me/mine', commit_message='First', token='hf_write')\n"
        "out += [info.oid, size('me/mine'), load('me/mine').note]\n"
        "p.size = {'shortest_edge': 34}\n"
        "p.push_to_hub('me/mine', revision='other', token='hf_write')\n"
        "out += [size('me/mine'), size('me/mine', revision='other')]\n"
        "p.push_to_hub('alone', token='hf_write', private=True)\n"
        "out += [size('me/alone', token='hf_write')]\n"
    )
    assert found == [hub.models["me/mine"].branches["main"], 33, "n", 33, 34, 34]
    assert hub.messages == ["First", "Upload image processor", "Upload image processor"]
    assert hub.models["me/alone"].token == "hf_write"
    assert "me/alone" in hub.models
    posts = [r for r in hub.requests if r.startswith("POST")]
    assert "POST /api/models/me/mine/commit/main" in posts
    assert "POST /api/models/me/mine/branch/other" in posts


@pytest.mark.slow
def test_saving_with_push_to_hub(hub: Hub, client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "named"
    found = client.run(
        f"folder = {str(folder)!r}\n"
        "p = gp.ViTImageProcessor(size=20)\n"
        "out += p.save_pretrained(folder, push_to_hub=True, repo_id='me/vit', token='hf_write')\n"
        "out += p.save_pretrained(folder, push_to_hub=True, token='hf_write')\n"
    )
    assert found == [str(folder / "preprocessor_config.json")] * 2
    for name in ("me/vit", "me/named"):
        model = hub.models[name]
        assert (
            model.commits[model.branches["main"]]["preprocessor_config.json"]
            == (folder / "preprocessor_config.json").read_bytes()
        )


@pytest.mark.slow
def test_an_upload_that_is_refused_is_one_clear_error(hub: Hub, client: Client) -> None:
    found = client.run(
        "for name, token in [('me/x', False), ('me/x', 'hf_read'), ('a//b', 'hf_write')]:\n"
        "    try: gp.ViTImageProcessor().push_to_hub(name, token=token)\n"
        "    except gp.GraphprocError as error: out.append(str(error))\n"
    )
    assert len(found) == 3
    assert all("\n" not in error for error in found)
    assert "me/x (preprocessor_config.json, upload): " in found[0]
    assert "`hf auth login`" in found[0]
    assert "the token does not allow this" in found[1]
    assert "is no Hub id" in found[2]
    assert hub.models == {}


@pytest.mark.slow
def test_the_command_line_takes_hub_ids(hub: Hub, client: Client, tmp_path: Path) -> None:
    hub.add("me/clip", {"preprocessor_config.json": {**CLIP, "image_processor_type": "CLIPFeatureExtractor"}})
    graph = tmp_path / "graph.onnx"
    exported = client.process(["-m", "graphproc", "export", "me/clip", "-o", str(graph), "--json"])
    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["processor"] == "CLIPImageProcessor"
    assert graph.stat().st_size > 1000
    notes = [line for line in exported.stderr.splitlines() if line.startswith("graphproc: note: ")]
    assert len(notes) == 1
    assert "image_processor_type 'CLIPFeatureExtractor' is taken for CLIPImageProcessor" in notes[0]
    shown = client.process(["-m", "graphproc", "config", "me/clip", "--json"])
    assert json.loads(shown.stdout)["settings"]["size"] == {"shortest_edge": 30}
    missing = client.process(["-m", "graphproc", "verify", "me/none"])
    assert missing.returncode == 2
    assert missing.stdout == ""
    assert missing.stderr.splitlines()[-1].startswith("graphproc: me/none (processor_config.json, revision main): ")
