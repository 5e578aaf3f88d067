// A JSON Schema in few words: its type, what limits it, and what it is made of. Pure.
//
// A schema may hold itself, so nothing here goes deeper than it must: a reference is a name.

import { fields, text, type Fields } from "../api/model";
import { referredName } from "./document";

const DEPTH_MAX = 3;
const WORDS_MAX = 12;
/** An example has no more values than this, whatever the schema demands. */
const VALUES_MAX = 200;

export type Resolve = (value: unknown) => Fields;

/** One part of a schema, under the name that it has there. */
export interface Part {
  name: string;
  isRequired: boolean;
  schema: unknown;
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const alternatives = (raw: Fields): unknown[] => [...list(raw["oneOf"]), ...list(raw["anyOf"])];

function joined(schemas: readonly unknown[], separator: string, depth: number): string {
  const words = schemas.slice(0, WORDS_MAX).map((one) => typeName(one, depth + 1));
  return [...words, ...(schemas.length > WORDS_MAX ? ["…"] : [])].join(separator);
}

/** `integer`, `Peer`, `string | null`, `array of Stream`, `"a" | "b"`; empty: anything. */
export function typeName(schema: unknown, depth = 0): string {
  const name = referredName(schema);
  if (name !== null) return name;
  if (depth > DEPTH_MAX) return "…";
  const raw = fields(schema);
  if ("const" in raw) return JSON.stringify(raw["const"]);
  const values = list(raw["enum"]).map((value) => ({ const: value }));
  const choices = values.length > 0 ? values : alternatives(raw);
  if (choices.length > 0) return joined(choices, " | ", depth);
  const all = list(raw["allOf"]);
  if (all.length > 0) return joined(all, " & ", depth);
  const types = [raw["type"]].flat().filter((type) => typeof type === "string");
  if (types.length === 0 && raw["properties"]) types.push("object");
  const format = text(raw["format"]);
  const told = (type: string): string => {
    if (type === "array") return `array of ${typeName(raw["items"], depth + 1) || "anything"}`;
    return format && type !== "null" ? `${type} (${format})` : type;
  };
  return types.map(told).join(" | ");
}

const LIMITS: Record<string, string> = {
  minimum: "≥",
  exclusiveMinimum: ">",
  maximum: "≤",
  exclusiveMaximum: "<",
  minLength: "length ≥",
  maxLength: "length ≤",
  minItems: "items ≥",
  maxItems: "items ≤",
  pattern: "pattern",
  default: "default",
};

/** `≥ 1, ≤ 65535, default 80`. */
export function limitsOf(schema: unknown): string {
  const raw = fields(schema);
  return Object.entries(LIMITS)
    .filter(([name]) => raw[name] !== undefined)
    .map(([name, word]) => {
      const value = raw[name];
      return `${word} ${name === "pattern" ? String(value) : JSON.stringify(value)}`;
    })
    .join(", ");
}

/** What it is made of: fields, and the alternatives or items that are more than a word. */
export function partsOf(schema: unknown, resolve: Resolve, otherFields: string, depth = 0): Part[] {
  const raw = resolve(schema);
  const required = new Set(list(raw["required"]));
  const own: Part[] = Object.entries(fields(raw["properties"])).map(([name, value]) => ({
    name,
    isRequired: required.has(name),
    schema: value,
  }));
  const other = raw["additionalProperties"];
  if (typeof other === "object" && other !== null)
    own.push({ name: otherFields, isRequired: false, schema: other });
  const inner = [...alternatives(raw), ...list(raw["allOf"]), raw["items"]].filter((one) =>
    hasParts(one, resolve),
  );
  // A list, or something that may be null, is opened together with what is in it.
  if (own.length === 0 && inner.length === 1 && depth < DEPTH_MAX)
    return partsOf(inner[0], resolve, otherFields, depth + 1);
  return [...own, ...inner.map((one) => ({ name: "", isRequired: false, schema: one }))];
}

/** Is there more to tell than its type? */
export function hasParts(schema: unknown, resolve: Resolve): boolean {
  const raw = resolve(schema);
  const names = ["properties", "oneOf", "anyOf", "allOf", "items"];
  if (names.some((name) => Object.keys(fields(raw[name])).length > 0)) return true;
  return Object.keys(fields(raw["additionalProperties"])).length > 0;
}

/** A value that has what the schema demands, for a person to fill in. */
export function exampleOf(schema: unknown, resolve: Resolve): unknown {
  let left = VALUES_MAX;
  function make(schema: unknown, depth: number): unknown {
    left--;
    if (depth > DEPTH_MAX) return null;
    const raw = resolve(schema);
    const given = [raw["example"], raw["const"], raw["default"]];
    const found = [...given, list(raw["examples"])[0], list(raw["enum"])[0]];
    const first = found.find((value) => value !== undefined);
    if (first !== undefined) return first;
    const [choice] = alternatives(raw);
    if (choice !== undefined) return make(choice, depth + 1);
    const all = list(raw["allOf"]);
    const type = text([raw["type"]].flat()[0]);
    if (all.length === 0 && type !== "object" && !raw["properties"])
      return { string: "", integer: 0, number: 0, boolean: false, array: [] }[type ?? ""] ?? null;
    const properties = fields(raw["properties"]);
    const made: Fields = {};
    for (const one of all) if (left > 0) Object.assign(made, make(one, depth + 1));
    for (const name of list(raw["required"]))
      if (left > 0 && typeof name === "string" && Object.hasOwn(properties, name))
        made[name] = make(properties[name], depth + 1);
    return made;
  }
  return make(schema, 0);
}
