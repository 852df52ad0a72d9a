// The C interface's door to the kernels (interface.h).
#include "interface.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

#include "instruction_set.h"
#include "kernel.h"

#ifndef GRAPHPROC_VERSION
#define GRAPHPROC_VERSION "unknown"
#endif

struct graphproc_kernel {
    const graphproc::KernelType* type;
    std::unique_ptr<const graphproc::Kernel> kernel;
};

namespace graphproc {
namespace {

class GivenAttributes : public Attributes {
public:
    GivenAttributes(const graphproc_attribute* attributes, size_t count) : attributes(attributes), size(count) {}

    int64_t number(const char* name) const override {
        const std::vector<int64_t> values = numbers(name);
        if (values.size() != 1) throw Refused(std::string(name) + ": expected one number, found " + std::to_string(values.size()));
        return values[0];
    }
    std::vector<int64_t> numbers(const char* name) const override { return array<int64_t>(name, 0); }
    std::vector<float> floats(const char* name) const override { return array<float>(name, 1); }
    std::string text(const char* name) const override {
        const graphproc_attribute* found = find(name, 2);
        if (!found) throw Refused(std::string(name) + ": expected a text, found none");
        return {static_cast<const char*>(found->values), found->count};
    }

private:
    const graphproc_attribute* find(const char* name, int32_t kind) const {
        for (size_t i = 0; i < size; i++)
            if (!std::strcmp(attributes[i].name, name) && attributes[i].kind == kind) return &attributes[i];
        return nullptr;
    }
    template <class T>
    std::vector<T> array(const char* name, int32_t kind) const {
        const graphproc_attribute* found = find(name, kind);
        if (!found || !found->count) return {};
        const T* values = static_cast<const T*>(found->values);
        return {values, values + found->count};
    }

    const graphproc_attribute* attributes;
    size_t size;
};

class GivenCall : public Call {
public:
    GivenCall(const KernelType& type, const graphproc_tensor* inputs, size_t threads, graphproc_allocate allocate, void* user)
        : type(type), inputs(inputs), threads(threads), allocate(allocate), user(user) {}

    Tensor input(size_t index) const override {
        const graphproc_tensor& given = inputs[index];
        return {static_cast<Element>(given.element), {given.shape, given.shape + given.rank}, given.data};
    }
    void* output(size_t index, const std::vector<int64_t>& shape) override {
        void* data = allocate(user, index, static_cast<int32_t>(type.outputs[index]), shape.data(), shape.size());
        if (!data) throw Refused("no memory was given for output " + std::to_string(index));
        return data;
    }
    // Starts threads that take one part after the other.
    void parallel(size_t parts, const std::function<void(size_t)>& body) override {
        std::atomic<size_t> next{0};
        std::mutex lock;
        std::exception_ptr error;
        const auto work = [&] {
            for (size_t part; (part = next++) < parts;) try {
                    body(part);
                } catch (...) {
                    const std::lock_guard<std::mutex> held(lock);
                    if (!error) error = std::current_exception();
                }
        };
        std::vector<std::thread> others;
        for (size_t i = 1; i < std::min(threads, parts); i++) others.emplace_back(work);
        work();
        for (std::thread& other : others) other.join();
        if (error) std::rethrow_exception(error);
    }

private:
    const KernelType& type;
    const graphproc_tensor* inputs;
    size_t threads;
    graphproc_allocate allocate;
    void* user;
};

const KernelType* find_type(const char* name) {
    for (const KernelType& type : kernel_types())
        if (!std::strcmp(type.name, name)) return &type;
    throw Refused(std::string("no kernel has the name ") + name);
}

template <class Body>
int guarded(char* error, size_t size, Body body) noexcept {
    try {
        body();
        return 0;
    } catch (const std::exception& found) {
        if (size) {
            std::strncpy(error, found.what(), size - 1);
            error[size - 1] = '\0';
        }
        return -1;
    }
}

}  // namespace
}  // namespace graphproc

using namespace graphproc;

const char* graphproc_version(void) { return GRAPHPROC_VERSION; }

const char* graphproc_instruction_set(void) { return name_of(instruction_set()); }

int graphproc_use(const char* instruction_set) { return use(instruction_set) ? 0 : -1; }

int graphproc_has(const char* instruction_set) { return has(instruction_set) ? 1 : 0; }

const char* graphproc_kernel_name(size_t index) {
    return index < kernel_types().size() ? kernel_types()[index].name : nullptr;
}

int graphproc_create(const char* name, const graphproc_attribute* attributes, size_t count, graphproc_kernel** kernel, char* error,
                     size_t size) {
    return guarded(error, size, [&] {
        const KernelType* type = find_type(name);
        *kernel = new graphproc_kernel{type, type->make(GivenAttributes(attributes, count))};
    });
}

int graphproc_run(const graphproc_kernel* kernel, const graphproc_tensor* inputs, size_t count, size_t threads,
                  graphproc_allocate allocate, void* user, char* error, size_t size) {
    return guarded(error, size, [&] {
        const std::vector<Element>& expected = kernel->type->inputs;
        if (count != expected.size())
            throw Refused("expected " + std::to_string(expected.size()) + " inputs, found " + std::to_string(count));
        for (size_t i = 0; i < count; i++)
            if (inputs[i].element != static_cast<int32_t>(expected[i]))
                throw Refused("input " + std::to_string(i) + ": expected element type " +
                              std::to_string(static_cast<int32_t>(expected[i])) + ", found " + std::to_string(inputs[i].element));
        GivenCall call(*kernel->type, inputs, threads, allocate, user);
        kernel->kernel->run(call);
    });
}

void graphproc_destroy(graphproc_kernel* kernel) { delete kernel; }
