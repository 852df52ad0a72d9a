/* Run an implementation of a processor on a golden kit (`graphproc golden SOURCE -o KIT`), and write what each step gives.
 *
 * Include this file in one that has a function for one image. It calls `kit_keep` behind each step:
 *
 *     static void preprocess(const kit_image *image, const char *backend) { ... kit_keep("resample", KIT_U8, 3, shape, pixels); }
 *     int main(int argc, char **argv) { return kit_run(argv[1], argv[2], "pil", preprocess); }
 *
 * Then `graphproc check KIT RESULTS --backend pil` says where and in which step the results first part from the kit. This file
 * needs nothing but a C library, and a little-endian machine: kits are little-endian.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#ifdef _WIN32
#include <direct.h>
#define kit_mkdir(path) _mkdir(path)
#else
#define kit_mkdir(path) mkdir(path, 0777)
#endif

#define KIT_MOST 64 /* steps of an image, images of a case, outputs of a class */
#define KIT_AXES 8

typedef struct {
    int64_t height, width;
    const uint8_t *pixels; /* [height, width, 3], red first */
} kit_image;

typedef enum { KIT_U8, KIT_I64, KIT_F32 } kit_type;

typedef void (*kit_function)(const kit_image *image, const char *backend);

typedef struct {
    char name[128];
    kit_type type;
    int axes;
    int64_t shape[KIT_AXES];
    void *elements;
} kit_value;

static const char *const kit_type_names[] = {"|u1", "<i8", "<f4"};
static const size_t kit_type_sizes[] = {1, 8, 4};

static kit_value kit_kept[KIT_MOST][KIT_MOST]; /* of each image of a case, in the order of steps */
static int kit_counts[KIT_MOST];
static int kit_current; /* the image that is preprocessed */

static void kit_fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void *kit_allocate(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL) kit_fail("memory", "none left");
    return memory;
}

static size_t kit_bytes(kit_type type, int axes, const int64_t *shape) {
    size_t bytes = kit_type_sizes[type];
    for (int axis = 0; axis < axes; ++axis) bytes *= (size_t)shape[axis];
    return bytes;
}

/* Keep a copy of a step's value, in C order and without an axis for a batch. */
static void kit_keep(const char *step, kit_type type, int axes, const int64_t *shape, const void *elements) {
    if (kit_counts[kit_current] == KIT_MOST || axes > KIT_AXES) kit_fail(step, "is a step too many, or has too many axes");
    kit_value *value = &kit_kept[kit_current][kit_counts[kit_current]++];
    snprintf(value->name, sizeof value->name, "%s", step);
    value->type = type;
    value->axes = axes;
    memcpy(value->shape, shape, (size_t)axes * sizeof *shape);
    value->elements = kit_allocate(kit_bytes(type, axes, shape));
    memcpy(value->elements, elements, kit_bytes(type, axes, shape));
}

/* Read an image: an .npy file of uint8 [height, width, 3] in C order. */
static kit_image kit_read_npy(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) kit_fail(path, "cannot be opened");
    unsigned char start[10];
    if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY\x01", 7) != 0) kit_fail(path, "is no .npy file, version 1");
    size_t length = start[8] + 256u * start[9];
    char *header = kit_allocate(length + 1);
    if (fread(header, 1, length, file) != length) kit_fail(path, "ends in its header");
    header[length] = '\0';
    long long height = 0, width = 0, channels = 0;
    const char *shape = strstr(header, "'shape': (");
    if (strstr(header, "'descr': '|u1'") == NULL || strstr(header, "'fortran_order': False") == NULL || shape == NULL ||
        sscanf(shape, "'shape': (%lld, %lld, %lld)", &height, &width, &channels) != 3 || channels != 3 || height < 1 || width < 1)
        kit_fail(path, "is not uint8 [height, width, 3]");
    free(header);
    size_t bytes = (size_t)height * (size_t)width * 3;
    uint8_t *pixels = kit_allocate(bytes);
    if (fread(pixels, 1, bytes, file) != bytes) kit_fail(path, "ends too early");
    fclose(file);
    return (kit_image){height, width, pixels};
}

