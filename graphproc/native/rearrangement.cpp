#include "rearrangement.h"

#include <algorithm>
#include <numeric>

namespace graphproc {

namespace {

// Tensors have fewer elements than this, so that products of sizes never overflow.
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

Move Rearrangement::move(const Tensor& x, const Tensor& lengths, std::vector<int64_t>& shape) const {
    const int64_t* length = lengths.as<int64_t>();
    if (lengths.rank() != 1 || lengths.count() != all)
        refuse("lengths: expected those of " + std::to_string(all) + " parts, found shape " + shown(lengths.shape));
    const std::vector<int64_t> given(length, length + all);
    const auto large = [&] { refuse("the lengths " + shown(given) + " are too large"); };
    if (x.rank() < left.size())
        refuse("expected at least " + std::to_string(left.size()) + " axes, found shape " + shown(x.shape));
    const size_t lead = x.rank() - left.size();
    for (size_t axis = 0, part = 0; axis < left.size(); axis++) {
        size_t product = 1;
        for (int64_t i = 0; i < left[axis]; i++, part++) {
            if (length[part] < 0) refuse("expected lengths of parts of at least 0, found " + shown(given));
            if (__builtin_mul_overflow(product, static_cast<size_t>(length[part]), &product)) large();
        }
        if (product != static_cast<size_t>(x.shape[lead + axis]))
            refuse("expected parts of the axes of shape " + shown(x.shape) + ", found lengths " + shown(given));
    }

    size_t strides[Move::MOST] = {}, stride = 1;
    for (size_t part = parts; part-- > 0;) {
        strides[part] = stride;
        stride *= static_cast<size_t>(length[part]);
    }
    Move move;
    size_t count = move.lengths[0] = x.count(0, lead);
    move.strides[0] = stride;
    move.axes = 1;
    for (const int64_t part : order) {
        if (length[part] < 0) refuse("expected lengths of parts of at least 0, found " + shown(given));
        move.lengths[move.axes] = static_cast<size_t>(length[part]);
        move.strides[move.axes++] = strides[part];
        if (__builtin_mul_overflow(count, static_cast<size_t>(length[part]), &count) || count > MOST_ELEMENTS) large();
    }
    shape.assign(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(lead));
    for (size_t axis = 0, at = 0; axis < right.size(); axis++) {
        int64_t size = 1;
        for (int64_t i = 0; i < right[axis]; i++)
            if (__builtin_mul_overflow(size, length[order[at++]], &size)) large();
        shape.push_back(size);
    }
    plan_move(move);
    return move;
}

}  // namespace graphproc
