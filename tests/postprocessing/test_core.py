"""Every post-processing method as a program and as graphs: what compiles, what agrees, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import tiers
from support.graphs import ort
from support.post_outputs import (
    FIRSTS,
    METHODS,
    SIZES,
    assert_close,
    changed,
    feeds,
    from_model,
    keywords,
    label,
    one,
    options,
    outputs,
    processor,
    sizes,
)

from graphproc.emitters.onnx.checks import cuda_fallbacks, domains
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import ConfigError, EmitError
from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.ir.verify import verify
from graphproc.postprocessing.method import Method
from graphproc.postprocessing.registry import lookup, methods

every_method = pytest.mark.parametrize("method", tiers.rows(METHODS, FIRSTS), ids=label)


def compiled(method: Method, *, sized: tuple[str, ...] | None = None, ragged: bool = False, **changes: Any) -> Program:
    fields = tuple(from_model(method))
    config = processor(method)._post_config()
    return method.program(config, options(method, **changes), sized=sized, ragged=ragged, fields=fields)


def forms(method: Method) -> list[dict[str, Any]]:
    """Return options of programs: all sizes or none, and a fixed number of rows or one that depends on the image."""
    found: list[dict[str, Any]] = [{}]
    found += [{"sized": method.size_arguments}] if method.computed else []
    found += (
        [{"sized": ()}]
        if method.size_arguments and not method.needs_sizes and "source_sizes" not in method.size_arguments
        else []
    )
    return [*found, *([{"ragged": True}] if method.rows else [])]


# ---- programs --------------------------------------------------------------------------------------------------


@every_method
def test_programs_say_what_they_read(method: Method) -> None:
    for form in forms(method):
        program = verify(compiled(method, **form))
        assert program.inputs_batched
        assert program.parity == method.parity
        names = [value.name for value in program.inputs]
        given = [keyword.removesuffix("s") for keyword in keywords(method, form.get("sized"))]
        read = from_model(method)
        assert names == [*read, *given]
        for value in program.inputs[len(read) :]:
            assert value.type.shape == ((2, 2) if method.pairs else (2,))
            assert len(value.size_names) == (4 if method.pairs else 2)
            assert f"  input {value.name}: {value.type} size_names {', '.join(value.size_names)}\n" in str(program)
        joins = {output.name: output.join for output in program.outputs}
        rows = {joins[name] for name in method.rows if name in joins or not method.name.endswith("instance_segmentation")}
        assert all(join.has_image_axis != bool(form.get("ragged")) for join in rows)
        assert str(compiled(method, **form)) == str(program)


@every_method
def test_every_class_has_its_methods(method: Method) -> None:
    for name in method.classes or ("ViTImageProcessor", "DetrImageProcessor"):
        assert methods(name)[method.name] is method
        assert lookup(name, method.name.removeprefix("post_process_")) is method


@every_method
def test_options_that_do_not_exist(method: Method) -> None:
    with pytest.raises(ConfigError, match=f"{method.name}: unknown option 'colour'. Known: "):
        method.settings({"colour": 3})


@every_method
@pytest.mark.parametrize("value", ["high", float("nan"), True, None])
def test_thresholds_are_numbers(method: Method, value: object) -> None:
    for name in (key for key in method.settings({}) if key.endswith("threshold")):
        unread = compiled(method).steps == compiled(method, **{name: 0.9}).steps  # transformers accepts it and ignores it
        if unread or (value is None and method.options[name] is None):
            continue
        with pytest.raises(ConfigError, match=f"{name}: expected a number, got"):
            compiled(method, **{name: value})


@every_method
def test_sizes_and_rows_that_are_missing(method: Method) -> None:
    if method.needs_sizes:
        with pytest.raises(
            ConfigError, match=rf"{method.name}: expected {method.size_arguments[0]}, \(height, width\) in pixels"
        ):
            compiled(method, sized=())
    if not method.rows:
        with pytest.raises(ConfigError, match=f"{method.name}: its outputs have one size .* Leave ragged out"):
            compiled(method, ragged=True)


def test_other_names() -> None:
    with pytest.raises(
        ConfigError, match=r"ViTImageProcessor has no method 'post_process_panoptic'\. It has post_process_image_"
    ):
        lookup("ViTImageProcessor", "panoptic")
    assert list(methods("ViTImageProcessor")) == ["post_process_image_classification"]


# ---- graphs ----------------------------------------------------------------------------------------------------


@every_method
@pytest.mark.parametrize(("opset", "target"), tiers.rows([(17, "cuda"), (18, "cpu"), (23, "cuda")], [(18, "cpu")]))
def test_graphs_are_standard_and_the_same_each_time(method: Method, opset: int, target: str) -> None:
    for form in forms(method):
        for input in ("batch", "sequence") if opset == 18 else ("batch",):
            settings = EmitOptions(target, input, opset)  # type: ignore[arg-type]
            model = emit(compiled(method, **form), settings, {"key": "value"})
            onnx.checker.check_model(model, full_check=True)
            onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
            assert domains(model) == {""}
            assert [o.version for o in model.opset_import] == [opset]
            if target == "cuda":
                assert cuda_fallbacks(model) == []
                continue
            again = emit(compiled(method, **form), settings, {"key": "value"})
            assert model.SerializeToString(deterministic=True) == again.SerializeToString(deterministic=True)


@every_method
def test_inputs_of_graphs(method: Method) -> None:
    program = compiled(method)
    for input in ("batch", "image", "sequence"):
        model = emit(program, EmitOptions(input=input))  # type: ignore[arg-type]
        shapes = {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.input}
        for name in from_model(method):
            assert shapes.pop(program.graph_input_name(name)) == ["batch", *method.inputs[name].shape]
        wanted = [2, 2] if method.pairs else [2]
        if input == "sequence":
            assert shapes == {keyword: ["batch", *wanted] for keyword in keywords(method)}
        else:
            assert shapes == {keyword.removesuffix("s"): wanted for keyword in keywords(method)}


@every_method
def test_batches_agree_with_the_reference_image_by_image(method: Method) -> None:
    """Sizes of all images and of each, in one batch and in a loop."""
    fields = outputs(method, len(SIZES))
    for change, form in [*(({}, form) for form in forms(method)), *((change, {}) for change in changed(method)[1:])]:
        program = compiled(method, **form, **change)
        what = f"{form} {change}"
        given = [sizes(method, rows, form.get("sized")) for rows in ([SIZES[0]] * len(SIZES), SIZES)]
        results = [[reference.run(program, one(fields, rows, i)) for i in range(len(SIZES))] for rows in given]
        expected = [reference.batch(program.outputs, of_all) for of_all in results]
        for target in ("cuda", "cpu") if not change else ("cpu",):
            batch = ort(emit(program, EmitOptions(target)))  # type: ignore[arg-type]
            found = batch(feeds(program, fields, given[0], sequence=False))
            assert_close(found, expected[0], method.parity, f"{what} {target}, batch")
        sequence = ort(emit(program, EmitOptions(input="sequence")))
        same = sequence(feeds(program, fields, given[0], sequence=True))
        # What is summed, may be summed in an order that depends on the number of images.
        assert_close(same, found, method.parity, f"{what}, sequence of equal sizes")
        assert_close(sequence(feeds(program, fields, given[1], sequence=True)), expected[1], method.parity, f"{what}, sequence")


@every_method
def test_exact_numbers_of_rows_are_the_padded_ones_cut(method: Method) -> None:
    if not method.rows:
        return
    fields, given = outputs(method, len(SIZES)), sizes(method, [SIZES[0]] * len(SIZES))
    fixed, ragged = compiled(method), compiled(method, ragged=True)
    padded = ort(emit(fixed, EmitOptions()))(feeds(fixed, fields, given, sequence=False))
    exact = ort(emit(ragged, EmitOptions()))(feeds(ragged, fields, given, sequence=False))
    assert list(padded) == list(exact)
    for name, value in padded.items():
        if name in method.rows:
            counts = padded[f"{name}_count" if f"{name}_count" in padded else "count"]
            assert counts.max() > counts.min(), "the example shows something"
            value = np.concatenate([rows[:count] for rows, count in zip(value, counts, strict=True)])
        assert_close(exact[name], value, method.parity, name)


@every_method
def test_one_image_and_no_rows(method: Method) -> None:
    """A batch of one, and images in which nothing counts."""
    fields, given = outputs(method, 1, seed=3), sizes(method, SIZES[:1])
    for change in ({}, {"threshold": 1e6}):
        for ragged in (False, True) if method.rows else (False,):
            program = compiled(method, ragged=ragged, **change)
            expected = reference.batch(program.outputs, [reference.run(program, one(fields, given, 0))])
            for input in ("batch", "sequence"):
                run = ort(emit(program, EmitOptions(input=input)))  # type: ignore[arg-type]
                found = run(feeds(program, fields, given, sequence=input == "sequence"))
                assert_close(found, expected, method.parity, f"{change} {ragged} {input}")


def test_options_that_are_for_images() -> None:
    program = compiled(lookup("DetrImageProcessor", "object_detection"))
    with pytest.raises(EmitError, match=r"image_size: .* reads a model's outputs, not images. Leave it out"):
        emit(program, EmitOptions(image_size=(3, 4)))
    fixed = emit(program, EmitOptions(batch_size=3))
    assert [d.dim_param or d.dim_value for d in fixed.graph.input[0].type.tensor_type.shape.dim] == [3, "queries", "classes"]
    assert [d.dim_param or d.dim_value for d in fixed.graph.output[2].type.tensor_type.shape.dim] == [3, "boxes_queries", 4]
