"""The recipes of tools/examples/serving but LitServe's; those without their packages here skip."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image
from support import genai_model
from support.graphs import assert_same
from support.servers import FOLDER, MISSING, file_of, free_port, load, pixels, request, resized

import graphproc as gp
from graphproc.ops.resize.order import vertical_first

Array = np.ndarray[Any, Any]

# ---- an endpoint for chats -------------------------------------------------------------------------------------


@contextmanager
def endpoint(app: Any) -> Iterator[http.client.HTTPConnection]:
    """Serve an application from a thread of this process."""
    uvicorn = pytest.importorskip("uvicorn", reason=MISSING)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        end = time.monotonic() + 30
        while not server.started:
            assert time.monotonic() < end
            time.sleep(0.01)
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            yield connection
    finally:
        server.should_exit = True
        thread.join(30)


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def image_part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "high"}}


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


@pytest.fixture(scope="module")
def chats() -> Any:
    pytest.importorskip("fastapi", reason=MISSING)
    return load("vision_endpoint")


@pytest.mark.slow
def test_a_chat_with_images(chats: Any) -> None:
    """The model is given what transformers gives, and the prompt has as many tokens as transformers counts."""
    images = [resized(300, 451), resized(56, 90), resized(480, 640)]
    urls = [data_url(file_of(image, "PNG")) for image in images[:2]]
    urls.append(data_url(jpeg := file_of(images[2], "JPEG"), "jpeg"))
    images[2] = pixels(jpeg)
    content = [text_part("Compare "), *map(image_part, urls[:2]), text_part(" with "), image_part(urls[2])]
    messages = [{"role": "system", "content": "You see. "}, {"role": "user", "content": content}]
    given: list[Any] = []

    def complete(prompt: str, features: Mapping[str, Array]) -> str:
        given.append((prompt, features))
        return "They differ."

    with endpoint(chats.application(gp.Qwen2VLImageProcessor(), complete)) as connection:
        status, answer = request(connection, "/v1/chat/completions", json.dumps({"messages": messages}).encode())
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "They differ.")
    ((prompt, features),) = given
    theirs = transformers.Qwen2VLImageProcessor()
    expected = theirs(images, return_tensors="np")
    assert features.keys() == expected.keys()
    for name in expected:
        assert_same(features[name], expected[name])
    tokens = [theirs.get_number_of_image_patches(*image.shape[:2], {}) // theirs.merge_size**2 for image in images]
    assert answer["usage"]["prompt_tokens_details"] == {"image_tokens": sum(tokens), "images": tokens}
    shown = [f"<|vision_start|>{'<|image_pad|>' * count}<|vision_end|>" for count in tokens]
    assert prompt == f"You see. Compare {shown[0]}{shown[1]} with {shown[2]}"


PNG = data_url(file_of(resized(56, 56), "PNG"))
REFUSED = {
    "no messages": ({"messages": []}, 400, "expected a list of messages", "messages"),
    "a list": ([], 400, "expected a list of messages", "messages"),
    "a message of numbers": ({"messages": [{"content": 3}]}, 400, "a text or a list of parts", "messages[0].content"),
    "sound": ([{"type": "input_audio"}], 400, "expected a part of type text or image_url", "messages[0].content[0]"),
    "an address": ([image_part("http://127.0.0.1/x.png")], 400, "got 'http://127.0.0.1/x.png'. Fetch", None),
    "a file": ([image_part("file:///etc/passwd")], 400, "got 'file:///etc/passwd'", None),
    "a text as data": ([image_part("data:text/plain;base64,AAAA")], 400, "expected data:image/TYPE;base64,DATA", None),
    "no base64": ([image_part("data:image/png;base64,A!!")], 400, "expected base64 behind the comma", None),
    "no image": ([image_part(data_url(b"text"))], 400, "cannot be decoded (UnidentifiedImageError)", None),
    "half an image": ([image_part(PNG[: len(PNG) // 8 * 4 + 2])], 400, "", None),
    "too large": ([image_part(data_url(b"P5 7000 7000 255\n"))], 413, "at most 40000000 pixels, got 7000 x 7000", None),
    "too many": ([image_part(PNG)] * 17, 400, "expected at most 16 images", "messages"),
    "too thin": ([image_part(data_url(file_of(resized(1, 300), "PNG")))], 400, "image", "messages"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_endpoint_refuses(case: str, chats: Any) -> None:
    """Each refusal has a status, says what was expected, and names the place."""
    body, status, text, param = REFUSED[case]
    if isinstance(body, list) and body:
        body = {"messages": [{"role": "user", "content": body}]}
    with pytest.raises(chats.RefusedError) as caught:
        chats.prepare(
            json.loads(body) if isinstance(body, bytes) else body, gp.Qwen2VLImageProcessor()
        ) if case != "no JSON" else (_ for _ in ()).throw(chats.RefusedError(400, "expected JSON", "messages"))
    response = caught.value.response()
    error = json.loads(response.body)["error"]
    assert response.status_code == status
    assert text in error["message"]
    assert error["param"] == (param or "messages[0].content[0].image_url.url")


def test_refusals_over_http(chats: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chats, "MAX_BYTES", 5000)
    with endpoint(chats.application(gp.Qwen2VLImageProcessor(), chats.describe)) as connection:
        for body, status in ((b"{", 400), (b'"' + b" " * 6000 + b'"', 413), (b"[" * 4000, 400)):
            found = request(connection, "/v1/chat/completions", body)
            assert found[0] == status
            assert found[1]["error"]["type"] == "invalid_request_error"
        body = json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode()
        status, answer = request(connection, "/v1/chat/completions", body)
        assert status == 200
        assert answer["choices"][0]["message"]["content"] == "A prompt of 5 characters and no images."


def test_addresses_that_the_caller_fetches(chats: Any) -> None:
    image, asked = resized(56, 84), []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return file_of(image, "PNG")

    body = {"messages": [{"content": [image_part("https://example.org/x.png")]}]}
    _, features, _ = chats.prepare(body, gp.Qwen2VLImageProcessor(), fetch)
    assert asked == ["https://example.org/x.png"]
    expected = transformers.Qwen2VLImageProcessor()(image, return_tensors="np")
    assert_same(features["pixel_values"], expected["pixel_values"])


# ---- ONNX Runtime GenAI ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def genai(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Path]:
    """Return the package, the recipe, and a small model's folder."""
    package = pytest.importorskip("onnxruntime_genai", reason=MISSING)
    folder = tmp_path_factory.mktemp("genai")
    genai_model.write(folder)
    recipe = load("genai_inputs")
    (folder / "processor_config.json").write_text(json.dumps(recipe.processor_json(gp.Qwen2VLImageProcessor(backend="pil"))))
    return package, recipe, folder


