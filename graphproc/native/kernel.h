// What a kernel is, whoever runs it: ONNX Runtime (ort.cpp) or a caller of the C interface (interface.cpp).
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace graphproc {

// The element types of tensors, with the numbers that ONNX gives them.
enum class Element : int32_t { f32 = 1, u8 = 2, i64 = 7, f64 = 11 };

// A view of C-contiguous elements that someone else owns.
struct Tensor {
    Element element;
    std::vector<int64_t> shape;
    const void* data;

    template <class T>
    const T* as() const { return static_cast<const T*>(data); }
    size_t rank() const { return shape.size(); }
    // The number of elements of the axes first .. last, without the last.
    size_t count(size_t first, size_t last) const {
        size_t product = 1;
        for (size_t axis = first; axis < last; axis++) product *= static_cast<size_t>(shape[axis]);
        return product;
    }
    size_t count() const { return count(0, rank()); }
};

// Says what is wrong with an attribute or an input: where, what was expected, what was found. A door turns it into its own
// kind of error.
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The settings of one node of a graph. Each member raises Refused if the attribute is missing.
class Attributes {
public:
    virtual ~Attributes() = default;
    virtual int64_t number(const char* name) const = 0;
    virtual std::vector<int64_t> numbers(const char* name) const = 0;
    virtual std::vector<float> floats(const char* name) const = 0;
    virtual std::string text(const char* name) const = 0;
};

// One run of a kernel: its inputs, its outputs, and the threads that it may use.
class Call {
public:
    virtual ~Call() = default;
    virtual Tensor input(size_t index) const = 0;
    // Returns memory for an output of that shape. It holds anything; the kernel writes every element.
    virtual void* output(size_t index, const std::vector<int64_t>& shape) = 0;
    // Runs body(0) .. body(parts - 1), some of them at once on other threads, and returns after the last.
    // An exception of a part is raised here.
    virtual void parallel(size_t parts, const std::function<void(size_t)>& body) = 0;
};

// Computes one op with settings that are known; several threads may run it at a time.
class Kernel {
public:
    virtual ~Kernel() = default;
    // Raises Refused for inputs that do not fit.
    virtual void run(Call& call) const = 0;
};

// Describes a kernel to those who run it. `make` raises Refused for settings that do not fit.
struct KernelType {
    const char* name;
    std::vector<Element> inputs, outputs;
    std::unique_ptr<const Kernel> (*make)(const Attributes& attributes);
};

// All kernels of the library (registry.cpp); a file in kernels/ defines each.
const std::vector<KernelType>& kernel_types();

}  // namespace graphproc
