"""Every class against transformers: the ONNX graph, the numpy reference and the Pillow class give the same bits.

`tools/parity.py` compares more settings and larger images.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import cases.parity as cases
import pytest
import tiers
from cases.parity import Content, Size

from graphproc.errors import GraphprocError
from graphproc.processors.registry import specs
from graphproc.runtime.session import Session

IMAGES: tuple[tuple[Size, Content], ...] = (
    ((1, 1), "noise"),
    ((17, 31), "noise"),
    ((333, 500), "photograph"),
    ((224, 224), "noise"),
    ((260, 40), "photograph"),
    ((2, 90), "noise"),
)
STANDARD = (
    "filter nearest",
    "filter lanczos",
    "filter box",
    "size 96",
    "size {'height': 90, 'width': 131}",
    "size {'shortest_edge': 75}",
    "size {'shortest_edge': 60, 'longest_edge': 90}",
    "size {'max_height': 80, 'max_width': 120}",
    "size {'longest_edge': 70}",
    "crop, one side above",
    "crop odd",
    "all off",
    "do_resize false",
    "do_normalize false",
    "mean and std, numbers",
    "mean of one element",
    "rescale_factor 1/127.5",
    "do_pad",
)
"""The settings of the standard steps that every class with these steps is tried with, beside its own ones."""
DEFAULTS_ALONE = tuple(
    f"{stem}ImageProcessor" for stem in ("Bit", "Blip", "ChineseCLIP", "DeiT", "MobileNetV1", "PPChart2Table", "Pvt", "Siglip")
)
"""Classes of transformers that consist of defaults: what they do with standard settings, ViT's does with the same code."""


NAMES = [name for name, spec in specs().items() if "pil" in spec.backends]
"""The other classes are in `test_torchvision.py`."""


OWN = {name: tuple(cases.CASES[name].extra) for name in NAMES}
LABELS = {
    name: [
        label
        for label in cases.variants(name)
        if label == "default" or label in OWN[name] or (label in STANDARD and name not in DEFAULTS_ALONE)
    ]
    for name in NAMES
}


def turn(name: str, label: str) -> int | None:
    """Return a class's turn among those with the same standard steps; None for settings of that class alone."""
    if name == tiers.STANDARD or label == "default" or label in OWN[name]:
        return None
    return [other for other in NAMES if label in LABELS[other]].index(name) + STANDARD.index(label)


def images_of(name: str, label: str) -> Sequence[tuple[Size, Content]]:
    """Return all images; two of them for standard settings, in turn, so that each setting and each class meets all images."""
    every, number = cases.CASES[name].images or IMAGES, turn(name, label)
    if number is None:
        return tiers.images(every)
    first = number // 3 % len(every)
    return [every[i] for i in sorted({first, (first + len(every) // 2) % len(every)})]


def graph_of(name: str, label: str) -> Session | GraphprocError | None:
    """Return the graph; for standard settings only in every third class, as emitting it takes longest."""
    return None if (turn(name, label) or 0) % 3 else cases.graph(name, cases.variants(name)[label])


def test_every_class_has_a_case() -> None:
    assert sorted(cases.CASES) == sorted(specs())


def test_the_standard_settings_exist() -> None:
    assert set(STANDARD) <= set(cases.variants("CLIPImageProcessor"))


def test_what_consists_of_defaults_has_no_code() -> None:
    for name in DEFAULTS_ALONE:
        upstream = cases.reference_class(name)
        assert upstream.__bases__ == cases.reference_class("ViTImageProcessor").__bases__, name
        assert not [key for key, value in vars(upstream).items() if inspect.isfunction(value)], name


@pytest.mark.parametrize(("name", "label"), tiers.settings(LABELS, OWN))
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered:RuntimeWarning")
def test_three_ways(name: str, label: str) -> None:
    settings, case = cases.variants(name)[label], cases.CASES[name]
    session = graph_of(name, label)
    if isinstance(session, GraphprocError):
        expected = cases.transformers_result(name, settings, *cases.sample(name, cases.picture((224, 224), "photograph")))
        assert isinstance(expected, Exception), f"refused ({session}), but transformers gives a result"
        return
    for size, content in images_of(name, label):
        if not case.skip(size, settings):
            assert cases.disagreement(name, settings, session, size, content) == ""


@pytest.mark.parametrize("name", tiers.rows(NAMES, [*tiers.firsts(NAMES)][::3]))
def test_batches_of_different_sizes(name: str) -> None:
    """Through the wrapper, on both engines, and through one graph that takes a sequence of images."""
    case = cases.CASES[name]
    images = [cases.picture(size, "noise") for size in case.batch]
    expected = cases.transformers_result(name, case.always, *images)
    reference = cases.numpy_result(name, case.always, *images)
    allowed = cases.allowed(name, case.always, max(case.batch, key=max))
    assert cases.difference(reference, expected, allowed) == "", "numpy reference against transformers"
    found = cases.numpy_result(name, case.always, *images, engine="onnxruntime")
    assert cases.difference(found, reference) == "", "wrapper on ONNX Runtime against numpy reference"
    session = cases.graph(name, case.always, "sequence")
    assert not isinstance(session, GraphprocError), session
    found = cases.sequence_result(session, name, *images)
    assert cases.difference(found, cases.as_graph(name, case.always, reference)) == "", "sequence graph against reference"


def test_refused_sizes_are_refused() -> None:
    """An entry of `refuses` that is no longer true has to go."""
    for name, case in cases.CASES.items():
        settings = {"do_resize": False}
        if case.refuses((1, 1), settings):
            assert isinstance(cases.numpy_result(name, settings, cases.picture((1, 1), "noise")), GraphprocError)
