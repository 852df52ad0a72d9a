"""Every class and backend against transformers: the ONNX graph, the numpy reference and the backend's class give the same bits.

`tools/parity.py` compares more settings and larger images.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence

import cases.parity as cases
import pytest
import tiers
from cases.parity import Content, Size

from graphproc.errors import GraphprocError
from graphproc.ir.backends import BACKENDS
from graphproc.processors.registry import lookup, specs
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


ROWS = [(name, backend) for backend in BACKENDS for name, spec in specs().items() if backend in spec.backends]
"""Every class in each of its backends."""
FIRSTS = [(name, backend) for backend in BACKENDS for name in tiers.firsts(n for n, b in ROWS if b == backend)]
"""One class of each family in each backend, which is tried with more settings of the standard steps."""
OWN = {name: tuple(cases.CASES[name].extra) for name in specs()}


def labels(name: str, backend: str) -> list[str]:
    """Return the settings that a class is tried with in a backend, by label."""
    every = [*cases.variants(name, backend)]
    if (name, backend) in FIRSTS and name not in DEFAULTS_ALONE:
        return every
    standard = () if name in DEFAULTS_ALONE else STANDARD
    return [label for label in every if label == "default" or label in OWN[name] or label in standard]


LABELS = {(name, backend): labels(name, backend) for name, backend in ROWS}


def turn(name: str, backend: str, label: str) -> int | None:
    """Return a class's turn among those with the same standard steps; None for settings of that class alone."""
    if name == tiers.STANDARD or label == "default" or label in OWN[name]:
        return None
    alike = [other for other, b in ROWS if b == backend and label in LABELS[other, b]]
    return alike.index(name) + [*cases.variants(name, backend)].index(label)


def images_of(name: str, backend: str, label: str) -> Sequence[tuple[Size, Content]]:
    """Return all images; two of them for standard settings, in turn, so that each setting and each class meets all images."""
    every, number = cases.CASES[name].images or IMAGES, turn(name, backend, label)
    if number is None:
        return tiers.images(every)
    first = number // 3 % len(every)
    return [every[i] for i in sorted({first, (first + len(every) // 2) % len(every)})]


def graph_of(name: str, backend: str, label: str) -> Session | GraphprocError | None:
    """Return the graph; for standard settings only in every third class, as emitting it takes longest."""
    return None if (turn(name, backend, label) or 0) % 3 else cases.graph(name, cases.variants(name, backend)[label])


def test_every_class_has_a_case() -> None:
    assert sorted(cases.CASES) == sorted(specs())


def test_the_standard_settings_exist() -> None:
    assert set(STANDARD) <= set(cases.variants("CLIPImageProcessor"))


def test_what_consists_of_defaults_has_no_code() -> None:
    for name, backend in itertools.product(DEFAULTS_ALONE, BACKENDS):
        upstream = cases.reference_class(name, backend)
        assert upstream.__bases__ == cases.reference_class("ViTImageProcessor", backend).__bases__, name
        assert not [key for key, value in vars(upstream).items() if inspect.isfunction(value)], name


@pytest.mark.parametrize(("name", "backend", "label"), tiers.settings(LABELS, OWN))
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered:RuntimeWarning")
def test_three_ways(name: str, backend: str, label: str) -> None:
    settings, case = cases.variants(name, backend)[label], cases.CASES[name]
    session = graph_of(name, backend, label)
    if isinstance(session, GraphprocError):
        size = (224, 224)
        expected = cases.transformers_result(name, settings, *cases.sample(name, cases.picture(size, "photograph")))
        assert isinstance(expected, Exception) or case.refuses(size, settings), f"refused ({session}), but not there"
        return
    for size, content in images_of(name, backend, label):
        if not case.skip(size, settings):
            assert cases.disagreement(name, settings, session, size, content) == ""


@pytest.mark.parametrize(("name", "backend"), tiers.rows(ROWS, [row for row in FIRSTS[::6] if row[0] not in tiers.LARGE]))
def test_batches_of_different_sizes(name: str, backend: str) -> None:
    """Through the wrapper, on both engines, and through one graph that takes a sequence of images."""
    case = cases.CASES[name]
    settings = {**case.always, "backend": backend}
    images = [cases.picture(size, "noise") for size in case.batch]
    expected = cases.transformers_result(name, settings, *images)
    reference = cases.numpy_result(name, settings, *images)
    allowed = cases.allowed(name, settings, max(case.batch, key=max))
    assert cases.difference(reference, expected, allowed) == "", "numpy reference against transformers"
    found = cases.numpy_result(name, settings, *images, engine="onnxruntime")
    assert cases.difference(found, reference) == "", "wrapper on ONNX Runtime against numpy reference"
    session = cases.graph(name, settings, "sequence")
    assert not isinstance(session, GraphprocError), session
    if lookup(name).samples.settings is not None:
        return  # a graph processes each image with settings of its own
    found = cases.sequence_result(session, name, *images)
    assert cases.difference(found, cases.as_graph(name, settings, reference)) == "", "sequence graph against reference"


def test_refused_sizes_are_refused() -> None:
    """An entry of `refuses` that is no longer true has to go."""
    for name, case in cases.CASES.items():
        settings = {"do_resize": False}
        if case.refuses((1, 1), settings):
            assert isinstance(cases.numpy_result(name, settings, cases.picture((1, 1), "noise")), GraphprocError)
