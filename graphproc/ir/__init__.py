"""The transform IR: typed values, ops, and programs that state how their results batch."""
