/* CLIP's preprocessing written again in plain C, and proved by a golden kit: the same bits, in each step, for both backends.
 *
 *     cc -O2 -ffp-contract=off clip.c -lm -o clip
 *     graphproc golden CLIPImageProcessor -o kit
 *     ./clip kit results pil && graphproc check kit results --backend pil
 *
 * A fourth argument makes a mistake on purpose, to see that it is found: no_antialias, round, bgr, mean_order.
 *
 * -ffp-contract=off: a product and a sum that a compiler makes one operation round once instead of twice.
 */

#include <math.h>

#include "kit.h"

#define SIDE 224

static const double mean[3] = {0.48145466, 0.4578275, 0.40821073}, std[3] = {0.26862954, 0.26130258, 0.27577711};

static const char *mistake = "";

static int makes(const char *name) { return strcmp(mistake, name) == 0; }

/* Keys' filter with a = -1/2. */
static double bicubic(double x) {
    x = fabs(x);
    if (x < 1.0) return (1.5 * x - 2.5) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * -0.5;
    return 0.0;
}

/* The integer weights of one axis: output i is the sum of weights[i * most + t] * input[first[i] + t] for t < taps[i]. */
typedef struct {
    int64_t most, *first, *taps;
    int32_t *weights;
    int bits;
} axis_weights;

static axis_weights make_weights(int64_t in, int64_t out, int torch) {
    double scale = (double)in / (double)out, stretch = scale > 1.0 && !makes("no_antialias") ? scale : 1.0;
    double support = 2.0 * stretch, largest = 0.0;
    axis_weights axis = {(int64_t)ceil(support) * 2 + 1, NULL, NULL, NULL, 22};
    double *weights = kit_allocate((size_t)(out * axis.most) * sizeof(double));
    axis.first = kit_allocate((size_t)out * sizeof(int64_t));
    axis.taps = kit_allocate((size_t)out * sizeof(int64_t));
    axis.weights = kit_allocate((size_t)(out * axis.most) * sizeof(int32_t));
    for (int64_t i = 0; i < out; ++i) {
        double center = ((double)i + 0.5) * scale, total = 0.0, *own = weights + i * axis.most;
        int64_t low = (int64_t)(center - support + 0.5), high = (int64_t)(center + support + 0.5);
        low = low < 0 ? 0 : low;
        high = high > in ? in : high;
        axis.first[i] = low;
        axis.taps[i] = high - low;
        for (int64_t t = 0; t < high - low; ++t) total += own[t] = bicubic(((double)(low + t) - center + 0.5) * (1.0 / stretch));
        for (int64_t t = 0; t < high - low; ++t) {
            if (total != 0.0) own[t] /= total;
            largest = own[t] > largest ? own[t] : largest;
        }
    }
    if (torch) /* as many bits as let the largest weight fit into 16 */
        for (axis.bits = 0; axis.bits < 22 && (int64_t)(0.5 + largest * (double)(2 << axis.bits)) < 1 << 15;) ++axis.bits;
    for (int64_t i = 0; i < out; ++i)
        for (int64_t t = 0; t < axis.taps[i]; ++t) {
            double weight = weights[i * axis.most + t] * (double)(1 << axis.bits);
            axis.weights[i * axis.most + t] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
        }
    free(weights);
    return axis;
}

/* Resample one axis of [outer, in, inner] to `out` elements; free the old pixels. */
static uint8_t *resample_axis(uint8_t *pixels, int64_t outer, int64_t in, int64_t inner, int64_t out, int torch) {
    if (in == out) return pixels;
    axis_weights axis = make_weights(in, out, torch);
    uint8_t *made = kit_allocate((size_t)(outer * out * inner));
    for (int64_t o = 0; o < outer; ++o)
        for (int64_t i = 0; i < out; ++i)
            for (int64_t n = 0; n < inner; ++n) {
                int32_t sum = axis.bits > 0 ? 1 << (axis.bits - 1) : 0;
                for (int64_t t = 0; t < axis.taps[i]; ++t)
                    sum += axis.weights[i * axis.most + t] * pixels[(o * in + axis.first[i] + t) * inner + n];
                sum >>= axis.bits;
                made[(o * out + i) * inner + n] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
            }
    free(axis.first);
    free(axis.taps);
    free(axis.weights);
    free(pixels);
    return made;
}

