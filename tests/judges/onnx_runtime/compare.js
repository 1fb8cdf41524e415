// ONNX Runtime as the judge of exported models.
//
//   node compare.js PROGRAM FOLDER [SWATH [MODEL.onnx...]]
//
// Runs `PROGRAM FOLDER MODEL.onnx...`, which writes FOLDER/cases.json and a folder for each case: model.onnx, image.bin (uint8,
// [row, column, channel], before it is extended) and output.bin (float32, [channel, row, column], what Swath
// predicts for it). A case's `output` says what that is: "logits", or "probability" (sigmoid of one logit, softmax
// of several). Feeds the model the image as float32 NCHW 0-255, extended at the right and bottom as its metadata
// says, and compares to within 1e-4: logits relative to the largest if that is above 1.
//
// With SWATH, cases that have an image file also go through `swath predict`, once for each kind of map; vips reads
// them. float32 holds the probabilities themselves. uint8 holds whole numbers 0 to 255, so there 1e-4 is allowed
// beyond the rounding of 0.5.
'use strict';

const {execFileSync} = require('child_process');
const fs = require('fs');
const path = require('path');
const ort = require('onnxruntime-node');

const TOLERANCE = 1e-4;

function readFloats(file) {
  const bytes = fs.readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

// The bytes of an image file's pixels.
function readMap(file, folder) {
  const raw = path.join(folder, 'map.raw');
  execFileSync('vips', ['rawsave', file, raw]);
  return raw;
}

// How `swath predict --probability` writes a map.
const MAPS = {
  uint8: {read: (file) => fs.readFileSync(file), whole: 255, rounding: 0.5 / 255},
  float32: {read: readFloats, whole: 1, rounding: 0},
};

// The largest excess of the maps of `swath predict` over what rounding explains, as a probability.
function judgePrediction(swath, item, folder, logits, kind) {
  const out = path.join(folder, `predicted-${kind}`);
  execFileSync(swath, ['predict', path.join(folder, item.slide.file), '--model', path.join(folder, 'model.onnx'),
                       '--out', out, '--probability', kind], {stdio: ['ignore', 'ignore', 'pipe']});
  const pixels = item.width * item.height, stem = path.join(out, path.parse(item.slide.file).name);
  const p = probabilities(logits, pixels), binary = logits.length === pixels;
  const mask = fs.readFileSync(readMap(`${stem}_mask.ome.tif`, folder));
  if (mask.length !== pixels) throw new Error(`${item.name}: the mask has ${mask.length} pixels, not ${pixels}`);
  let excess = 0;
  for (let c = 1; c < item.slide.classes.length; ++c) {
    const {read, whole, rounding} = MAPS[kind];
    const map = read(readMap(`${stem}_probability_${item.slide.classes[c]}.ome.tif`, folder));
    if (map.length !== pixels) throw new Error(`${item.name}: a map has ${map.length} pixels, not ${pixels}`);
    for (let i = 0; i < pixels; ++i) {
      const expected = p[binary ? i : c * pixels + i];
      excess = Math.max(excess, Math.abs(map[i] / whole - expected) - rounding);
      // A mask may differ only where the decision is a tie.
      if (binary && (mask[i] === 1) !== (expected > 0.5) && Math.abs(expected - 0.5) > TOLERANCE) return Infinity;
    }
  }
  return excess;
}

// Metadata is not in ONNX Runtime's JavaScript interface, so the case repeats it; the program that wrote the case
// read it from the model.
function extendedInput(item, image) {
  const {width, height, channels, multiple, extension} = item;
  const wide = Math.ceil(width / multiple) * multiple, high = Math.ceil(height / multiple) * multiple;
  const data = new Float32Array(channels * high * wide).fill(extension);
  for (let c = 0; c < channels; ++c) {
    for (let y = 0; y < height; ++y) {
      for (let x = 0; x < width; ++x) {
        data[(c * high + y) * wide + x] = image[(y * width + x) * channels + c];
      }
    }
  }
  return new ort.Tensor('float32', data, [1, channels, high, wide]);
}

// [class, row, column] without what was extended.
function cut(tensor, item) {
  const [, classes, high, wide] = tensor.dims;
  const {width, height} = item;
  if (high < height || wide < width) throw new Error(`${item.name}: the output is ${wide} x ${high}`);
  const out = new Float64Array(classes * height * width);
  for (let c = 0; c < classes; ++c) {
    for (let y = 0; y < height; ++y) {
      for (let x = 0; x < width; ++x) {
        out[(c * height + y) * width + x] = tensor.data[(c * high + y) * wide + x];
      }
    }
  }
  return out;
}

function probabilities(logits, pixels) {
  const classes = logits.length / pixels;
  if (classes === 1) return logits.map((z) => 1 / (1 + Math.exp(-z)));
  const out = new Float64Array(logits.length);
  for (let i = 0; i < pixels; ++i) {
    let largest = -Infinity, sum = 0;
    for (let c = 0; c < classes; ++c) largest = Math.max(largest, logits[c * pixels + i]);
    for (let c = 0; c < classes; ++c) sum += out[c * pixels + i] = Math.exp(logits[c * pixels + i] - largest);
    for (let c = 0; c < classes; ++c) out[c * pixels + i] /= sum;
  }
  return out;
}

// The largest difference of each thing that was compared.
async function judge(item, folder, swath) {
  const session = await ort.InferenceSession.create(path.join(folder, 'model.onnx'), {logSeverityLevel: 3});
  const image = fs.readFileSync(path.join(folder, 'image.bin'));
  const results = await session.run({[session.inputNames[0]]: extendedInput(item, image)});
  let expected = cut(results[session.outputNames[0]], item);
  const differences = {};
  for (const kind of swath && item.slide ? Object.keys(MAPS) : []) {
    differences[`predict ${kind}`] = judgePrediction(swath, item, folder, expected, kind);
  }
  if (item.output === 'probability') expected = probabilities(expected, item.width * item.height);
  const found = readFloats(path.join(folder, 'output.bin'));
  if (found.length !== expected.length) throw new Error(`${item.name}: ${found.length} values, not ${expected.length}`);
  let largest = 1, error = 0;
  for (let i = 0; i < expected.length; ++i) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const difference = Math.abs(found[i] - expected[i]);
    if (!(difference <= error)) error = difference;  // NaN too
  }
  return {[item.output]: error / largest, ...differences};
}

