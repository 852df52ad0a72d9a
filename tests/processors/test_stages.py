"""What stages share: switches, size rules, and settings that a step needs."""

from __future__ import annotations

from typing import Any

import pytest

from graphproc.configs.config import Config, normalize
from graphproc.configs.settings import Setting, Whole, declared, flag
from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, ProgramBuilder, Value, image_input
from graphproc.ops import ToChannelsFirst
from graphproc.processors import stages
from graphproc.processors.constants import CLIP, usual
from graphproc.sizes.num import Num

SETTINGS = declared(
    {
        "do_resize": True,
        "do_crop_margin": Setting(None, flag, "Cut margins off."),
        "tile_size": Setting(32, Whole(1), "The side of a tile."),
    }
)


def config(**given: Any) -> Config:
    return normalize("SomeImageProcessor", SETTINGS, given)


@pytest.mark.parametrize(("on", "ran"), [(True, ["ran"]), (False, []), (None, [])])
def test_a_stage_runs_where_its_switch_is_on(on: bool | None, ran: list[str]) -> None:
    found = []

    @stages.when("do_crop_margin")
    def stage(b: ProgramBuilder, config: Config, x: Value) -> Value:
        """Do something."""
        found.append("ran")
        return x

    b = ProgramBuilder("SomeImageProcessor", Parity("nothing"), backend="pil")
    x = image_input(b, dtype="u8", channels=3)
    assert stage(b, config(do_crop_margin=on), x) is x
    assert found == ran
    assert stage.__doc__ == "Do something."


@pytest.mark.parametrize(("given", "filter"), [({"resample": 3}, "bicubic"), ({}, "bilinear")])
def test_a_size_rule_is_a_stage_and_a_null_filter_bilinear(given: dict[str, Any], filter: str) -> None:
    @stages.resizing
    def half(config: Config, height: Num, width: Num) -> tuple[Num, Num]:
        """Return half of each side."""
        return height // 2, width // 2

    b = ProgramBuilder("SomeImageProcessor", Parity("nothing"), backend="pil")
    x = b.add(ToChannelsFirst(), image_input(b, dtype="u8", channels=3))
    assert half(b, config(do_resize=False), x) is x
    y = half(b, config(**given), x)
    assert (y.type.size("H"), y.type.size("W")) == (x.type.size("H") // 2, x.type.size("W") // 2)
    assert filter in str(b.steps[-1].op)
    assert half.__doc__ == "Return half of each side."


def test_a_step_gets_the_settings_it_needs() -> None:
    assert stages.count(config(), "tile_size") == 32
    with pytest.raises(ConfigError, match="tile_size: expected a whole number of at least 1, got None"):
        stages.count(config(tile_size=None), "tile_size")
    with pytest.raises(ConfigError, match="tile_size: expected a whole number of at least 1, got 0"):
        stages.count(config(tile_size=0), "tile_size")
    assert stages.optional(config(tile_size=None), "tile_size") is None
    with pytest.raises(ConfigError, match="size: SomeImageProcessor needs a longest_edge"):
        stages.edge(config(size={"shortest_edge": 5}), "size", "longest_edge")


def test_the_usual_settings() -> None:
    found = usual({"shortest_edge": 9}, "lanczos", CLIP, rgb=True, crop=7, do_pad=False)
    assert found == {
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": 9},
        "resample": 1,
        "default_to_square": False,
        "do_center_crop": True,
        "crop_size": {"height": 7, "width": 7},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        **CLIP,
        "do_pad": False,
    }
