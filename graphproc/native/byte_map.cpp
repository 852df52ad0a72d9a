// Reads a map of bytes, and picks its fastest form. Every form gives the bits of graphproc/ops/byte_map.py.
#include "byte_map.h"

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
    const bool looked_up = !steps.empty() && steps[0].name == "table";
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
    if (length && functions.rather_arithmetic(own, length))
        functions.arithmetic(in, count, own, length, out);
    else
        functions.look_up(in, count, table(channel), out);
}

}  // namespace graphproc