function listed(differences) {
  return Object.entries(differences).map(([what, d]) => `${what} ${d.toExponential(1)}`).join(', ');
}

async function main() {
  const [program, root, swath, ...models] = process.argv.slice(2);
  if (!root) throw new Error('usage: node compare.js PROGRAM FOLDER [SWATH [MODEL.onnx...]]');
  fs.mkdirSync(root, {recursive: true});
  execFileSync(program, [root, ...models], {stdio: 'inherit'});
  const cases = JSON.parse(fs.readFileSync(path.join(root, 'cases.json'), 'utf8'));
  const {version} = require('onnxruntime-node/package.json');
  console.log(`ONNX Runtime ${version}, ${cases.length} models`);
  const worst = {};
  let failed = 0;
  for (const item of cases) {
    let differences = {}, note = '';
    try {
      differences = await judge(item, path.join(root, item.name), swath);
    } catch (e) {
      differences = {[item.output]: Infinity};
      note = `  ${e.message}`;
    }
    const bad = !Object.values(differences).every((difference) => difference <= TOLERANCE);
    failed += bad;
    for (const what in differences) worst[what] = Math.max(worst[what] || 0, differences[what]);
    console.log(`  ${item.name.padEnd(28)} ${item.width} x ${item.height}  ${listed(differences)}` +
                `${bad ? '  DIFFERS' : ''}${note}`);
  }
  console.log(`largest differences: ${listed(worst)}; allowed ${TOLERANCE}; ${failed} of ${cases.length} differ`);
  process.exit(failed === 0 && cases.length > 0 ? 0 : 1);
}

main().catch((e) => {
  console.error(e.message);
  process.exit(1);
});
