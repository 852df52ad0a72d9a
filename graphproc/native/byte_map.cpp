// Reads a map of bytes, and picks its fastest form. Every form gives the bits of graphproc/ops/byte_map.py.
#include "byte_map.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "per_set.h"

namespace graphproc {
namespace {

struct Step {
    std::string name;
    std::vector<float> constants;
};

std::vector<Step> read_steps(const Attributes& attributes, const std::string& kernel) {
    const std::string names = attributes.text("operations");
    const std::vector<float> constants = attributes.floats("constants");
    const std::vector<int64_t> counts = attributes.numbers("counts");
    std::vector<Step> steps;
    size_t used = 0;
    for (size_t start = 0; start < names.size();) {
        const size_t end = std::min(names.find(',', start), names.size());
        if (steps.size() == counts.size()) throw Refused(kernel + ": expected one of `counts` for each of: " + names);
        const int64_t count = counts[steps.size()];
        if (count < 1 || static_cast<uint64_t>(count) > constants.size() - used)
            throw Refused(kernel + ": expected at least as many `constants` as `counts` say, found " + std::to_string(constants.size()));
        steps.push_back({names.substr(start, end - start), {&constants[used], &constants[used] + count}});
        used += static_cast<size_t>(count);
        start = end + 1;
    }
    if (steps.size() != counts.size() || used != constants.size())
        throw Refused(kernel + ": expected `operations` for all `counts` and `constants`, found: " + names);
    return steps;
}

// Returns the operation of one channel.
ByteOperation operation_of(const Step& step, size_t channel, const std::string& kernel) {
    static const std::map<std::string, ByteOperation::Kind> kinds = {
        {"mul", ByteOperation::multiply}, {"div", ByteOperation::divide}, {"sub", ByteOperation::subtract}, {"add", ByteOperation::add}};
    if (step.name == "split") {
        if (step.constants.size() != 2)
            throw Refused(kernel + ": split: expected 2 constants, found " + std::to_string(step.constants.size()));
        return {ByteOperation::split, step.constants[0], step.constants[1], 0};
    }
    const auto kind = kinds.find(step.name);
    if (kind == kinds.end()) throw Refused(kernel + ": expected mul, div, sub, add, split, or table first, found " + step.name);
    return {kind->second, step.constants[step.constants.size() == 1 ? 0 : channel], 0, 0};
}

float apply_one(const ByteOperation& operation, float x) {
    switch (operation.kind) {
        case ByteOperation::multiply: return x * operation.constant;
        case ByteOperation::divide: return x / operation.constant;
        case ByteOperation::subtract: return x - operation.constant;
        case ByteOperation::add: return x + operation.constant;
        case ByteOperation::split: return x * operation.constant + x * operation.other;
        case ByteOperation::quotient: return std::fma(x, operation.other, x * operation.rest);
    }
    return x;
}

bool same_bits(float a, float b) { return !std::memcmp(&a, &b, sizeof a); }

}  // namespace

ByteMap::ByteMap(const Attributes& attributes, const std::string& kernel) {
    std::vector<Step> steps = read_steps(attributes, kernel);
    std::vector<float> first(256);
    for (int i = 0; i < 256; i++) first[i] = static_cast<float>(i);
    looked_up = !steps.empty() && steps[0].name == "table";
    if (looked_up) {
        if (steps[0].constants.size() != 256)
            throw Refused(kernel + ": table: expected 256 constants, found " + std::to_string(steps[0].constants.size()));
        first = steps[0].constants;
        steps.erase(steps.begin());
    }
    size_t channels = 1;
    for (const Step& step : steps) {
        const size_t count = step.name == "split" ? 1 : step.constants.size();
        if (channels != 1 && count != 1 && count != channels)
            throw Refused(kernel + ": expected constants of 1 or " + std::to_string(channels) + " channels, found " + std::to_string(count));
        channels = std::max(channels, count);
    }
    if (channels > 64) throw Refused(kernel + ": expected constants of at most 64 channels, found " + std::to_string(channels));
    for (size_t channel = 0; channel < channels; channel++) {
        std::vector<float> values = first;
        for (const Step& step : steps) {
            const ByteOperation operation = operation_of(step, channel, kernel);
            const float inverse = 1 / operation.constant, rest = std::fma(-inverse, operation.constant, 1.0f) / operation.constant;
            const ByteOperation fused = {ByteOperation::quotient, operation.constant, inverse, rest};
            bool equal = operation.kind == ByteOperation::divide;
            for (float& value : values) {
                const float result = apply_one(operation, value);
                equal = equal && same_bits(result, apply_one(fused, value));
                value = result;
            }
            if (!looked_up) operations.push_back(equal ? fused : operation);
        }
        tables.insert(tables.end(), values.begin(), values.end());
    }
    length = looked_up ? 0 : steps.size();
}

void ByteMap::apply(const uint8_t* in, size_t count, size_t channel, float* out) const {
    const ByteMapFunctions& functions = GRAPHPROC_OF_SET(byte_map_functions);
    const ByteOperation* own = operations.data() + length * (channels() == 1 ? 0 : channel);
    if (!looked_up && functions.rather_arithmetic(own, length))
        functions.arithmetic(in, count, own, length, out);
    else
        functions.look_up(in, count, table(channel), out);
}

ByteChannels::ByteChannels(const std::string& kernel, const Attributes& attributes)
    : kernel(kernel), axis(attributes.number("axis")), each(attributes.number("each")) {
    if (axis >= 0 || each < 1)
        throw Refused(kernel + ": expected an axis below 0 and each above 0, found " + std::to_string(axis) + " and " + std::to_string(each));
}

size_t ByteChannels::each_of(const ByteMap& map, const std::vector<int64_t>& shape) const {
    if (map.channels() == 1) return 1;
    const int64_t rank = static_cast<int64_t>(shape.size()), channels = static_cast<int64_t>(map.channels());
    int64_t length = 0;
    if (axis < -rank || __builtin_mul_overflow(channels, each, &length) || shape[static_cast<size_t>(rank + axis)] % length)
        throw Refused(kernel + ": expected " + std::to_string(channels) + " channels of " + std::to_string(each) + " on axis " +
                      std::to_string(axis) + ", found another length");
    size_t elements = static_cast<size_t>(each);
    for (int64_t i = rank + axis + 1; i < rank; i++) elements *= static_cast<size_t>(shape[static_cast<size_t>(i)]);
    return std::max<size_t>(elements, 1);
}

ByteTurns::ByteTurns(const ByteMap& map, size_t each) : map(map), each(each) {
    constexpr size_t MARGIN = ByteMapFunctions::MARGIN;
    const size_t channels = map.channels(), length = map.length;
    // Long turns are faster one by one.
    if (channels == 1 || each >= MARGIN) return;
    for (size_t step = 0; step < length; step++) {
        ByteOperation::Kind kind = map.operations[step].kind;
        for (size_t channel = 1; channel < channels; channel++)
            if (map.operations[length * channel + step].kind != kind) kind = ByteOperation::divide;  // some are quotients
        kinds.push_back(kind);
    }
    std::vector<ByteOperation> typical(map.operations.begin(), map.operations.begin() + static_cast<std::ptrdiff_t>(length));
    for (size_t step = 0; step < length; step++) typical[step].kind = kinds[step];
    if (!GRAPHPROC_OF_SET(byte_map_functions).rather_arithmetic(typical.data(), length)) kinds.clear();
    if (kinds.empty()) return;
    period = (MARGIN + channels * each - 1) / (channels * each) * channels * each;
    const size_t width = period + MARGIN;
    for (size_t step = 0; step < length; step++)
        for (size_t i = 0; i < width; i++) {
            const ByteOperation& own = map.operations[length * (i / each % channels) + step];
            constants.push_back(own.constant);
            others.push_back(own.other);
            rests.push_back(own.rest);
        }
}

void ByteTurns::apply(const uint8_t* in, size_t first, size_t count, float* out) const {
    if (map.channels() == 1) return map.apply(in, count, 0, out);
    if (!kinds.empty())
        return GRAPHPROC_OF_SET(byte_map_functions)
            .turns(in, count, kinds.data(), kinds.size(), constants.data(), others.data(), rests.data(),
                   period + ByteMapFunctions::MARGIN, first, period, out);
    if (each < 8) return looked_up(in, first, count, out);
    for (size_t done = 0; done < count;) {
        const size_t turn = (first + done) / each, size = std::min(count - done, (turn + 1) * each - first - done);
        map.apply(in + done, size, turn % map.channels(), out + done);
        done += size;
    }
}

void ByteTurns::looked_up(const uint8_t* in, size_t first, size_t count, float* out) const {
    size_t channel = first / each % map.channels(), left = each - first % each;
    for (size_t i = 0; i < count; i++) {
        out[i] = map.table(channel)[in[i]];
        if (--left) continue;
        left = each;
        if (++channel == map.channels()) channel = 0;
    }
}

}  // namespace graphproc
