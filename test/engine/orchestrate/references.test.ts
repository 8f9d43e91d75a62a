import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OrchestratorError } from "../../../src/core/errors.ts";
import type { Json } from "../../../src/core/json.ts";
import {
  leadsSomewhere,
  parseText,
  referencesIn,
  resolve,
  type Scope,
} from "../../../src/engine/orchestrate/references.ts";

const anyJson = fc.jsonValue() as fc.Arbitrary<Json>;
const scopeOf = (value: Json): Scope => ({ steps: { a: { value, reply: "done" } }, inputs: {} });

/** What a text, or more, comes to with this as step a's value. */
const made = (written: Json, value: Json) => resolve(written, scopeOf(value));

function problemOf(written: Json, value: Json = null): string {
  try {
    return `it is ${JSON.stringify(made(written, value))}`;
  } catch (error) {
    expect(error).toMatchObject({ code: "bad_request", delivery: "not_sent" });
    return (error as OrchestratorError).message;
  }
}

describe("a reference", () => {
  it("that is a text as a whole becomes what it refers to, of whatever type", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(made("${steps.a.value}", value)).toEqual(value);
        expect(made({ deep: [{ in: "${ steps.a.value }" }] }, value)).toEqual({ deep: [{ in: value }] });
      }),
    );
  });

  it("within text stands as it is where it is text, and else as JSON", () => {
    fc.assert(
      fc.property(
        anyJson,
        fc.string({ unit: fc.constantFrom("a", " ", "}", "é", '"', "{", "\n") }),
        (value, text) => {
          const said = typeof value === "string" ? value : JSON.stringify(value);
          expect(made(`${text}\${steps.a.value}${text}|\${steps.a.reply}`, value)).toBe(
            `${text}${said}${text}|done`,
          );
        },
      ),
    );
  });

  it.each([
    ["$${steps.a.value}", "${steps.a.value}"],
    ["a $${b} c", "a ${b} c"],
    ["$$${steps.a.value}", "$${steps.a.value}"],
    ["$${", "${"],
    ["cost: $5, {x}, $ {y}", "cost: $5, {x}, $ {y}"],
    ["$${x}${steps.a.value}", "${x}7"],
    ["${steps.a.value}$${x}", "7${x}"],
  ])("is escaped with a second sign: %s", (text, meant) => {
    expect(made(text, 7)).toBe(meant);
  });

  it("is found in no text that has none: what has none is left alone", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        fc.pre(!JSON.stringify(value).includes("${"));
        expect(resolve(value, {})).toEqual(value);
        expect(referencesIn(value)).toEqual([]);
      }),
    );
  });

  it("any text can be said with the escape", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("$", "{", "}", "a", "'") }), (text) => {
        expect(
          resolve(
            text.replaceAll("${", () => "$${"),
            {},
          ),
        ).toBe(text);
      }),
    );
  });
});

describe("what an instance said", () => {
  it("is never followed: a reference is replaced once", () => {
    fc.assert(
      fc.property(fc.constantFrom("${inputs.secret}", "$${x}", "${", "x ${steps.b.value} y"), (said) => {
        const scope = { steps: { a: { value: said }, b: { value: "b" } }, inputs: { secret: "s3cr3t" } };
        expect(resolve("${steps.a.value}", scope)).toBe(said);
        expect(resolve("<${steps.a.value}>", scope)).toBe(`<${said}>`);
        expect(resolve({ list: ["${steps.a}"] }, scope)).toEqual({ list: [{ value: said }] });
      }),
    );
  });

  it.each(["${1+1}", "${process.env}", "${steps.a.value.constructor('x')()}", "${eval('1')}", "${`x`}"])(
    "nor is anything evaluated: %s",
    (text) => {
      expect(problemOf(text, {})).toMatch(/^".*" (begins with none of|is no path: )/);
    },
  );

  it.each(["__proto__", "constructor", "prototype", "toString", "length", "hasOwnProperty"])(
    "has the fields that are its own: %s",
    (name) => {
      expect(problemOf(`\${steps.a.value.${name}}`, { x: 1 })).toMatch(/ refers to nothing\.$/);
      expect(problemOf(`\${steps.a.value.${name}}`, [1])).toMatch(/ refers to nothing\.$/);
      const own = JSON.parse(`{"${name}":{"polluted":1}}`) as Json;
      expect(made(`\${steps.a.value.${name}.polluted}`, own)).toBe(1);
      const copied = made({ all: "${steps.a.value}" }, own) as { all: object };
      expect(JSON.stringify(copied.all)).toBe(JSON.stringify(own));
      expect(({} as { polluted?: number }).polluted).toBeUndefined();
    },
  );

  it("written in a plan, __proto__ stays a field", () => {
    const written = JSON.parse('{"__proto__":{"admin":"${steps.a.value}"}}') as Json;
    const whole = made(written, true) as { admin?: boolean };
    expect([JSON.stringify(whole), whole.admin]).toEqual(['{"__proto__":{"admin":true}}', undefined]);
  });
});

