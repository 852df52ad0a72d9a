// CLIP's preprocessing written again in JavaScript, and proved by a golden kit: the same bits, in each step, for both backends.
//
//     graphproc golden CLIPImageProcessor -o kit
//     node clip.mjs kit results pil && graphproc check kit results --backend pil
//
// A fourth argument makes a mistake on purpose, to see that it is found: no_antialias, round, bgr, mean_order.

import { runKit } from "./kit.mjs";

const SIDE = 224;
const MEAN = [0.48145466, 0.4578275, 0.40821073];
const STD = [0.26862954, 0.26130258, 0.27577711];
const FACTOR = 1 / 255;
const float32 = Math.fround;

const [kit, results, backend, mistake] = process.argv.slice(2);
if (backend === undefined) {
  console.error("usage: node clip.mjs KIT RESULTS pil|torchvision [no_antialias|round|bgr|mean_order]");
  process.exit(2);
}

// Keys' filter with a = -1/2.
function bicubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

// The integer weights of one axis: for each output the first input and the weights from there; and their fractional bits.
function weightsOf(size, count, torch) {
  const scale = size / count;
  const stretch = mistake === "no_antialias" ? 1 : Math.max(scale, 1);
  const support = 2 * stretch;
  const outputs = Array.from({ length: count }, (_, output) => {
    const center = (output + 0.5) * scale;
    const low = Math.max(Math.trunc(center - support + 0.5), 0);
    const high = Math.min(Math.trunc(center + support + 0.5), size);
    const weights = Array.from({ length: high - low }, (_, tap) => bicubic((low + tap - center + 0.5) * (1 / stretch)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { low, weights: weights.map((weight) => (total === 0 ? weight : weight / total)) };
  });
  const largest = Math.max(...outputs.map(({ weights }) => Math.max(...weights)));
  let bits = 22;
  // torch has as many bits as let the largest weight fit into 16
  if (torch) for (bits = 0; bits < 22 && Math.trunc(0.5 + largest * 2 ** (bits + 1)) < 1 << 15; ) bits += 1;
  const rounded = (weight) => Math.trunc(weight * 2 ** bits + (weight < 0 ? -0.5 : 0.5));
  return { bits, outputs: outputs.map(({ low, weights }) => ({ low, weights: weights.map(rounded) })) };
}

// Resample one axis of [outer, size, inner] to `count` elements.
function resampleAxis(pixels, outer, size, inner, count, torch) {
  if (size === count) return pixels;
  const { bits, outputs } = weightsOf(size, count, torch);
  const made = new Uint8ClampedArray(outer * count * inner);
  for (let o = 0; o < outer; o += 1)
    outputs.forEach(({ low, weights }, output) => {
      for (let n = 0; n < inner; n += 1) {
        let sum = bits > 0 ? 1 << (bits - 1) : 0;
        for (let tap = 0; tap < weights.length; tap += 1) sum += weights[tap] * pixels[(o * size + low + tap) * inner + n];
        made[(o * count + output) * inner + n] = sum >> bits;
      }
    });
  return new Uint8Array(made.buffer);
}

// The longer side that goes with 224 pixels of the shorter one; what is behind the point is cut off.
function longer(side, shorter) {
  const exact = (SIDE * side) / shorter;
  return mistake === "round" ? Math.round(exact) : Math.trunc(exact);
}

function preprocess({ height, width, pixels: given }, keep) {
  const torch = backend === "torchvision";
  let pixels = new Uint8Array(given.length);
  for (let c = 0; c < 3; c += 1)
    for (let i = 0; i < height * width; i += 1) pixels[c * height * width + i] = given[i * 3 + (mistake === "bgr" ? 2 - c : c)];
  keep("to_channels_first", pixels, [3, height, width]);

  const rows = height > width ? longer(height, width) : SIDE;
  const columns = width > height ? longer(width, height) : SIDE;
  if (!torch && rows < height && height - rows > 2 * (width - columns)) {
    // Pillow 13 takes rows first here
    pixels = resampleAxis(pixels, 3, height, width, rows, torch);
    pixels = resampleAxis(pixels, 3 * rows, width, 1, columns, torch);
  } else {
    pixels = resampleAxis(pixels, 3 * height, width, 1, columns, torch);
    pixels = resampleAxis(pixels, 3, height, columns, rows, torch);
  }
  keep("resample", pixels, [3, rows, columns]);

  const shape = [3, SIDE, SIDE];
  const [top, left] = [Math.trunc((rows - SIDE) / 2), Math.trunc((columns - SIDE) / 2)];
  const crop = new Uint8Array(3 * SIDE * SIDE);
  for (let line = 0; line < 3 * SIDE; line += 1) {
    const start = (Math.trunc(line / SIDE) * rows + top + (line % SIDE)) * columns + left;
    crop.set(pixels.subarray(start, start + SIDE), line * SIDE);
  }
  keep("center_crop", crop, shape);

  const scaled = torch ? crop : Float32Array.from(crop, (byte) => byte * FACTOR);
  if (!torch) keep("rescale", scaled, shape);
  const unit = torch ? float32(1 / FACTOR) : 1; // torchvision's backend normalizes bytes
  const result = new Float32Array(scaled.length);
  for (let i = 0; i < result.length; i += 1) {
    const channel = Math.trunc(i / (SIDE * SIDE));
    const from = mistake === "mean_order" ? 2 - channel : channel;
    const [mean, std] = [float32(float32(MEAN[from]) * unit), float32(float32(STD[from]) * unit)];
    result[i] = float32(float32(scaled[i] - mean) / std);
  }
  keep("normalize", result, shape);
}

console.log(`${await runKit(kit, results, backend, preprocess)} cases`);
