// The settings of a rearrangement, and the move that they are for an operand.
#pragma once
#include <vector>

#include "kernel.h"
#include "move.h"

namespace graphproc {

// Splits, reorders, merges and repeats axes, as a pattern of op `rearrange` says. Parts have numbers: first those of the
// operand in its order, then those that repeat.
//
// Attributes:
//   left    for each of the operand's last axes, how many parts it is split into
//   order   for each part of the result in its order, the part's number
//   right   for each of the result's last axes, how many parts it is merged of
//
// `c (h p) w -> h (t c p) w` has left 1 2 1, order 1 4 0 2 3, right 1 3 1. Axes in front of these stay where they are.
class Rearrangement {
public:
    // Raises Refused for attributes that do not fit each other. `name` is the kernel's.
    Rearrangement(const char* name, const Attributes& attributes);

    // Returns the move of an operand, and writes the result's shape. `lengths` holds the length of each part; in each of the
    // operand's axes one may be -1, which is found by division. Raises Refused for lengths that do not fit the operand.
    Move move(const Tensor& x, const Tensor& lengths, std::vector<int64_t>& shape) const;

private:
    std::vector<size_t> lengths_of(const Tensor& x, const Tensor& lengths) const;
    [[noreturn]] void refuse(const std::string& what) const;

    const char* name;
    std::vector<int64_t> left, order, right;
    size_t parts = 0, all = 0;
};

}  // namespace graphproc