describe("a path", () => {
  const value: Json = {
    items: [
      { id: 1, score: 3, tags: ["x"] },
      { id: 2, score: 1 },
      { id: 3, score: 9, "odd } name": "yes" },
    ],
    by: { "two words": "quoted", a: null },
  };

  it.each<[string, Json]>([
    ["steps.a.value.items[0].id", 1],
    ["steps.a.value.items[-1].id", 3],
    ["steps['a'].value.by['two words']", "quoted"],
    ['steps.a.value.by["two words"]', "quoted"],
    ["steps.a.value.items[2]['odd } name']", "yes"],
    ["steps.a.value.by.a", null],
    ["steps.a.value.items[*].id", [1, 2, 3]],
    ["steps.a.value.items[1:].id", [2, 3]],
    ["steps.a.value.items[?@.score > 2].id", [1, 3]],
    ["steps.a.value.items[?@.score > 100]", []],
    ["steps.a.value.items[?@.tags].id", [1]],
    ["steps.a.value.items[?@['odd } name'] == 'yes'].id", [3]],
    ["steps.a.value.items[?@.score > $.steps.b.value].id", [3]],
    ["steps.a.value..score", [3, 1, 9]],
    ["steps.a.value.nowhere[*]", []],
  ])("finds %s", (path, found) => {
    const scope = { steps: { a: { value }, b: { value: 4 } } };
    expect(resolve(`\${${path}}`, scope)).toEqual(found);
  });

  it.each([
    "steps.a.value.items[3].id",
    "steps.a.value.itms",
    "steps.a.value.items.id",
    "steps.b.value",
    "item",
  ])("that leads nowhere is named: %s", (path) => {
    expect(problemOf(`see \${${path}}`, value)).toBe(`"\${${path}}" refers to nothing.`);
    expect(leadsSomewhere(`\${${path}}`, scopeOf(value))).toBe(false);
  });

  it("to null leads somewhere", () => {
    expect(leadsSomewhere("${steps.a.value.by.a}", scopeOf(value))).toBe(true);
  });

  it("that is broken is an error of ours, whatever is written", () => {
    const texts = fc.string({ unit: fc.constantFrom(..."${}[]'\".*?@()<=!&|, \\ab09:".split(""), "steps") });
    fc.assert(
      fc.property(texts, (text) => {
        try {
          resolve(text, scopeOf({ a: [1, { b: 2 }] }));
        } catch (error) {
          expect(error).toBeInstanceOf(OrchestratorError);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("that goes too deep is an error of ours too", () => {
    const deep = JSON.parse(`${'{"a":'.repeat(1_000)}1${"}".repeat(1_000)}`) as Json;
    expect(problemOf("${steps.a.value..b}", deep)).toMatch(
      /^"\$\{steps\.a\.value\.\.b\}" cannot be looked up: /,
    );
  });

  it("knows the step that it begins with, and those of its filters", () => {
    const named = (text: string) =>
      parseText(text).map((part) => typeof part === "object" && [part.root, part.name, part.others]);
    expect(named("${steps.find.value}${inputs['x'].y}${item}")).toEqual([
      ["steps", "find", []],
      ["inputs", "x", []],
      ["item", undefined, []],
    ]);
    expect(named("${steps.a[?@.n == $.inputs.n && @.s != '$.steps.none']}")).toEqual([
      ["steps", "a", [{ root: "inputs", name: "n" }]],
    ]);
  });
});

describe("huge values", () => {
  const timeFor = (work: () => unknown): number => {
    const begun = performance.now();
    work();
    return performance.now() - begun;
  };

  it("are handed on in the time that their length takes", () => {
    const list = (length: number): Json => Array.from({ length }, (_, id) => ({ id, text: "x".repeat(20) }));
    const work = (value: Json) => () => {
      made({ whole: "${steps.a.value}", ids: "${steps.a.value[*].id}", text: "${steps.a.value}!" }, value);
      made("${steps.a.value[?@.id > 5].id}", value);
    };
    const long = "$ { ".repeat(1_000_000);
    timeFor(work(list(1_000)));
    // Quadratic, either would take hours.
    expect(timeFor(work(list(200_000)))).toBeLessThan(10_000);
    expect(timeFor(() => made(`${long}\${steps.a.value}${long}$\${`, long))).toBeLessThan(2_000);
    expect(timeFor(() => made("$${".repeat(300_000), null))).toBeLessThan(2_000);
  });

  it("may have many references", () => {
    const text = "${steps.a.value},".repeat(20_000);
    expect(timeFor(() => expect(made(text, 1)).toHaveLength(40_000))).toBeLessThan(5_000);
  });
});
