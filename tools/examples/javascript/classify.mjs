// An image file in, labels out: a fused graph run from JavaScript.
//
//     npm ci
//     node classify.mjs GRAPH IMAGE LABELS [VALUES] [--wasm]
//
// IMAGE is a binary PPM file (P6), LABELS a text file with a line for each class. The five best classes are printed. VALUES is
// a file to write every output to, as raw float32, one after another.
//
// onnxruntime-node runs the graph on the machine; with --wasm onnxruntime-web runs it as WebAssembly, as a browser does.

import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";

const { values: options, positionals } = parseArgs({ options: { wasm: { type: "boolean" } }, allowPositionals: true });
if (positionals.length < 3 || positionals.length > 4) {
  console.error("usage: node classify.mjs GRAPH IMAGE LABELS [VALUES] [--wasm]");
  process.exit(2);
}
const [graph, image, names, values] = positionals;
const ort = await import(options.wasm ? "onnxruntime-web" : "onnxruntime-node");
if (options.wasm) ort.env.wasm.numThreads = 1;

const { width, height, pixels } = parsePpm(await readFile(image));
const labels = (await readFile(names, "utf8")).trimEnd().split(/\r?\n/);

// The graph does everything else: resizing, cropping, normalizing, and the model.
const session = await ort.InferenceSession.create(await readFile(graph));
const results = await session.run({ [session.inputNames[0]]: new ort.Tensor("uint8", pixels, [1, height, width, 3]) });

const outputs = session.outputNames.map((name) => results[name].data);
const scores = outputs[0];
if (scores.length !== labels.length) throw new Error(`${names}: ${labels.length} labels for ${scores.length} scores`);
const best = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b);
for (const index of best.slice(0, 5)) console.log(`${scores[index].toFixed(6)} ${labels[index]}`);
if (values !== undefined) {
  const bytes = outputs.map((data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  await writeFile(values, Buffer.concat(bytes));
}

// The size and the pixels of a PPM file: "P6", width, height and 255, parted by white space and comments, then the bytes.
function parsePpm(file) {
  const gap = String.raw`\s+(?:#[^\n]*\n\s*)*`;
  const header = new RegExp(`^P6${gap}(\\d+)${gap}(\\d+)${gap}(\\d+)\\s`).exec(file.toString("latin1", 0, 1024));
  if (header === null || header[3] !== "255") throw new Error(`${image}: no PPM file (P6) with 8 bits a sample`);
  const [width, height] = [Number(header[1]), Number(header[2])];
  const start = header[0].length;
  const pixels = new Uint8Array(file.subarray(start, start + 3 * width * height));
  if (pixels.length !== 3 * width * height) throw new Error(`${image}: ends too early`);
  return { width, height, pixels };
}
