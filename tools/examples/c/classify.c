/* An image file in, labels out: a fused graph run with ONNX Runtime's C API.
 *
 *     make INCLUDE=<folder of onnxruntime_c_api.h> LIB=<folder of libonnxruntime.so>
 *     ./classify [--kernels LIBRARY] GRAPH IMAGE LABELS [VALUES]
 *
 * IMAGE is a binary PPM file (P6), LABELS a text file with a line for each class. The five best classes are printed. VALUES
 * is a file to write every output to, as raw float32, one after another. LIBRARY is graphproc's native library, which
 * `graphproc kernels` prints: a GRAPH that was written with --kernels then runs faster, with the same bits.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

#define BEST 5

static const OrtApi *ort;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* Every call of the API returns NULL or what went wrong. */
static void check(OrtStatus *status) {
    if (status != NULL) fail("ONNX Runtime", ort->GetErrorMessage(status));
}

static void *allocate(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL) fail("memory", "none left");
    return memory;
}

/* The next number of a PPM header, behind white space and comments; -1 if there is none. */
static long header_number(FILE *file) {
    int c = getc(file);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF) c = getc(file);
        else
            c = getc(file);
    }
    long number = -1;
    for (; c >= '0' && c <= '9'; c = getc(file)) {
        number = (number < 0 ? 0 : number) * 10 + (c - '0');
        if (number > 65535) return -1;
    }
    return number; /* the one character behind it is read, as the format has it */
}

/* The pixels of a PPM file, [height, width, 3], and its size. */
static uint8_t *read_ppm(const char *path, int64_t *height, int64_t *width) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail(path, "cannot be opened");
    if (getc(file) != 'P' || getc(file) != '6') fail(path, "is no binary PPM file (P6)");
    *width = header_number(file);
    *height = header_number(file);
    if (*width < 1 || *height < 1) fail(path, "has no width and height");
    if (header_number(file) != 255) fail(path, "has not 8 bits a sample");
    size_t bytes = (size_t)*height * (size_t)*width * 3;
    uint8_t *pixels = allocate(bytes);
    if (fread(pixels, 1, bytes, file) != bytes) fail(path, "ends too early");
    fclose(file);
    return pixels;
}

/* The lines of a text file, and how many there are. */
static char **read_lines(const char *path, size_t *count) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail(path, "cannot be opened");
    char **lines = NULL;
    char line[1024];
    for (*count = 0; fgets(line, sizeof line, file) != NULL; ++*count) {
        line[strcspn(line, "\r\n")] = '\0';
        lines = realloc(lines, (*count + 1) * sizeof *lines);
        if (lines == NULL) fail("memory", "none left");
        lines[*count] = strcpy(allocate(strlen(line) + 1), line);
    }
    fclose(file);
    return lines;
}

/* The float32 elements of an output, and how many there are. They belong to the output. */
static const float *elements(const OrtValue *output, size_t *count) {
    OrtTensorTypeAndShapeInfo *info;
    ONNXTensorElementDataType type;
    check(ort->GetTensorTypeAndShape(output, &info));
    check(ort->GetTensorElementType(info, &type));
    check(ort->GetTensorShapeElementCount(info, count));
    ort->ReleaseTensorTypeAndShapeInfo(info);
    if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) fail("output", "is not float32");
    void *data;
    check(ort->GetTensorMutableData((OrtValue *)output, &data));
    return data;
}

static void print_best(const float *scores, size_t count, char **labels) {
    char *printed = allocate(count);
    memset(printed, 0, count);
    for (size_t place = 0; place < BEST && place < count; ++place) {
        size_t best = count;
        for (size_t i = 0; i < count; ++i)
            if (!printed[i] && (best == count || scores[i] > scores[best])) best = i;
        printed[best] = 1;
        printf("%.6f %s\n", scores[best], labels[best]);
    }
    free(printed);
}

int main(int argc, char **argv) {
    const char *program = argv[0], *kernels = NULL;
    if (argc > 2 && strcmp(argv[1], "--kernels") == 0) {
        kernels = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: %s [--kernels LIBRARY] GRAPH IMAGE LABELS [VALUES]\n", program);
        return 2;
    }
    ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (ort == NULL) fail("ONNX Runtime", "the library is older than the header");

    int64_t height, width;
    size_t label_count;
    uint8_t *pixels = read_ppm(argv[2], &height, &width);
    char **labels = read_lines(argv[3], &label_count);

    OrtEnv *environment;
    OrtSessionOptions *options;
    OrtSession *session;
    OrtAllocator *allocator;
    check(ort->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "classify", &environment));
    check(ort->CreateSessionOptions(&options));
    if (kernels != NULL) check(ort->RegisterCustomOpsLibrary_V2(options, kernels));
    check(ort->CreateSession(environment, argv[1], options, &session));
    check(ort->GetAllocatorWithDefaultOptions(&allocator));

    char *input_name;
    size_t output_count;
    check(ort->SessionGetInputName(session, 0, allocator, &input_name));
    check(ort->SessionGetOutputCount(session, &output_count));
    char **output_names = allocate(output_count * sizeof *output_names);
    OrtValue **outputs = allocate(output_count * sizeof *outputs);
    for (size_t i = 0; i < output_count; ++i) {
        check(ort->SessionGetOutputName(session, i, allocator, &output_names[i]));
        outputs[i] = NULL; /* ONNX Runtime allocates it */
    }

    OrtMemoryInfo *memory;
    OrtValue *images;
    const int64_t shape[] = {1, height, width, 3};
    check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    check(ort->CreateTensorWithDataAsOrtValue(
        memory, pixels, (size_t)(height * width * 3), shape, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, &images));

    /* The graph does everything else: resizing, cropping, normalizing, and the model. */
    check(ort->Run(session, NULL, (const char *const *)&input_name, (const OrtValue *const *)&images, 1,
                   (const char *const *)output_names, output_count, outputs));

    size_t count;
    const float *scores = elements(outputs[0], &count);
    if (count != label_count) fail(argv[3], "has not one line for each score");
    print_best(scores, count, labels);
    if (argc == 5) {
        FILE *file = fopen(argv[4], "wb");
        if (file == NULL) fail(argv[4], "cannot be opened");
        for (size_t i = 0; i < output_count; ++i) {
            const float *values = elements(outputs[i], &count);
            if (fwrite(values, sizeof *values, count, file) != count) fail(argv[4], "cannot be written");
        }
        if (fclose(file) != 0) fail(argv[4], "cannot be written");
    }

    for (size_t i = 0; i < output_count; ++i) {
        ort->ReleaseValue(outputs[i]);
        check(ort->AllocatorFree(allocator, output_names[i]));
    }
    check(ort->AllocatorFree(allocator, input_name));
    ort->ReleaseValue(images);
    ort->ReleaseMemoryInfo(memory);
    ort->ReleaseSession(session);
    ort->ReleaseSessionOptions(options);
    ort->ReleaseEnv(environment);
    for (size_t i = 0; i < label_count; ++i) free(labels[i]);
    free(labels);
    free(output_names);
    free(outputs);
    free(pixels);
    return 0;
}
