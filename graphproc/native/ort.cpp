// ONNX Runtime's door: registers every kernel as an operator of the domain `graphproc`.
//
// A graph calls a kernel by a node of this domain, with a function of the same name in the model that computes the same
// with standard operators. ONNX Runtime runs the registered kernel in place of the function, and the function where no
// library is registered. One function has one body, so two resizes with other settings are functions of other names:
// every kernel is registered as `Name`, `Name_2`, ... `Name_16`.
//
// Behind its kernel's inputs, an operator has one more: the shape to give its result, int64; empty for the kernel's own.
#include "ort_api.h"

#include <deque>
#include <exception>
#include <map>
#include <mutex>

#include "export.h"
#include "kernel.h"

namespace graphproc {
namespace {

using namespace ort;

constexpr int NAMES = 16;           // how many names each kernel has; NAMES in emitters/onnx/functions.py
constexpr int DOMAIN_VERSION = 1;   // raised when a kernel's inputs or attributes change; older graphs then run their functions

// Carries a status of ONNX Runtime from where it came up to where ONNX Runtime gets it back.
struct Failed { OrtStatus* status; };

void check(OrtStatus* status) {
    if (status) throw Failed{status};
}

// Runs a body, and returns what went wrong in it as a status of ONNX Runtime; null if nothing did.
template <class Body>
OrtStatus* guarded(const OrtApi* api, Body body) noexcept {
    try {
        body();
        return nullptr;
    } catch (const Failed& failed) {
        return failed.status;
    } catch (const Refused& error) {
        return CreateStatus.of(api)(INVALID_ARGUMENT, (std::string("graphproc: ") + error.what()).c_str());
    } catch (const std::exception& error) {
        return CreateStatus.of(api)(FAIL, (std::string("graphproc: ") + error.what()).c_str());
    }
}

class NodeAttributes : public Attributes {
public:
    NodeAttributes(const OrtApi* api, const OrtKernelInfo* info) : api(api), info(info) {}

    int64_t number(const char* name) const override {
        int64_t value = 0;
        check(KernelInfoGetAttribute_int64.of(api)(info, name, &value));
        return value;
    }
    std::vector<int64_t> numbers(const char* name) const override {
        return array<int64_t>(KernelInfoGetAttributeArray_int64.of(api), name);
    }
    std::vector<float> floats(const char* name) const override {
        return array<float>(KernelInfoGetAttributeArray_float.of(api), name);
    }
    std::string text(const char* name) const override {
        size_t size = 0;
        check(KernelInfoGetAttribute_string.of(api)(info, name, nullptr, &size));
        std::string value(size, '\0');
        check(KernelInfoGetAttribute_string.of(api)(info, name, value.data(), &size));
        value.resize(size ? size - 1 : 0);  // the size counts the zero at the end
        return value;
    }

private:
    template <class T, class Function>
    std::vector<T> array(Function get, const char* name) const {
        size_t size = 0;
        if (OrtStatus* status = get(info, name, nullptr, &size)) {  // missing: no elements
            ReleaseStatus.of(api)(status);
            return {};
        }
        std::vector<T> values(size);
        if (size) check(get(info, name, values.data(), &size));
        return values;
    }

    const OrtApi* api;
    const OrtKernelInfo* info;
};

class NodeCall : public Call {
public:
    NodeCall(const OrtApi* api, OrtKernelContext* context, size_t inputs) : api(api), context(context), inputs(inputs) {}

    Tensor input(size_t index) const override {
        const OrtValue* value = nullptr;
        check(KernelContext_GetInput.of(api)(context, index, &value));
        OrtTensorTypeAndShapeInfo* info = nullptr;
        check(GetTensorTypeAndShape.of(api)(value, &info));
        const std::unique_ptr<OrtTensorTypeAndShapeInfo, void (*)(OrtTensorTypeAndShapeInfo*)> owned(
            info, ReleaseTensorTypeAndShapeInfo.of(api));
        int element = 0;
        size_t rank = 0;
        check(GetTensorElementType.of(api)(info, &element));
        check(GetDimensionsCount.of(api)(info, &rank));
        std::vector<int64_t> shape(rank);
        check(GetDimensions.of(api)(info, shape.data(), rank));
        void* data = nullptr;
        check(GetTensorMutableData.of(api)(const_cast<OrtValue*>(value), &data));
        return {static_cast<Element>(element), std::move(shape), data};
    }

    void* output(size_t index, const std::vector<int64_t>& own) override {
        const Tensor wanted = input(inputs);
        std::vector<int64_t> shape = own;
        if (wanted.count()) shape.assign(wanted.as<int64_t>(), wanted.as<int64_t>() + wanted.count());
        if (elements(shape) != elements(own)) throw Refused("shape: expected as many elements as the result has");
        OrtValue* value = nullptr;
        check(KernelContext_GetOutput.of(api)(context, index, shape.data(), shape.size(), &value));
        void* data = nullptr;
        check(GetTensorMutableData.of(api)(value, &data));
        return data;
    }