/* The longer side that goes with 224 pixels of the shorter one; what is behind the point is cut off. */
static int64_t longer(int64_t side, int64_t shorter) {
    double exact = (double)(SIDE * side) / (double)shorter;
    return makes("round") ? (int64_t)nearbyint(exact) : (int64_t)exact;
}

static void preprocess(const kit_image *image, const char *backend) {
    const int torch = strcmp(backend, "torchvision") == 0;
    const int64_t height = image->height, width = image->width;
    const int64_t first[3] = {3, height, width};

    uint8_t *pixels = kit_allocate((size_t)(height * width * 3));
    for (int64_t c = 0; c < 3; ++c)
        for (int64_t i = 0; i < height * width; ++i) pixels[c * height * width + i] = image->pixels[i * 3 + (makes("bgr") ? 2 - c : c)];
    kit_keep("to_channels_first", KIT_U8, 3, first, pixels);

    const int64_t rows = height > width ? longer(height, width) : SIDE, columns = width > height ? longer(width, height) : SIDE;
    const int64_t resized[3] = {3, rows, columns};
    if (!torch && rows < height && height - rows > 2 * (width - columns)) { /* Pillow 13 takes rows first here */
        pixels = resample_axis(pixels, 3, height, width, rows, torch);
        pixels = resample_axis(pixels, 3 * rows, width, 1, columns, torch);
    } else {
        pixels = resample_axis(pixels, 3 * height, width, 1, columns, torch);
        pixels = resample_axis(pixels, 3, height, columns, rows, torch);
    }
    kit_keep("resample", KIT_U8, 3, resized, pixels);

    static uint8_t crop[3][SIDE][SIDE];
    static float result[3][SIDE][SIDE];
    const int64_t shape[3] = {3, SIDE, SIDE}, top = (rows - SIDE) / 2, left = (columns - SIDE) / 2;
    for (int64_t c = 0; c < 3; ++c)
        for (int64_t y = 0; y < SIDE; ++y) memcpy(crop[c][y], pixels + (c * rows + top + y) * columns + left, SIDE);
    free(pixels);
    kit_keep("center_crop", KIT_U8, 3, shape, crop);

    const double factor = 1.0 / 255.0;
    for (int64_t i = 0; !torch && i < 3 * SIDE * SIDE; ++i) (&result[0][0][0])[i] = (float)((double)(&crop[0][0][0])[i] * factor);
    if (!torch) kit_keep("rescale", KIT_F32, 3, shape, result);

    for (int64_t c = 0; c < 3; ++c) {
        int64_t from = makes("mean_order") ? 2 - c : c;
        /* torchvision's backend normalizes bytes, with mean and std multiplied in float32 */
        float unit = torch ? (float)(1.0 / factor) : 1.0f, m = (float)mean[from] * unit, s = (float)std[from] * unit;
        for (int64_t i = 0; i < SIDE * SIDE; ++i) {
            float x = torch ? (float)(&crop[c][0][0])[i] : (&result[c][0][0])[i];
            (&result[c][0][0])[i] = (x - m) / s;
        }
    }
    kit_keep("normalize", KIT_F32, 3, shape, result);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: %s KIT RESULTS pil|torchvision [no_antialias|round|bgr|mean_order]\n", argv[0]);
        return 2;
    }
    mistake = argc > 4 ? argv[4] : "";
    printf("%d cases\n", kit_run(argv[1], argv[2], argv[3], preprocess));
    return 0;
}
