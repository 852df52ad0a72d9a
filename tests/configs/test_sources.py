"""Where configurations come from, and files that mean harm."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from graphproc.configs import files
from graphproc.configs.files import MAX_INTEGER, check_subfolder, parse_json, read_json
from graphproc.configs.hub import is_id
from graphproc.configs.sources import Source, load_source
from graphproc.errors import ConfigError, UnsupportedProcessorError

VIT = {"image_processor_type": "ViTImageProcessor", "size": 20}


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def deep(levels: int) -> bytes:
    return b'{"a": ' * levels + b"1" + b"}" * levels


HOSTILE: list[tuple[bytes, str]] = [
    (b'{"size": 1, "crop_size": 2, "size": 3}', "size: expected the key once"),
    (b'{"a": [{"b": 1, "b": 1}]}', r"a\[0\].b: expected the key once"),
    (b'{"rescale_factor": NaN}', "rescale_factor: expected a finite number, got NaN"),
    (b'{"image_mean": [0, Infinity]}', r"image_mean\[1\]: expected a finite number, got Infinity"),
    (b'{"image_mean": [0, -Infinity]}', r"image_mean\[1\]: expected a finite number, got -Infinity"),
    (b'{"a": 1e999}', "a: expected a finite number, got one beyond float64"),
    (b'{"a": %d}' % (2**63), "a: expected a whole number of at most 64 bits, got 9223372036854775808"),
    (b'{"a": -%d}' % (2**64), "a: expected a whole number of at most 64 bits"),
    (b'{"a": ' + b"9" * 100_000 + b"}", r"a: expected a whole number of at most 64 bits, got 9{40}\.\.\.9{10} \(100000 char"),
    (deep(33), "expected values nested at most 32 deep"),
    (deep(100_000), "expected values nested at most 32 deep"),
    (b'{"a": ' + b"[" * 500_000, "expected values nested at most 32 deep|expected a JSON object"),
    (b'{"a": "\xff"}', "expected a JSON object in UTF-8"),
    (b'{"a": "\\ud800"}', "a: expected Unicode text, got half of a surrogate pair"),
    (b'{"\\udc00": 1}', "expected Unicode text as a key"),
    (b"\xfe\xff\x00{\x00}", "expected a JSON object in UTF-8"),
    (b'{"a": 1} {"b": 2}', "expected a JSON object in UTF-8"),
]


@pytest.mark.parametrize(("content", "message"), HOSTILE, ids=[m[:30] for _, m in HOSTILE])
def test_hostile_content_is_one_short_error_that_names_file_and_key(content: bytes, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "preprocessor_config.json", content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_json(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert len(text) < len(str(path)) + 300
    assert "\n" not in text


def test_what_is_just_allowed(tmp_path: Path) -> None:
    assert parse_json(deep(32), "x")
    assert parse_json(b'{"a": %d, "b": -%d}' % (MAX_INTEGER, MAX_INTEGER), "x") == {"a": MAX_INTEGER, "b": -MAX_INTEGER}
    assert parse_json(b"\xef\xbb\xbf{}", "x") == {}  # a byte order mark
    assert parse_json(b'{"a": "\\ud83d\\ude00"}', "x") == {"a": "\N{GRINNING FACE}"}


def test_a_file_over_the_limit_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(files.MAX_BYTES + (1 << 34))  # sparse
    with pytest.raises(ConfigError, match=f"at most {files.MAX_BYTES} bytes, got {files.MAX_BYTES + (1 << 34)}"):
        read_json(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "preprocessor_config.json")
    with pytest.raises(ConfigError, match="expected a file, got something else"):
        load_source(tmp_path)
    with pytest.raises(ConfigError, match="expected a file, got something else"):
        load_source("/dev/zero")


# ---- folders and links -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["preprocessor_config.json", "processor_config.json"])
def test_a_link_out_of_the_folder_is_followed(name: str, tmp_path: Path) -> None:
    """Stores of large files keep files elsewhere, and leave links in their place."""
    stored = write(tmp_path / "store" / "0123", {"image_processor": VIT, **VIT})
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / name).symlink_to(stored)
    assert load_source(tmp_path / "model").settings.items() >= VIT.items()
    (tmp_path / "model" / "sub").symlink_to(tmp_path / "store")
    write(tmp_path / "store" / "preprocessor_config.json", VIT)
    assert load_source(tmp_path / "model", subfolder="sub").settings == VIT


def test_a_git_lfs_pointer_is_called_one(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12\n"
    path = write(tmp_path / "preprocessor_config.json", pointer)
    with pytest.raises(
        ConfigError, match=r"is a Git LFS pointer, not the file itself. Fetch the file: git lfs pull\.$"
    ) as caught:
        load_source(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")


def test_links_that_lead_nowhere_or_in_circles_are_refused(tmp_path: Path) -> None:
    link = tmp_path / "preprocessor_config.json"
    link.symlink_to(tmp_path / "none")
    with pytest.raises(ConfigError, match="the link leads nowhere"):
        load_source(tmp_path)
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_source(tmp_path)


def test_links_inside_the_folder_and_a_linked_folder_are_fine(tmp_path: Path) -> None:
    write(tmp_path / "model" / "a" / "real.json", VIT)
    (tmp_path / "model" / "preprocessor_config.json").symlink_to("a/real.json")
    (tmp_path / "link").symlink_to("model")
    for folder in ("model", "link"):
        assert load_source(tmp_path / folder).settings == VIT


@pytest.mark.parametrize("subfolder", ["", "sub"])
def test_the_layout_of_the_hubs_cache_is_allowed(subfolder: str, tmp_path: Path) -> None:
    blob = write(tmp_path / "models--me--vit" / "blobs" / "0123", VIT)
    folder = tmp_path / "models--me--vit" / "snapshots" / "abc" / subfolder
    folder.mkdir(parents=True)
    (folder / "preprocessor_config.json").symlink_to(os.path.relpath(blob, folder))
    assert load_source(tmp_path / "models--me--vit" / "snapshots" / "abc", subfolder=subfolder).settings == VIT
    assert load_source(folder).settings == VIT
    (folder / "preprocessor_config.json").unlink()
    (folder / "preprocessor_config.json").symlink_to(write(tmp_path / "models--other" / "blobs" / "4", VIT))
    assert load_source(folder).settings == VIT


@pytest.mark.parametrize("subfolder", ["..", "a/../..", "/etc", "a\\..\\b", "\\a", "C:/a", "a\0b"])
def test_subfolders_stay_inside(subfolder: str, tmp_path: Path) -> None:
    for source in (tmp_path, "me/model"):
        with pytest.raises(ConfigError, match="subfolder: expected a relative path"):
            load_source(source, subfolder=subfolder)


def test_subfolders_are_tidied() -> None:
    assert [check_subfolder(s) for s in ("", "a", "a/", "a//b", "./a/./b", "..a")] == ["", "a", "a", "a/b", "a/b", "..a"]


@pytest.mark.parametrize("name", ["a/b.json", "..", "", "a\\b"])
def test_file_names_have_no_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="image_processor_filename: expected a name without a folder"):
        load_source(tmp_path, file_name=name)


# ---- which file, which class -----------------------------------------------------------------------------------------


def test_which_file_of_a_folder_counts(tmp_path: Path) -> None:
    write(tmp_path / "config.json", {"model_type": "vit"})
    with pytest.raises(ConfigError, match=r"preprocessor_config\.json: no such file"):
        load_source(tmp_path)
    path = write(tmp_path / "preprocessor_config.json", VIT)
    assert load_source(tmp_path).label == str(path)
    write(tmp_path / "processor_config.json", {"image_processor": "text"})
    assert load_source(tmp_path).label == str(path)
    path = write(tmp_path / "processor_config.json", {"image_processor": {**VIT, "size": 30}})
    found = load_source(tmp_path)
    assert (found.label, found.settings["size"]) == (str(path), 30)
    write(tmp_path / "a.json", {**VIT, "size": 40})
    write(tmp_path / "processor_config.json", {})
    assert load_source(tmp_path, file_name="a.json").settings["size"] == 40


class Files:
    """Files that say when they are looked at."""

    failure = None

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.asked: list[str] = []

    def find(self, name: str) -> Path | None:
        self.asked.append(name)
        return self.path

    def label(self, name: str) -> str:
        return name


@pytest.mark.parametrize(
    ("settings", "model", "expected", "asks"),
    [
        (VIT, "clip", "ViTImageProcessor", False),
        ({"feature_extractor_type": "CLIPFeatureExtractor"}, "vit", "CLIPImageProcessor", False),
        ({"size": 3}, "clip", "CLIPImageProcessor", True),
        ({"feature_extractor_type": "ImageFeatureExtractor"}, "swin", "ViTImageProcessor", True),
    ],
)
def test_the_model_type_counts_only_where_no_class_is_named(
    settings: dict[str, Any], model: str, expected: str, asks: bool, tmp_path: Path
) -> None:
    beside = Files(write(tmp_path / "config.json", {"model_type": model}))
    assert Source(settings, "here", beside).processor_class()[0] == expected
    assert beside.asked == (["config.json"] if asks else [])


@pytest.mark.parametrize("value", [None, 3, ["vit"]])
def test_a_model_type_that_is_no_text_is_none(value: Any, tmp_path: Path) -> None:
    beside = Files(write(tmp_path / "config.json", {"model_type": value}))
    with pytest.raises(ConfigError, match=r"^here: expected image_processor_type"):
        Source({"size": 3}, "here", beside).processor_class()


def test_a_class_that_does_not_exist_is_refused_without_asking_the_model() -> None:
    beside = Files(None)
    with pytest.raises(UnsupportedProcessorError, match=r"here: image_processor_type: no image processor is named 'XProcessor'"):
        Source({"image_processor_type": "XProcessor"}, "here", beside).processor_class()
    assert beside.asked == []


KNOWN = ("CLIPImageProcessor", "ConvNextImageProcessor", "ViTImageProcessor")

NEAREST = {
    "ClipImageProcesor": "CLIPImageProcessor",
    "CLIPX": "CLIPImageProcessor",
    "VitXFeatureExtractor": "ViTImageProcessor",
    "convnext.ConvNextXImageProcessorFast": "ConvNextImageProcessor",
    "me/model--code_clip.OwnViTImageProcessor": "ViTImageProcessor",
}


@pytest.mark.parametrize("name", NEAREST)
@pytest.mark.parametrize("remote", [False, True])
def test_messages_name_the_nearest_of_the_classes_that_are_supported(name: str, remote: bool) -> None:
    """Names of transformers' other classes would be no help."""
    settings = {"auto_map": {"AutoImageProcessor": name}} if remote else {"image_processor_type": name}
    with pytest.raises(ConfigError, match=rf"The nearest one is {NEAREST[name]}\.$") as caught:
        Source(settings, "here", Files(None)).processor_class(KNOWN)
    assert isinstance(caught.value, UnsupportedProcessorError) is not remote
    with pytest.raises(ConfigError) as caught:
        Source(settings, "here", Files(None)).processor_class()
    assert "nearest" not in str(caught.value)


