/**
 * Makes the model files of this folder from npm packages, and what those packages themselves answer, for the test. Run by hand:
 *
 *   npm install --prefix models-from-npm --ignore-scripts lande@1.0.10 @vscode/vscode-languagedetection@1.0.23
 *   node examples/snippet-language/models/import-models.mjs models-from-npm
 *   npx oxfmt examples/snippet-language
 *
 * The weights stay the bytes that they are in the packages; only their order changes. Both packages are MIT.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = process.argv[2];
if (root === undefined) throw new Error("Say where the packages are installed: node import-models.mjs models-from-npm");
const packages = resolve(root, "node_modules");
const VSCODE = "@vscode/vscode-languagedetection";
const requireFrom = createRequire(join(packages, "index.js"));

const write = (file, value) => writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(value, null, 2)}\n`);
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const locale = (label) => Intl.getCanonicalLocales(label)[0];
const rounded = (values) => Array.from(values, (value) => Number(value.toPrecision(7)));

/** The tensors of a TensorFlow.js model with weights of one byte: `{ shape, min, scale, bytes }`, or strings. */
function readTensors(folder) {
  const { weightsManifest } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
  const file = readFileSync(join(folder, "group1-shard1of1.bin"));
  let offset = 0;
  const take = (length) => file.subarray(offset, (offset += length));
  const tensors = {};
  for (const { name, shape, dtype, quantization } of weightsManifest[0].weights) {
    const size = shape.reduce((product, side) => product * side, 1);
    if (dtype === "string") tensors[name] = Array.from({ length: size }, () => take(take(4).readUInt32LE()).toString());
    else if (quantization?.dtype === "uint8")
      tensors[name] = { shape, min: quantization.min, scale: quantization.scale, bytes: take(size) };
    else take(size * { float32: 4, int32: 4, bool: 1 }[dtype]);
  }
  if (offset !== file.length) throw new Error(`Read ${offset} of ${file.length} bytes of ${folder}.`);
  return tensors;
}

/** guesslang: a linear model and a network of three layers over hashed pairs of bytes, whose scores are added. */
function codeModel() {
  const tensors = readTensors(join(packages, VSCODE, "model"));
  const find = (part) => tensors[Object.keys(tensors).find((key) => key.includes(part))];
  const matrix = (part) => {
    const { shape, min, scale, bytes } = find(part);
    return { inputs: shape[0], units: shape[1], min, scale, bytes: base64(bytes) };
  };
  const vector = (part) => {
    const { min, scale, bytes } = find(part);
    return rounded(Array.from(bytes, (byte) => byte * scale + min));
  };
  const layer = (part) => ({ ...matrix(`${part}/kernel`), bias: vector(`${part}/bias`) });
  return {
    source: `${sourceOf(VSCODE)}: the model of guesslang`,
    labels: find("class_string_lookup/Const"),
    deep: matrix("embedding_weights"),
    wide: { ...matrix("linear_model/content/weights"), bias: vector("bias_weights") },
    layers: [layer("hiddenlayer_0"), layer("hiddenlayer_1"), layer("logits")],
  };
}

function sourceOf(name) {
  const { name: published, version, license } = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  return `${published} ${version}, ${license ?? "MIT"}`;
}

const standalone = async (file) => (await import(pathToFileURL(join(packages, "lande/standalone", file)))).default;

/** lande: a network of two layers over the frequencies of 620 n-grams. Its weights are bytes with a scale for each unit. */
async function proseModel() {
  const { layers } = await standalone("t50-options.js");
  const decode = (text) => {
    const [head, data] = text.split("|");
    const scale = Number(head.slice(1));
    return { min: -127 / scale, scale: 1 / scale, bytes: Buffer.from(data, "base64") };
  };
  const layer = ({ _filters, _biases }) => {
    const units = _filters.map(decode);
    const inputs = units[0].bytes.length;
    const bytes = new Uint8Array(inputs * units.length);
    for (const [unit, { bytes: from }] of units.entries()) from.forEach((byte, input) => (bytes[input * units.length + unit] = byte));
    const bias = decode(_biases);
    return {
      inputs,
      units: units.length,
      min: rounded(units.map(({ min }) => min)),
      scale: rounded(units.map(({ scale }) => scale)),
      bytes: base64(bytes),
      bias: rounded(Array.from(bias.bytes, (byte) => byte * bias.scale + bias.min)),
    };
  };
  const [hidden, output] = layers.filter(({ type }) => type === "dense").map(layer);
  const labels = (await standalone("t50-langs.js")).map(locale);
  return { source: `${sourceOf("lande")}: a network trained on sentences of Tatoeba`, labels, hidden, output };
}

/** What the packages answer. Their own code is slow, so not for many texts. */
async function answers() {
  const read = (file) => JSON.parse(readFileSync(new URL(`../data/${file}`, import.meta.url), "utf8"));
  const everyNth = (texts, n) => texts.filter((_, index) => index % n === 0).map(({ text }) => text);
  const lande = await standalone("t50.js");
  const expected = [];
  const { ModelOperations } = requireFrom(VSCODE);
  const guesslang = new ModelOperations({ minContentSize: 1, normalizeNewline: true });
  for (const text of everyNth(read("code.json"), 8)) {
    const top = (await guesslang.runModel(text)).slice(0, 3);
    expected.push({ model: "code", text, top: top.map(({ languageId, confidence }) => ({ label: languageId, confidence })) });
  }
  for (const text of everyNth(read("prose.json"), 8)) {
    const top = lande(text).slice(0, 3);
    expected.push({ model: "prose", text, top: top.map(([label, confidence]) => ({ label: locale(label), confidence })) });
  }
  return expected;
}

write("code.json", codeModel());
write("prose.json", await proseModel());
const { unigrams, bigrams, trigrams, quadgrams } = await standalone("t50-ngrams.js");
write("prose-ngrams.json", { ngrams: [...unigrams, ...bigrams, ...trigrams, ...quadgrams] });
write("expected.json", await answers());
