// How a gate reads its list of the day: age opens it, this proves which department signed it. Needs Node.js 18 or later, nothing else.
//   age --decrypt -i gate.key list.age | node examples/read_gate_list.mjs card-keys.json [PP1.… | number of a card] [instant]
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const EPOCH = Date.UTC(2020, 0, 1) / 1000;
const bits = (text, alphabet) => [...text].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("").match(/.{8}/g)
  .map((byte) => parseInt(byte, 2));
// A card's mark: the first eight bytes of the SHA-256 of its ten secret bytes, which its QR and its number both hold.
const mark = (card) => createHash("sha256").update(Buffer.from(card.startsWith("PP1.")
  ? bits(card.slice(4), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").slice(8, 18)
  : bits(card.replace(/[- ]/g, "").slice(-17, -1), "0123456789ABCDEFGHJKMNPQRSTVWXYZ"))).digest().subarray(0, 8).toString("hex");

export function open(list, keys, now) {
  const key = keys.find((key) => key.kid === list.subarray(4, 8).toString("hex")
    && key.department === list.subarray(1, 4).toString().replace("\0", ""));
  const signed = Buffer.concat([Buffer.from("passplus-gate-day-v1\0"), list.subarray(0, -64)]);
  if (!key || !verify(null, signed, createPublicKey({ key, format: "jwk" }), list.subarray(-64))) throw new Error("not signed by the department");
  if (list.readUInt32BE(12) <= now / 1000 - EPOCH) throw new Error("a list of another day");
  return JSON.parse(list.subarray(16, -64));
}

const [, , keys, card, at] = process.argv;
const list = open(readFileSync(0), JSON.parse(readFileSync(keys, "utf8")).keys, at ? Date.parse(at) : Date.now());
const diner = card && list.diners.find((diner) => diner.mark === mark(card));
console.log(diner ? JSON.stringify(diner) : card ? "not in the list" : `${list.day}: ${list.diners.length} diners`);
