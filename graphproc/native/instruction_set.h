// Which instructions of the processor the kernels use.
#pragma once
#include <string>

namespace graphproc {

// From the oldest to the newest of a processor family. `baseline` is what every x86-64 or arm64 processor has.
enum class InstructionSet { baseline, sse41, avx2, avx512, neon };

// The instruction set in use: the newest that the processor has, unless GRAPHPROC_KERNELS or `use` names another.
InstructionSet instruction_set();

// Returns whether this processor has the instruction set, and the library was built with it.
bool has(InstructionSet set);

// Returns the same for a name as `use` takes it.
bool has(const std::string& name);

// Uses an instruction set by its name from now on: `sse4.1`, `avx2`, `avx512`, `neon`, or `auto` for the newest.
// Returns whether the processor has it; nothing changes if not.
bool use(const std::string& name);

// The name of an instruction set, as `use` takes it.
const char* name_of(InstructionSet set);

}  // namespace graphproc
