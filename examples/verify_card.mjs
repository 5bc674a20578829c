// How a till without network judges a card: signature, last day, list of refused cards, half minute. Needs Node.js 18 or later, nothing else.
//   node examples/verify_card.mjs tests/data/card-verification.json
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const EPOCH = Date.UTC(2020, 0, 1) / 1000;
const base32 = (text) => Buffer.from([...text].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"))
  .join("").match(/.{8}/g).map((byte) => parseInt(byte, 2)));
const isSigned = (bytes, context, keys) => keys.some((key) => key.kid === bytes.subarray(4, 8).toString("hex")
  && key.department === bytes.subarray(1, 4).toString().replace("\0", "")
  && verify(null, Buffer.concat([Buffer.from(`${context}\0`), bytes.subarray(0, -64)]),
    createPublicKey({ key, format: "jwk" }), bytes.subarray(-64)));

export function judge(text, keys, listText, at) {
  const list = Buffer.from(listText.slice(5), "base64url"), now = Math.floor(Date.parse(at) / 1000) - EPOCH;
  if (!isSigned(list, "passplus-refused-v1", keys) || list.readUInt32BE(12) < now) return "no_list";
  const live = text.startsWith("PPL1."), bytes = base32(text.slice(live ? 5 : 4));
  if (!isSigned(bytes, live ? "passplus-live-v1" : "passplus-card-v1", keys)) return "not_signed";
  const today = Math.floor((Date.parse(at.slice(0, 10)) / 1000 - EPOCH) / 86400); // `at` is a clock of Paris
  if (today > bytes.readUInt16BE(live ? 8 : 18)) return "expired";
  const mark = live ? bytes.subarray(14, 22) : createHash("sha256").update(bytes.subarray(8, 18)).digest().subarray(0, 8);
  for (let i = 16; i < list.length - 64; i += 8) if (mark.equals(list.subarray(i, i + 8))) return "refused";
  return live && Math.abs(Math.floor(now / 30) - bytes.readUInt32BE(10)) > 1 ? "stale" : "accepted";
}

const { keys, list, cases } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const wrong = cases.filter(({ text, at, expected }) => judge(text, keys, list, at) !== expected);
console.log(wrong.length ? wrong : `${cases.length} cards judged as expected`);
process.exitCode = wrong.length ? 1 : 0;
