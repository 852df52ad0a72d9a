"""The cases of LLaVA-NeXT and LLaVA-OneVision: canvases with and without a whole number of tiles."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings, Size

CANVASES = [[40, 80], [80, 40], [80, 80], [120, 40], [40, 120]]
WHOLE = {"image_grid_pinpoints": CANVASES, "size": {"shortest_edge": 40}, "crop_size": 40}
RAGGED = {**WHOLE, "crop_size": {"height": 33, "width": 33}, "do_center_crop": True}
EDGES: tuple[Size, ...] = ((336, 336), (672, 336), (673, 336), (300, 1000), (3000, 200), (1, 500), (500, 1))
NOTHING = {**dict.fromkeys(("do_resize", "do_rescale", "do_normalize", "do_center_crop"), False)}
EXTRA: Mapping[str, Settings] = {
    "whole tiles": WHOLE,
    "ragged tiles": RAGGED,
    "ragged tiles, lanczos": {**RAGGED, "resample": 1},
    "ragged tiles, bytes": {**RAGGED, "do_rescale": False, "do_normalize": False},
    "ragged tiles, height and width": {**RAGGED, "size": {"height": 40, "width": 37}},
    "ragged tiles, not resized": {**RAGGED, "do_resize": False},
    "ragged tiles, not cropped": {**RAGGED, "size": {"height": 45, "width": 37}, "do_center_crop": False},
    "whole tiles, not cropped": {**WHOLE, "do_center_crop": False},
    "whole tiles, cropped and padded": {**WHOLE, "crop_size": {"height": 40, "width": 50}, "do_center_crop": True},
    "whole tiles, resized": {**WHOLE, "size": {"height": 61, "width": 30}},
    "whole tiles, nothing done": {**WHOLE, **NOTHING},
    "whole tiles, of another size than the whole": {**WHOLE, **NOTHING, "size": {"height": 61, "width": 30}},
    "two edges": {**WHOLE, "size": {"shortest_edge": 40, "longest_edge": 50}, "do_center_crop": True},
    "one canvas": {**WHOLE, "image_grid_pinpoints": [[120, 80]]},
    "equal canvases": {**WHOLE, "image_grid_pinpoints": [[80, 40], [40, 80], [80, 40]]},
    "do_pad false": {**WHOLE, "do_pad": False},
    "do_convert_rgb false": {**RAGGED, "do_convert_rgb": False},
    "no canvas": {**WHOLE, "image_grid_pinpoints": None},
    "size within": {**WHOLE, "size": {"max_height": 40, "max_width": 50}},
}
CASE = ProcessorCase(standard=False, extra=EXTRA, edges=EDGES)

CASES: Mapping[str, ProcessorCase] = {"LlavaNextImageProcessor": CASE, "LlavaOnevisionImageProcessor": CASE}
