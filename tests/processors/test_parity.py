"""Every class against transformers: the ONNX graph, the numpy reference and the Pillow class give the same bits.

`tools/parity.py` compares more settings and larger images. `GRAPHPROC_THOROUGH=1` tries every setting here, too.
"""

from __future__ import annotations

import os

import parity_cases as cases
import pytest
from parity_cases import Content, Size

from graphproc.errors import GraphprocError
from graphproc.processors.registry import rows

IMAGES: tuple[tuple[Size, Content], ...] = (
    ((1, 1), "noise"),
    ((17, 31), "noise"),
    ((333, 500), "photograph"),
    ((224, 224), "noise"),
    ((260, 40), "photograph"),
    ((2, 90), "noise"),
)
QUICK = (
    "default",
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


NAMES = [name for name, row in rows().items() if "pil" in row.backends]
"""The other classes are in `test_torchvision.py`."""


def _parameters() -> list[tuple[str, str]]:
    every = os.environ.get("GRAPHPROC_THOROUGH") == "1"
    return [
        (name, label)
        for name in NAMES
        if name in cases.CASES
        for label in cases.variants(name)
        if every or label in QUICK or label in cases.CASES[name].extra
    ]


def test_every_class_has_a_case() -> None:
    assert sorted(cases.CASES) == sorted(rows())


def test_the_quick_settings_exist() -> None:
    assert set(QUICK) <= set(cases.variants("CLIPImageProcessor"))


@pytest.mark.parametrize(("name", "label"), _parameters())
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value) encountered:RuntimeWarning")
def test_three_ways(name: str, label: str) -> None:
    settings, case = cases.variants(name)[label], cases.CASES[name]
    session = cases.graph(name, settings)
    if isinstance(session, GraphprocError):
        expected = cases.transformers_result(name, settings, *cases.sample(name, cases.picture((224, 224), "photograph")))
        assert isinstance(expected, Exception), f"refused ({session}), but transformers gives a result"
        return
    for size, content in case.images or IMAGES:
        if not case.skip(size, settings):
            assert cases.disagreement(name, settings, session, size, content) == ""


@pytest.mark.parametrize("name", NAMES)
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
