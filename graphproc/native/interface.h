/* The library's C interface: what it is, and how to run its kernels without ONNX Runtime.
 *
 * Functions return 0, or -1 after writing what went wrong to `error`, which holds `size` bytes.
 * They may be called on several threads; a kernel may run on several at a time.
 */
#ifndef GRAPHPROC_INTERFACE_H
#define GRAPHPROC_INTERFACE_H
#include <stddef.h>
#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of graphproc that the library belongs to, e.g. "0.1.0". */
GRAPHPROC_EXPORT const char* graphproc_version(void);

/* The instruction set in use: "sse4.1", "avx2", "avx512" or "neon"; "none" if the processor is too old for all. */
GRAPHPROC_EXPORT const char* graphproc_instruction_set(void);

/* Uses an instruction set from now on, by its name, or "auto" for the newest. Returns -1 if the processor lacks it. */
GRAPHPROC_EXPORT int graphproc_use(const char* instruction_set);

/* Returns 1 if this processor has an instruction set, by its name, and 0 if not. */
GRAPHPROC_EXPORT int graphproc_has(const char* instruction_set);

/* Returns the name of kernel number `index`, or null behind the last. */
GRAPHPROC_EXPORT const char* graphproc_kernel_name(size_t index);

/* A setting of a kernel. `count` elements at `values`: int64_t, float, or char for a text. */
typedef struct {
    const char* name;
    int32_t kind; /* 0: int64_t, 1: float, 2: text */
    size_t count;
    const void* values;
} graphproc_attribute;

/* A tensor of C-contiguous elements. `element` is ONNX's number of its type: 1 float32, 2 uint8, 7 int64, 11 float64. */
typedef struct {
    int32_t element;
    size_t rank;
    const int64_t* shape;
    void* data;
} graphproc_tensor;

/* Returns memory for output number `index`, or null to end the run with an error. */
typedef void* (*graphproc_allocate)(void* user, size_t index, int32_t element, const int64_t* shape, size_t rank);

typedef struct graphproc_kernel graphproc_kernel;

/* Makes a kernel, by its name, with settings. */
GRAPHPROC_EXPORT int graphproc_create(const char* name, const graphproc_attribute* attributes, size_t count,
                                      graphproc_kernel** kernel, char* error, size_t size);

/* Runs a kernel on up to `threads` threads. */
GRAPHPROC_EXPORT int graphproc_run(const graphproc_kernel* kernel, const graphproc_tensor* inputs, size_t count, size_t threads,
                                   graphproc_allocate allocate, void* user, char* error, size_t size);

GRAPHPROC_EXPORT void graphproc_destroy(graphproc_kernel* kernel);

#ifdef __cplusplus
}
#endif
#endif
