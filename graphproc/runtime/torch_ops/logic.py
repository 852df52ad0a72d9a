"""Comparisons, logic and the choice between two."""

from __future__ import annotations

import torch

from graphproc.runtime.torch_ops.table import rule

rule("Equal")(torch.eq)
rule("Less")(torch.lt)
rule("LessOrEqual")(torch.le)
rule("Greater")(torch.gt)
rule("GreaterOrEqual")(torch.ge)
rule("And")(torch.logical_and)
rule("Or")(torch.logical_or)
rule("Xor")(torch.logical_xor)
rule("Not")(torch.logical_not)
rule("Where")(torch.where)
