// Runs calls of kernels from a file and writes their results to another: for processors and sanitizers that Python does
// not run on. tests/support/kernels.py writes and reads the two files, and says what is in them.
//
//     replay LIBRARY CALLS RESULTS INSTRUCTION_SET THREADS
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../../graphproc/native/interface.h"

namespace {

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "replay: %s\n", why.c_str());
    std::exit(2);
}

FILE* open(const char* path, const char* mode) {
    FILE* file = std::fopen(path, mode);
    if (!file) fail(std::string("cannot open ") + path);
    return file;
}

void* library = nullptr;

template <class Function>
Function* function(Function*, const char* name) {
    void* found = dlsym(library, name);
    if (!found) fail(std::string("the library has no ") + name);
    return reinterpret_cast<Function*>(found);
}
#define FUNCTION(name) function(static_cast<decltype(&name)>(nullptr), #name)

// Elements in memory of exactly their size, so that a sanitizer sees one too many that is read or written.
struct Block {
    explicit Block(size_t size) : data(std::malloc(size ? size : 1)) {}
    Block(Block&& other) noexcept : data(other.data) { other.data = nullptr; }
    ~Block() { std::free(data); }
    void* data;
};

size_t size_of(int32_t element) { return element == 2 ? 1 : element == 1 ? 4 : 8; }

size_t bytes_of(int32_t element, const std::vector<int64_t>& shape) {
    size_t bytes = size_of(element);
    for (int64_t size : shape) bytes *= static_cast<size_t>(size);
    return bytes;
}

struct Reader {
    FILE* file;

    bool at_end() {
        const int next = std::fgetc(file);
        if (next == EOF) return true;
        std::ungetc(next, file);
        return false;
    }
    void read(void* to, size_t size) {
        if (size && std::fread(to, 1, size, file) != size) fail("the file of calls ends too early");
    }
    template <class T>
    T number() {
        T value;
        read(&value, sizeof value);
        return value;
    }
    std::string text() {
        std::string value(number<uint32_t>(), '\0');
        read(value.data(), value.size());
        return value;
    }
};

struct Attribute {
    std::string name;
    int32_t kind;
    uint32_t count;
    std::string values;
};

struct Array {
    int32_t element;
    std::vector<int64_t> shape;
    Block block;
};

void* allocate(void* user, size_t index, int32_t element, const int64_t* shape, size_t rank) {
    auto& outputs = *static_cast<std::vector<Array>*>(user);
    if (index != outputs.size()) return nullptr;  // kernels ask for their outputs in order
    std::vector<int64_t> sizes(shape, shape + rank);
    const size_t bytes = bytes_of(element, sizes);
    if (bytes > size_t{1} << 30) return nullptr;
    outputs.push_back({element, std::move(sizes), Block(bytes)});
    std::memset(outputs.back().block.data, 77, bytes);
    return outputs.back().block.data;
}

void write(FILE* file, const void* from, size_t size) {
    if (size && std::fwrite(from, 1, size, file) != size) fail("cannot write");
}

// Runs the next call. Writes the number of its outputs and each of them, or -1 - the length of an error and its text.
void replay(Reader& calls, FILE* results, size_t threads) {
    const std::string name = calls.text();
    std::vector<Attribute> texts(calls.number<uint32_t>());
    std::vector<graphproc_attribute> attributes;
    for (Attribute& a : texts) {
        a.name = calls.text();
        a.kind = calls.number<int32_t>();
        a.count = calls.number<uint32_t>();
        a.values = calls.text();
        attributes.push_back({a.name.c_str(), a.kind, a.count, a.values.data()});
    }
    std::vector<Array> inputs;
    std::vector<graphproc_tensor> tensors;
    const uint32_t count = calls.number<uint32_t>();
    inputs.reserve(count);
    for (uint32_t i = 0; i < count; i++) {
        const int32_t element = calls.number<int32_t>();
        std::vector<int64_t> shape(calls.number<uint32_t>());
        calls.read(shape.data(), shape.size() * sizeof(int64_t));
        const size_t bytes = bytes_of(element, shape);
        inputs.push_back({element, std::move(shape), Block(bytes)});
        calls.read(inputs.back().block.data, bytes);
        tensors.push_back({element, inputs.back().shape.size(), inputs.back().shape.data(), inputs.back().block.data});
    }

    std::vector<Array> outputs;
    char error[1000] = "";
    graphproc_kernel* kernel = nullptr;
    int code = FUNCTION(graphproc_create)(name.c_str(), attributes.data(), attributes.size(), &kernel, error, sizeof error);
    if (code == 0) {
        code = FUNCTION(graphproc_run)(kernel, tensors.data(), tensors.size(), threads, allocate, &outputs, error, sizeof error);
        FUNCTION(graphproc_destroy)(kernel);
    }
    const int32_t head = code == 0 ? static_cast<int32_t>(outputs.size()) : -1 - static_cast<int32_t>(std::strlen(error));
    write(results, &head, sizeof head);
    if (code != 0) return write(results, error, std::strlen(error));
    for (const Array& output : outputs) {
        const uint32_t rank = static_cast<uint32_t>(output.shape.size());
        write(results, &output.element, sizeof output.element);
        write(results, &rank, sizeof rank);
        write(results, output.shape.data(), rank * sizeof(int64_t));
        write(results, output.block.data, bytes_of(output.element, output.shape));
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 6) fail("expected LIBRARY CALLS RESULTS INSTRUCTION_SET THREADS");
    library = dlopen(arguments[1], RTLD_NOW);
    if (!library) fail(dlerror());
    if (FUNCTION(graphproc_use)(arguments[4]) != 0) fail(std::string("this processor has no ") + arguments[4]);
    Reader calls{open(arguments[2], "rb")};
    FILE* results = open(arguments[3], "wb");
    while (!calls.at_end()) replay(calls, results, static_cast<size_t>(std::atoi(arguments[5])));
    return std::fclose(results) == 0 ? 0 : 2;
}