@pytest.mark.parametrize("source", ["", "a/b/c", "./a", "/nowhere", "a b", "-a/b", "a/..", "a..b", "a\0b", "~/a", "a--b/c"])
def test_what_is_neither_a_path_nor_an_id_is_refused_without_a_request(source: str) -> None:
    assert not is_id(source)
    with pytest.raises(ConfigError, match=r"there is no such path|is no path and no Hub id"):
        load_source(source)


def test_a_path_object_is_never_an_id() -> None:
    with pytest.raises(ConfigError, match="there is no such path"):
        load_source(Path("me/model"))


@pytest.mark.parametrize("source", ["openai/clip-vit-base-patch32", "gpt2", "a_b/c.d-e", "timm/resnet50.a1_in1k"])
def test_ids(source: str) -> None:
    assert is_id(source)


@pytest.mark.parametrize("entry", ["AutoProcessor", "AutoModel"])
def test_code_of_the_repository_for_something_else_than_images_does_not_count(entry: str, tmp_path: Path) -> None:
    beside = Files(write(tmp_path / "config.json", {"model_type": "clip"}))
    assert Source({"auto_map": {entry: "own.Own"}, "size": 3}, "here", beside).processor_class()[0] == "CLIPImageProcessor"


def test_code_for_images_does_not_count_where_transformers_has_the_model(tmp_path: Path) -> None:
    settings = {"auto_map": {"AutoImageProcessor": "own.Own"}}
    known = Files(write(tmp_path / "config.json", {"model_type": "clip"}))
    assert Source(settings, "here", known).processor_class()[0] == "CLIPImageProcessor"
    own = Files(write(tmp_path / "own.json", {"model_type": "own"}))
    with pytest.raises(ConfigError, match=r"\(own.Own\), which graphproc never runs"):
        Source(settings, "here", own).processor_class()


@pytest.mark.parametrize("beside", [True, False])
def test_a_models_configuration_is_no_image_processors(beside: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "config.json", {"model_type": "clip", "vision_config": {"image_size": 224}, "image_size": 224})
    if beside:
        write(tmp_path / "preprocessor_config.json", {**VIT, "size": 30})
    with pytest.raises(
        ConfigError, match=r"of a model \(model_type 'clip'\), not of an image processor. Give the model's folder"
    ):
        load_source(path)
    with pytest.raises(ConfigError, match=r"of a model"):
        load_source(tmp_path, file_name="config.json")
