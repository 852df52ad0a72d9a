// Run an implementation of a processor on a golden kit (`graphproc golden SOURCE -o KIT`), and write what each step gives.
//
//     import { runKit } from "./kit.mjs";
//     await runKit("KIT", "RESULTS", "pil", (image, keep) => { ...; keep("resample", pixels, [3, height, width]); });
//
// `image` has `height`, `width` and `pixels`: a Uint8Array [height, width, 3], red first. `keep` takes a step's name, its
// elements as a typed array, in C order and without an axis for a batch, and their shape. Then
// `graphproc check KIT RESULTS --backend pil` says where and in which step the results first part from the kit.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FORMAT = 1;
const TYPES = new Map([
  [Uint8Array, "|u1"],
  [BigInt64Array, "<i8"],
  [Float32Array, "<f4"],
  [Float64Array, "<f8"],
]);

// Preprocess every image of a kit and write what is kept; return the number of cases.
export async function runKit(kit, results, backend, preprocess) {
  const manifest = JSON.parse(await readFile(join(kit, "manifest.json"), "utf8"));
  if (manifest.format !== FORMAT) throw new Error(`${kit}: expected a kit of format ${FORMAT}, got ${manifest.format}`);
  const section = manifest.backends.find((one) => one.backend === backend);
  if (section === undefined) throw new Error(`${kit}: has no backend ${backend}`);
  for (const { name, images } of manifest.cases) {
    const kept = [];
    for (const { pixels } of images) {
      const values = new Map();
      const image = parseNpy(await readFile(join(kit, pixels.file)), pixels.file);
      preprocess(image, (step, elements, shape) => values.set(step, { elements: elements.slice(), shape }));
      kept.push(values);
    }
    const folder = join(results, name);
    await mkdir(folder, { recursive: true });
    // Of one image every step is compared, of several the outputs of one call.
    const wanted = images.length > 1 ? section.outputs.map((one) => [one.name, one.step]) : [...kept[0].keys()].map((step) => [step, step]);
    for (const [as, step] of wanted) {
      const values = kept.map((one) => one.get(step)).filter((value) => value !== undefined);
      if (values.length === images.length) await writeFile(join(folder, `${as}.npy`), npy(values, images.length > 1));
    }
  }
  return manifest.cases.length;
}

// The image in an .npy file of uint8 [height, width, 3], in C order.
function parseNpy(file, name) {
  if (file.length < 10 || file.toString("latin1", 1, 6) !== "NUMPY" || file[6] !== 1) throw new Error(`${name}: no .npy file, version 1`);
  const start = 10 + file.readUInt16LE(8);
  const header = file.toString("latin1", 10, start);
  const shape = /'shape': \((\d+), (\d+), 3\)/.exec(header);
  if (!header.includes("'descr': '|u1'") || !header.includes("'fortran_order': False") || shape === null)
    throw new Error(`${name}: not uint8 [height, width, 3]`);
  const [height, width] = [Number(shape[1]), Number(shape[2])];
  if (file.length !== start + height * width * 3) throw new Error(`${name}: ends too early`);
  return { height, width, pixels: new Uint8Array(file.buffer, file.byteOffset + start, height * width * 3) };
}

// An .npy file of a value; of several images with an axis for them in front.
function npy(values, several) {
  const [first] = values;
  if (values.some((value) => String(value.shape) !== String(first.shape))) throw new Error("several shapes do not stack");
  const shape = several ? [values.length, ...first.shape] : first.shape;
  const text = `{'descr': '${TYPES.get(first.elements.constructor)}', 'fortran_order': False, 'shape': (${shape.map((n) => `${n}, `).join("")}), }`;
  const header = Buffer.from(text.padEnd(Math.ceil((11 + text.length) / 64) * 64 - 11) + "\n", "latin1");
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length % 256, header.length >> 8]);
  return Buffer.concat([start, header, ...values.map(({ elements: e }) => Buffer.from(e.buffer, e.byteOffset, e.byteLength))]);
}