    void parallel(size_t parts, const std::function<void(size_t)>& body) override {
        if (parts == 1) return body(0);
        Shared shared{body, {}, {}};
        check(KernelContext_ParallelFor.of(api)(context, run_part, parts, 0, &shared));
        if (shared.error) std::rethrow_exception(shared.error);
    }

private:
    static int64_t elements(const std::vector<int64_t>& shape) {
        int64_t product = 1;
        for (int64_t side : shape) product *= side;
        return product;
    }
    struct Shared {
        const std::function<void(size_t)>& body;
        std::mutex lock;
        std::exception_ptr error;  // the first one; no exception may reach ONNX Runtime's threads
    };
    static void run_part(void* data, size_t part) {
        auto& shared = *static_cast<Shared*>(data);
        try {
            shared.body(part);
        } catch (...) {
            const std::lock_guard<std::mutex> held(shared.lock);
            if (!shared.error) shared.error = std::current_exception();
        }
    }

    const OrtApi* api;
    OrtKernelContext* context;
    size_t inputs;  // of the kernel; the shape is behind them
};

// A kernel as an operator, under one of its names.
struct Operator : CustomOp {
    const OrtApi* api;
    const KernelType* type;
    std::string name;
};

// A kernel with a node's settings.
struct Node {
    const OrtApi* api;
    const KernelType* type;
    std::unique_ptr<const Kernel> kernel;
};

const Operator& operator_of(const CustomOp* op) { return *static_cast<const Operator*>(op); }

OrtStatus* create(const CustomOp* op, const OrtApi* api, const OrtKernelInfo* info, void** made) {
    const KernelType* type = operator_of(op).type;
    return guarded(api, [&] { *made = new Node{api, type, type->make(NodeAttributes(api, info))}; });
}

OrtStatus* compute(void* data, OrtKernelContext* context) {
    const auto& node = *static_cast<const Node*>(data);
    return guarded(node.api, [&] {
        NodeCall call(node.api, context, node.type->inputs.size());
        node.kernel->run(call);
    });
}

Operator described(const OrtApi* api, const KernelType& type, const std::string& name) {
    Operator op{};
    op.version = API_VERSION;
    op.api = api;
    op.type = &type;
    op.name = name;
    op.CreateKernelV2 = create;
    op.KernelComputeV2 = compute;
    op.KernelDestroy = [](void* data) { delete static_cast<Node*>(data); };
    op.GetName = [](const CustomOp* op) { return operator_of(op).name.c_str(); };
    op.GetExecutionProviderType = [](const CustomOp*) -> const char* { return nullptr; };  // the CPU's
    op.GetInputTypeCount = [](const CustomOp* op) { return operator_of(op).type->inputs.size() + 1; };
    op.GetInputType = [](const CustomOp* op, size_t i) {
        const std::vector<Element>& inputs = operator_of(op).type->inputs;
        return static_cast<int>(i < inputs.size() ? inputs[i] : Element::i64);
    };
    op.GetOutputTypeCount = [](const CustomOp* op) { return operator_of(op).type->outputs.size(); };
    op.GetOutputType = [](const CustomOp* op, size_t i) { return static_cast<int>(operator_of(op).type->outputs[i]); };
    op.GetInputCharacteristic = op.GetOutputCharacteristic = [](const CustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
    op.GetInputMemoryType = [](const CustomOp*, size_t) { return MEMORY_DEFAULT; };
    op.GetVariadicInputMinArity = op.GetVariadicInputHomogeneity = [](const CustomOp*) { return 1; };
    op.GetVariadicOutputMinArity = op.GetVariadicOutputHomogeneity = [](const CustomOp*) { return 1; };
    op.GetStartVersion = op.GetEndVersion = [](const CustomOp*) { return DOMAIN_VERSION; };
    return op;
}

// Returns the domain with all operators. ONNX Runtime keeps pointers to both, so they live as long as the process;
// a process may hold more than one ONNX Runtime.
OrtCustomOpDomain* domain_of(const OrtApi* api) {
    static std::mutex lock;
    static std::map<const OrtApi*, OrtCustomOpDomain*> domains;
    static std::deque<Operator> operators;
    const std::lock_guard<std::mutex> held(lock);
    OrtCustomOpDomain*& domain = domains[api];
    if (domain) return domain;
    OrtCustomOpDomain* made = nullptr;
    check(CreateCustomOpDomain.of(api)("graphproc", &made));
    for (const KernelType& type : kernel_types())
        for (int i = 1; i <= NAMES; i++) {
            operators.push_back(described(api, type, i == 1 ? type.name : type.name + ("_" + std::to_string(i))));
            check(CustomOpDomain_Add.of(api)(made, &operators.back()));
        }
    return domain = made;
}

}  // namespace
}  // namespace graphproc

// What ONNX Runtime calls in a library of operators: adds them to a session's options.
// An ONNX Runtime before 1.17 gets none, and runs the functions of its graphs.
extern "C" GRAPHPROC_EXPORT OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
    using namespace graphproc;
    const OrtApi* api = base->GetApi(ort::API_VERSION);
    if (!api) return nullptr;
    return guarded(api, [&] { check(ort::AddCustomOpDomain.of(api)(options, domain_of(api))); });
}
