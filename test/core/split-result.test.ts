import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Json, parseJson } from "../../src/core/json.ts";
import { writeJson } from "../../src/core/json-text.ts";
import { splitAtResult } from "../../src/core/split-result.ts";

const blank = fc.constantFrom("", "", "", " ", "\n", "\t \r\n");
const KEYS = ["reply", "result", "result", "taskId", "r\\u0065sult", "__proto__", ',\\"result\\":{', "7", ""];
const SCALARS = [
  ...["null", "true", "0", "-0", "1.50", "1e400", "-1E-2", "12345678901234567890"],
  ...[
    '"done"',
    '"result"',
    '",\\"result\\":"',
    '"}"',
    '"{\\"a\\":1,\\"result\\":[1]}"',
    '"\\\\"',
    '"\\ud800"',
    '"é中"',
  ],
];

/** JSON texts with records within records, as any program may write them. */
const texts = fc.letrec<{ value: string; list: string; record: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom(...SCALARS),
    tie("list"),
    tie("record"),
  ),
  list: fc
    .tuple(blank, fc.array(tie("value"), { maxLength: 3 }))
    .map(([b, each]) => `[${b}${each.join(`${b},`)}]`),
  record: fc
    .tuple(fc.array(fc.tuple(fc.constantFrom(...KEYS), blank, tie("value"), blank), { maxLength: 5 }), blank)
    .map(([members, b]) => {
      const written = members.map(
        ([key, before, value, after]) => `"${key}"${before}:${after}${value}${before}`,
      );
      return `${b}{${b}${written.join(`,${b}`)}}${b}`;
    }),
}));

/** The same with something cut out or put in, which mostly leaves no JSON. */
const mangled = fc
  .tuple(
    texts.record,
    fc.nat(),
    fc.nat(3),
    fc.constantFrom("", "", ",", "}", "{", '"', " ", "\u00a0", ',"result":'),
  )
  .map(([text, at, cut, put]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + put + text.slice(place + cut);
  });

function expectSame(text: string): void {
  const split = splitAtResult(text);
  if (split === undefined) return;
  const whole = parseJson(text) as Json;
  expect(split).toEqual(whole);
  expect(JSON.stringify(split)).toBe(JSON.stringify(whole));
  expect(JSON.stringify(JSON.parse(writeJson(split)))).toBe(JSON.stringify(whole));
}

describe("a record that is split at its result", () => {
  it("is what JSON.parse makes of it, whatever it holds", () => {
    fc.assert(fc.property(texts.record, expectSame), { numRuns: 2_000 });
  });

  it("is none where JSON.parse finds no JSON", () => {
    fc.assert(fc.property(mangled, expectSame), { numRuns: 5_000 });
  });

  it.each([
    ['{"taskId":"t","reply":"done","result":', '{"a":1.50,"n":12345678901234567890}', "}"],
    ['{"taskId": "t", "reply": "done", "result": ', "[1e400, -0]", " }\n"],
    ['{"result":1,"reply":"done","result":', '{"reply":"failed","result":{"a":1.0}}', "}"],
    ['{"reply":"done","result":', '{"said":",\\"result\\":{","a":1.0}', "}"],
    ['{"said":",\\"result\\":{","result":', '{"a":1.0}', "}"],
    ['{"__proto__":1,"result":', "[1.0]", "}"],
  ])("keeps the result's text: %s%s%s", (before, result, after) => {
    const record = splitAtResult(before + result + after);
    expect(record).toEqual(JSON.parse(before + result + after));
    expect(writeJson(record?.result)).toBe(result);
  });

  it.each([
    ["text", '{"reply":"done","result":"[1]"}'],
    ["a number", '{"reply":"done","result":12345678901234567890}'],
    ["first", '{"result":{"a":1},"reply":"done"}'],
    ["all there is", '{"result":{"a":1}}'],
    ["followed by others", '{"reply":"done","result":{"a":1},"more":{}}'],
    ["behind another that is nested", '{"data":{"a":1,"result":2},"result":{"a":1}}'],
  ])("is left to be parsed as a whole where it is %s", (_what, text) => {
    expect(parseJson(text)).toBeDefined();
    expect(splitAtResult(text)).toBeUndefined();
  });

  it.each([
    '{,"result":{}}',
    '{"a":1,"result":{}',
    '{"a":1,"result":{}}}',
    '{"a":1,"result":{}} x',
    '{"a":1,"result":{}}\u00a0',
    '{"a":1,"result":\u00a0{}}',
    '{"a":1,\u00a0"result":{}}',
    '{"a":1,,"result":{}}',
    '[{"a":1,"result":{}}]',
    '"a",  "result": {}}',
    "",
  ])("is none of what is no such record: %s", (text) => {
    expect(splitAtResult(text)).toBeUndefined();
  });
});