/* Write a value as FOLDER/NAME.npy; of several images with an axis for them in front. */
static void kit_write_npy(const char *folder, const char *name, kit_value *const *values, int images, int several) {
    char path[4096], header[256], shape[160] = "";
    const kit_value *first = values[0];
    if (several) snprintf(shape, sizeof shape, "%d, ", images);
    for (int axis = 0; axis < first->axes; ++axis)
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%lld, ", (long long)first->shape[axis]);
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                          kit_type_names[first->type], shape);
    while ((10 + length + 1) % 64 != 0) header[length++] = ' '; /* so that the elements start at a multiple of 64 */
    header[length++] = '\n';
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) kit_fail(path, "cannot be written");
    fwrite("\x93NUMPY\x01\0", 1, 8, file);
    fputc(length % 256, file);
    fputc(length / 256, file);
    fwrite(header, 1, (size_t)length, file);
    for (int image = 0; image < images; ++image) {
        if (values[image]->axes != first->axes || memcmp(values[image]->shape, first->shape, sizeof(int64_t) * (size_t)first->axes))
            kit_fail(path, "has several shapes, which do not stack");
        fwrite(values[image]->elements, 1, kit_bytes(first->type, first->axes, first->shape), file);
    }
    if (ferror(file) | fclose(file)) kit_fail(path, "cannot be written");
}

/* Read a line of any length, without its end; NULL at the end of the file. */
static char *kit_line(FILE *file) {
    size_t length = 0, room = 256;
    char *line = kit_allocate(room);
    int c;
    while ((c = getc(file)) != EOF && c != '\n') {
        if (length + 1 == room && (line = realloc(line, room *= 2)) == NULL) kit_fail("memory", "none left");
        line[length++] = (char)c;
    }
    if (c == EOF && length == 0) {
        free(line);
        return NULL;
    }
    line[length] = '\0';
    return line;
}

/* Cut a line at its tabs; return how many fields it has, at most KIT_AXES. */
static int kit_fields(char *line, char **fields) {
    int count = 0;
    for (char *field = line; field != NULL && count < KIT_AXES; ++count) {
        fields[count] = field;
        if ((field = strchr(field, '\t')) != NULL) *field++ = '\0';
    }
    return count;
}

/* Write what was kept of a case: every step of one image, or the outputs of several, stacked. */
static void kit_finish(const char *results, const char *name, int images, char outputs[][2][128], int output_count) {
    char folder[4096];
    if (images == 0) return;
    snprintf(folder, sizeof folder, "%s/%s", results, name);
    if (kit_mkdir(folder) != 0 && errno != EEXIST) kit_fail(folder, "cannot be made");
    for (int place = 0; place < kit_counts[0]; ++place) {
        kit_value *values[KIT_MOST];
        for (int image = 0; image < images; ++image) {
            if (kit_counts[image] != kit_counts[0]) kit_fail(name, "has images with other steps");
            values[image] = &kit_kept[image][place];
        }
        if (images == 1) kit_write_npy(folder, values[0]->name, values, 1, 0);
        for (int output = 0; images > 1 && output < output_count; ++output)
            if (strcmp(outputs[output][1], values[0]->name) == 0) kit_write_npy(folder, outputs[output][0], values, images, 1);
    }
    for (int image = 0; image < images; ++image)
        while (kit_counts[image] > 0) free(kit_kept[image][--kit_counts[image]].elements);
}

/* Run a function on every image of a kit, and write what it keeps to a folder; return the number of cases. */
static int kit_run(const char *kit, const char *results, const char *backend, kit_function preprocess) {
    static char outputs[KIT_MOST][2][128];
    char path[4096], current[256] = "";
    int output_count = 0, cases = 0, images = 0;
    snprintf(path, sizeof path, "%s/manifest.tsv", kit);
    FILE *file = fopen(path, "r");
    if (file == NULL) kit_fail(path, "cannot be opened");
    if (kit_mkdir(results) != 0 && errno != EEXIST) kit_fail(results, "cannot be made");
    char *line, *fields[KIT_AXES];
    while ((line = kit_line(file)) != NULL) {
        int count = kit_fields(line, fields);
        if (strcmp(fields[0], "kit") == 0 && (count < 2 || strcmp(fields[1], "1") != 0)) kit_fail(path, "is of another format");
        if (strcmp(fields[0], "output") == 0 && count > 3 && strcmp(fields[1], backend) == 0 && output_count < KIT_MOST) {
            snprintf(outputs[output_count][0], 128, "%s", fields[2]);
            snprintf(outputs[output_count++][1], 128, "%s", fields[3]);
        }
        if (strcmp(fields[0], "case") == 0 && count > 1) {
            kit_finish(results, current, images, outputs, output_count);
            snprintf(current, sizeof current, "%s", fields[1]);
            images = 0;
            ++cases;
        }
        if (strcmp(fields[0], "image") == 0 && count > 3) {
            char file_name[4096];
            if (images == KIT_MOST) kit_fail(current, "has too many images");
            snprintf(file_name, sizeof file_name, "%s/%s", kit, fields[3]);
            kit_image image = kit_read_npy(file_name);
            kit_current = images++;
            preprocess(&image, backend);
            free((void *)image.pixels);
        }
        free(line);
    }
    fclose(file);
    kit_finish(results, current, images, outputs, output_count);
    return cases;
}