def test_what_genai_is_given_arrives(genai: tuple[Any, Any, Path]) -> None:
    """The scores behind a prompt with two images are those that the model's graphs give for transformers' outputs."""
    package, recipe, folder = genai
    images = [resized(300, 451), resized(56, 90)]
    made = recipe.generator(package.Model(str(folder)), gp.Qwen2VLImageProcessor(), images, "abc", 4)
    theirs = transformers.Qwen2VLImageProcessor()
    features = theirs(images, return_tensors="np")
    counts = [theirs.get_number_of_image_patches(*image.shape[:2], {}) // 4 for image in images]
    ids = [id for count in counts for id in (4, *[genai_model.IMAGE] * count, 7)] + [genai_model.WORDS.index(c) for c in "abc"]
    assert made.get_sequence(0).tolist() == ids
    assert_same(np.array(made.get_logits())[0, -1], genai_model.logits(folder, features, ids))
    while not made.is_done():
        made.generate_next_token()
    assert len(made.get_sequence(0)) <= len(ids) + 4


@pytest.mark.slow
def test_genais_own_processor_is_as_close_as_the_recipe_says(genai: tuple[Any, Any, Path], tmp_path: Path) -> None:
    package, _, folder = genai
    processor = package.Model(str(folder)).create_multimodal_processor()
    both = Counter[bool]()
    for height, width in ((300, 451), (480, 640), (480, 644), (60, 90), (1000, 100), (470, 600)):
        image = resized(height, width)
        Image.fromarray(image).save(tmp_path / "image.png")
        found = processor(
            "<|vision_start|><|image_pad|><|vision_end|>abc", images=package.Images.open(str(tmp_path / "image.png"))
        )
        expected = transformers.Qwen2VLImageProcessorPil()(image, return_tensors="np")
        grid = expected["image_grid_thw"]
        assert_same(found["image_grid_thw"].as_numpy(), grid)
        assert found["num_image_tokens"].as_numpy().tolist() == [grid.prod() // 4]
        differences = np.abs(found["pixel_values"].as_numpy() - expected["pixel_values"])
        new_height, new_width = int(grid[0, 1]) * 14, int(grid[0, 2]) * 14
        both_axes = height != new_height and width != new_width
        vertical = both_axes and bool(vertical_first(height, width, new_height, new_width, "pillow"))  # type: ignore[arg-type]
        both[vertical] += 1
        assert 0 < differences.max() < (0.0301 if vertical else 5e-7)
        assert (differences.max() > 1e-3) == vertical
    assert len(both) == 2, "sizes of both kinds"


def test_the_json_of_a_resize_to_one_size() -> None:
    recipe = load("genai_inputs")
    processor = gp.ViTImageProcessor(size={"height": 64, "width": 96}, resample=3)
    (steps,) = ([one["operation"] for one in recipe.processor_json(processor)["processor"]["transforms"]],)
    assert [step["type"] for step in steps] == ["DecodeImage", "Resize", "Rescale", "Normalize", "Permute3D"]
    assert steps[1]["attrs"] == {"height": 64, "width": 96, "interpolation": "CUBIC", "keep_aspect_ratio": 0}


@pytest.mark.parametrize(
    ("processor", "text"),
    [
        (gp.CLIPImageProcessor(), "size: expected a height and a width"),
        (gp.ViTImageProcessor(resample=0), "resample: expected one of"),
        (gp.ViTImageProcessor(do_normalize=False), "do_rescale, do_normalize: expected both"),
    ],
)
def test_steps_that_genai_does_not_have(processor: Any, text: str) -> None:
    with pytest.raises(gp.ConfigError, match=text):
        load("genai_inputs").processor_json(processor)


# ---- OpenVINO Model Server -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_openvino_model_server(tmp_path: Path) -> None:
    """Files decoded as the server decodes them, with OpenCV, give what transformers gives for their pixels."""
    pytest.importorskip("openvino", reason="pip install '.[runtimes]'")
    cv2 = pytest.importorskip("cv2")
    recipe = load("openvino_model_server")
    path = recipe.write(gp.CLIPImageProcessor(), "clip", (300, 451), tmp_path)
    recipe.write(gp.Qwen2VLImageProcessor(), "qwen", (60, 90), tmp_path)
    assert path == tmp_path / "clip" / "1" / "model.onnx"
    recipe.write(gp.CLIPImageProcessor(), "clip", (300, 451), tmp_path)  # again: one entry
    entries = [one["config"] for one in json.loads((tmp_path / "config.json").read_text())["model_config_list"]]
    assert [(entry["name"], entry["layout"]) for entry in entries] == [("qwen", {"images": "NHWC"}), ("clip", {"images": "NHWC"})]
    for name, theirs, size in (
        ("clip", transformers.CLIPImageProcessor(), (300, 451)),
        ("qwen", transformers.Qwen2VLImageProcessor(), (60, 90)),
    ):
        image = resized(*size)
        decoded = cv2.imdecode(np.frombuffer(file_of(image, "PNG"), np.uint8), cv2.IMREAD_COLOR)
        found = recipe.run(tmp_path, name, decoded[None])
        for output, expected in theirs(image, return_tensors="np").items():
            assert_same(found[output], expected)


@pytest.mark.parametrize("name", ["litserve_detector", "vision_endpoint", "genai_inputs", "openvino_model_server"])
def test_every_recipe_is_named_in_its_readme(name: str) -> None:
    assert f"`{name}.py`" in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {path.stem for path in FOLDER.glob("*.py")} >= {name}
