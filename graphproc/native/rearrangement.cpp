#include "rearrangement.h"

#include <algorithm>
#include <numeric>

namespace graphproc {

namespace {

constexpr size_t MOST_ELEMENTS = size_t{1} << 48;

std::string shown(const std::vector<int64_t>& values) {
    std::string text = "[";
    for (size_t i = 0; i < values.size(); i++) text += (i ? ", " : "") + std::to_string(values[i]);
    return text + "]";
}

}  // namespace

void Rearrangement::refuse(const std::string& what) const { throw Refused(std::string(name) + ": " + what); }

Rearrangement::Rearrangement(const char* name, const Attributes& attributes)
    : name(name), left(attributes.numbers("left")), order(attributes.numbers("order")), right(attributes.numbers("right")) {
    const auto total = [&](const std::vector<int64_t>& counts, const char* what) {
        int64_t sum = 0;
        for (const int64_t count : counts) {
            if (count < 0 || count > Move::MOST) refuse(std::string(what) + ": expected numbers of parts, found " + shown(counts));
            if ((sum += count) > Move::MOST) refuse(std::string(what) + ": expected at most 32 parts, found " + shown(counts));
        }
        return static_cast<size_t>(sum);
    };
    parts = total(left, "left");
    all = total(right, "right");
    std::vector<int64_t> sorted = order, expected(all);
    std::sort(sorted.begin(), sorted.end());
    std::iota(expected.begin(), expected.end(), 0);
    if (sorted != expected || parts > all)
        refuse("order: expected each of " + std::to_string(all) + " parts once, " + std::to_string(parts) +
               " of them the operand's, found " + shown(order));
}

std::vector<size_t> Rearrangement::lengths_of(const Tensor& x, const Tensor& lengths) const {
    if (lengths.rank() != 1 || lengths.count() != all)
        refuse("expected lengths of " + std::to_string(all) + " parts, found shape " + shown(lengths.shape));
    if (x.rank() < left.size())
        refuse("expected at least " + std::to_string(left.size()) + " axes, found shape " + shown(x.shape));
    const int64_t* given = lengths.as<int64_t>();
    const auto check = [&](bool fits) {
        if (!fits) refuse("lengths " + shown({given, given + all}) + " do not fit shape " + shown(x.shape));
    };
    std::vector<size_t> found(all);
    for (size_t axis = 0, part = 0; axis < left.size(); axis++) {
        const size_t size = static_cast<size_t>(x.shape[x.rank() - left.size() + axis]), none = all;
        size_t product = 1, unknown = none;
        for (int64_t i = 0; i < left[axis]; i++, part++) {
            if (given[part] == -1) {
                check(unknown == none);
                unknown = part;
                continue;
            }
            check(given[part] >= 0);
            found[part] = static_cast<size_t>(given[part]);
            check(!__builtin_mul_overflow(product, found[part], &product));
        }
        if (unknown == none) {
            check(product == size);
        } else {
            check(product > 0 && size % product == 0);
            found[unknown] = size / product;
        }
    }
    for (size_t part = parts; part < all; part++) {
        check(given[part] >= 0);
        found[part] = static_cast<size_t>(given[part]);
    }
    return found;
}

Move Rearrangement::move(const Tensor& x, const Tensor& lengths, std::vector<int64_t>& shape) const {
    const std::vector<size_t> found = lengths_of(x, lengths);
    const size_t lead = x.rank() - left.size();
    size_t strides[Move::MOST] = {}, stride = 1;
    for (size_t part = parts; part-- > 0;) {
        strides[part] = stride;
        stride *= found[part];
    }
    Move move;
    move.axes = 1;
    move.lengths[0] = x.count(0, lead);
    move.strides[0] = stride;
    shape.assign(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(lead));
    // Products of sizes stay below 2**48, as if no size were 0.
    size_t count = std::max<size_t>(move.lengths[0], 1), at = 0;
    for (const int64_t merged : right) {
        size_t size = 1;
        for (int64_t i = 0; i < merged; i++) {
            const size_t part = static_cast<size_t>(order[at++]);
            move.lengths[move.axes] = found[part];
            move.strides[move.axes++] = strides[part];
            size *= found[part];
            if (__builtin_mul_overflow(count, std::max<size_t>(found[part], 1), &count) || count > MOST_ELEMENTS)
                refuse("expected a result of fewer than 2**48 elements, found more for shape " + shown(x.shape));
        }
        shape.push_back(static_cast<int64_t>(size));
    }
    plan_move(move);
    return move;
}

}  // namespace graphproc
