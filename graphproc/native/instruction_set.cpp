// Which instructions this processor has, by its own account, and which of them are in use.
#include "instruction_set.h"

#include <atomic>
#include <cstdlib>
#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace graphproc {
namespace {

// From the newest to the oldest; a processor has those of one family.
constexpr InstructionSet newest_first[] = {InstructionSet::avx512, InstructionSet::avx2, InstructionSet::sse41, InstructionSet::neon};

#if defined(__x86_64__)

// The features that the compiler may use in code of each set (CMakeLists.txt), as CPUID numbers them (Intel 64 and IA-32
// Architectures Software Developer's Manual, volume 2, CPUID).
struct Features {
    bool sse41 = false, avx2 = false, avx512 = false;

    Features() {
        unsigned a, b, c, d;
        if (!__get_cpuid(1, &a, &b, &c, &d)) return;
        const unsigned leaf1 = c;
        sse41 = all_of(leaf1, {0, 9, 19});  // SSE3, SSSE3, SSE4.1
        // AVX registers are usable only where the operating system saves them (OSXSAVE, then bits of XCR0).
        if (!sse41 || !all_of(leaf1, {12, 27, 28}) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;  // FMA, OSXSAVE, AVX
        const unsigned saved = saved_registers();
        avx2 = all_of(saved, {1, 2}) && all_of(b, {5});
        avx512 = avx2 && all_of(saved, {5, 6, 7}) && all_of(b, {16, 17, 30, 31}) && all_of(c, {1, 11});  // F DQ BW VL; VBMI VNNI
    }

    static bool all_of(unsigned word, std::initializer_list<int> bits) {
        for (int bit : bits)
            if (!(word >> bit & 1)) return false;
        return true;
    }

    // The low half of XCR0.
    static unsigned saved_registers() {
        unsigned low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return low;
    }
};

bool processor_has(InstructionSet set) {
    static const Features features;
    return (set == InstructionSet::sse41 && features.sse41) || (set == InstructionSet::avx2 && features.avx2) ||
           (set == InstructionSet::avx512 && features.avx512);
}

#elif defined(__aarch64__)

bool processor_has(InstructionSet set) { return set == InstructionSet::neon; }

#endif

InstructionSet newest() {
    for (InstructionSet set : newest_first)
        if (has(set)) return set;
    return InstructionSet::baseline;
}

// Finds an instruction set that the processor has by its name. Returns whether there is one.
bool find(const std::string& name, InstructionSet* found) {
    if (name == "auto") {
        *found = newest();
        return true;
    }
    for (InstructionSet set : newest_first) {
        if (name == name_of(set) && has(set)) {
            *found = set;
            return true;
        }
    }
    return false;
}

// What GRAPHPROC_KERNELS says; the newest if it says nothing, or what this processor does not have.
InstructionSet at_start() {
    const char* asked = std::getenv("GRAPHPROC_KERNELS");
    InstructionSet found = newest();
    if (asked != nullptr && std::string(asked) == "off") return InstructionSet::baseline;
    if (asked != nullptr) find(asked, &found);
    return found;
}

std::atomic<InstructionSet>& in_use() {
    static std::atomic<InstructionSet> set{at_start()};
    return set;
}

}  // namespace

InstructionSet instruction_set() { return in_use().load(std::memory_order_relaxed); }

bool has(InstructionSet set) { return set == InstructionSet::baseline || processor_has(set); }

bool has(const std::string& name) {
    InstructionSet found;
    return find(name, &found);
}

bool use(const std::string& name) {
    InstructionSet found;
    if (!find(name, &found)) return false;
    in_use().store(found, std::memory_order_relaxed);
    return true;
}

const char* name_of(InstructionSet set) {
    switch (set) {
        case InstructionSet::sse41: return "sse4.1";
        case InstructionSet::avx2: return "avx2";
        case InstructionSet::avx512: return "avx512";
        case InstructionSet::neon: return "neon";
        default: return "none";
    }
}

}  // namespace graphproc
