"""Implement comparisons, logic and the choice between two tensors."""

from __future__ import annotations

import torch

from graphproc.runtime.torch_ops.table import implements

implements("Equal")(torch.eq)
implements("Less")(torch.lt)
implements("LessOrEqual")(torch.le)
implements("Greater")(torch.gt)
implements("GreaterOrEqual")(torch.ge)
implements("And")(torch.logical_and)
implements("Or")(torch.logical_or)
implements("Xor")(torch.logical_xor)
implements("Not")(torch.logical_not)
implements("Where")(torch.where)
