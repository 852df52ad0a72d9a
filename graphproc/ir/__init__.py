"""Define the transform IR: typed values, ops, programs, and how results of several images join."""
