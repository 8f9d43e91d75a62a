import { expect } from "vitest";

const matching = (pattern: RegExp) => expect.stringMatching(pattern) as unknown as string;

export const ask = { instances: ["A"], payload: 1 };
export const good = { id: "good", delegate: ask };
const sent = (more: object) => ({ id: "s", needs: ["good"], delegate: { ...ask, ...more } });
const two = (more: object) => ({ steps: [good, { id: "s", needs: ["good"], delegate: ask, ...more }] });

/** A plan, and what is wrong with it: each kind of mistake. */
export const BAD_PLANS: Record<string, [plan: object, ...problems: string[]]> = {
  "a step that needs one that is not there": [
    two({ needs: ["goood"] }),
    "steps[1].needs[0]: there is no step goood; did you mean good?",
  ],
  "a step that needs itself": [two({ needs: ["s"] }), "steps[1].needs: s waits for itself: s → s"],
  "steps that wait for one another": [
    {
      steps: [
        { id: "a", needs: ["c"], delegate: ask },
        { id: "b", needs: ["a"], delegate: ask },
        { id: "c", needs: ["b"], delegate: ask },
      ],
    },
    "steps[0].needs: a waits for itself: a → c → b → a",
  ],
  "an id twice": [{ steps: [good, good] }, "steps[1].id: there is another step good"],
  "an id that no path can name": [
    { steps: [{ id: "two words", delegate: ask }] },
    "steps[0].id: expected 1 to 64 letters, digits or '_', beginning with a letter or '_'",
  ],
  "no id": [{ steps: [{ delegate: ask }] }, "steps[0].id: expected string"],
  "a step that is no object": [{ steps: ["ask A"] }, "steps[0]: expected object, received string"],
  "a step that does nothing": [
    { steps: [{ id: "a" }] },
    "steps[0]: give one of delegate, fanout, aggregate, session",
  ],
  "a step that does two things": [
    { steps: [{ id: "a", delegate: ask, fanout: { targets: ["A"] } }] },
    "steps[0]: give one of delegate, fanout, aggregate, session",
  ],
  "a field that no step has": [two({ need: ["good"] }), "steps[1].need: no such field; did you mean needs?"],
  "a call that is no object": [
    { steps: [{ id: "a", delegate: "ask A" }] },
    "steps[0].delegate: expected object, received string",
  ],
  "a reference to a step that is not needed": [
    { steps: [good, { id: "s", delegate: { ...ask, payload: "${steps.good.value}" } }] },
    "steps[1].delegate.payload: ${steps.good.value}: s does not need good; add it to its needs",
  ],
  "a reference to a step that is not there": [
    { steps: [good, sent({ payload: { q: ["${steps.god.value}"] } })] },
    "steps[1].delegate.payload.q[0]: there is no step god; did you mean good?",
  ],
  "a reference to the step itself": [
    { steps: [good, sent({ payload: "${steps.s.value}" })] },
    "steps[1].delegate.payload: ${steps.s.value}: s cannot refer to itself",
  ],
  "a reference to no step by name": [
    { steps: [good, sent({ payload: "${steps[*].value}" })] },
    "steps[1].delegate.payload: ${steps[*].value} names no step",
  ],
  "a filter that refers to a step that is not needed": [
    {
      steps: [
        good,
        { id: "x", delegate: ask },
        sent({ payload: "${steps.good.value[?@.n > $.steps.x.value]}" }),
      ],
    },
    "steps[2].delegate.payload: ${steps.good.value[?@.n > $.steps.x.value]}: s does not need x; add it to its needs",
  ],
  "a reference to an input that is not there": [
    { inputs: { topic: 1 }, steps: [{ id: "a", delegate: { ...ask, payload: "on ${inputs.topics}" } }] },
    "steps[0].delegate.payload: ${inputs.topics} names no input; did you mean topic?",
  ],
  "a reference to inputs where there are none": [
    { steps: [{ id: "a", delegate: { ...ask, payload: "${inputs.x}" } }] },
    "steps[0].delegate.payload: ${inputs.x} names no input; there are none",
  ],
  "an item outside of forEach": [
    two({ delegate: { ...ask, payload: "${item.name} ${index}" } }),
    "steps[1].delegate.payload: ${item.name} is for the call of a step with forEach",
    "steps[1].delegate.payload: ${index} is for the call of a step with forEach",
  ],
  "an item in the list of forEach": [
    two({ forEach: "${item}" }),
    "steps[1].forEach: ${item} is for the call of a step with forEach",
  ],
  "a path that begins with nothing": [
    two({ delegate: { ...ask, payload: "${good.value}" } }),
    'steps[1].delegate.payload: "${good.value}" begins with none of steps, inputs, item, index',
  ],
  "a path that is none": [
    two({ delegate: { ...ask, payload: "${steps.good.value[}" } }),
    'steps[1].delegate.payload: "${steps.good.value[}" is no path: unclosed bracketed selection',
  ],
  "a path that ends in a dot": [
    two({ delegate: { ...ask, payload: "${steps.good.}" } }),
    'steps[1].delegate.payload: "${steps.good.}" is no path: it ends in a dot',
  ],
  "code in the place of a path": [
    two({ delegate: { ...ask, payload: "${process.exit(1)}" } }),
    'steps[1].delegate.payload: "${process.exit(1)}" begins with none of steps, inputs, item, index',
  ],
  "a brace that is not closed": [
    two({ delegate: { ...ask, payload: "see ${steps.good.value" } }),
    'steps[1].delegate.payload: "${steps.good.value" has no closing brace',
  ],
  "a field that no call has": [
    two({ delegate: { ...ask, paylod: 1 } }),
    "steps[1].delegate.paylod: no such field; did you mean payload?",
  ],
  "a call's timeout and key, which the plan gives": [
    two({ delegate: { ...ask, timeout: "5s", idempotencyKey: "k" } }),
    "steps[1].delegate.timeout: no such field here: it is a field of the step",
    "steps[1].delegate.idempotencyKey: no such field here: the plan gives each call a key of its own",
  ],
  "values that an option cannot have": [
    two({ delegate: { ...ask, fallback: "all", idempotent: "yes" }, retries: 99, timeout: "soon" }),
    matching(/^steps\[1\]\.timeout: "soon" is no such duration/),
    "steps[1].retries: expected number to be <=10",
    "steps[1].delegate.idempotent: expected boolean, received string",
    'steps[1].delegate.fallback: expected one of "listed"|"any"|"none"',
  ],
  "retries of what is not sent": [
    two({ delegate: undefined, aggregate: { from: ["good"], strategy: "collect" }, retries: 1 }),
    "steps[1].retries: is for delegate and fanout, and this is aggregate",
  ],
  "instances that nobody knows": [
    { steps: [good, { id: "s", fanout: { targets: ["A", "Z"] } }] },
    "steps[1].fanout.targets: No instance is named Z. Known: A, B",
  ],
  "nobody named, and none configured": [
    { steps: [{ id: "a", delegate: { payload: 1 } }] },
    "steps[0].delegate.instances: name at least one instance",
  ],
  "a payload for one who is not asked": [
    { steps: [{ id: "a", fanout: { targets: ["A"], payloads: { A: 1, B: 2 } } }] },
    "steps[0].fanout.payloads.B: B is not among the targets",
  ],
  "an unknown judge": [
    {
      steps: [good, { id: "s", fanout: { targets: ["A"], aggregate: { strategy: "judge", instance: "Y" } } }],
    },
    "steps[1].fanout.aggregate.instance: No instance is named Y. Known: A, B",
  ],
  "inputs that its calls cannot take": [
    {
      inputs: { who: ["A", "Z"], way: "any way", none: 3, deep: {} },
      steps: [
        { id: "a", delegate: { instances: "${inputs.who}", fallback: "${inputs.way}", payload: 1 } },
        { id: "b", forEach: "${inputs.none}", delegate: { ...ask, payload: "${inputs.deep.x}" } },
      ],
    },
    'steps[0].delegate.fallback: expected one of "listed"|"any"|"none"',
    "steps[1].forEach: expected a list, or a reference to one",
    'steps[1].delegate.payload: "${inputs.deep.x}" refers to nothing',
    "steps[0].delegate.instances: No instance is named Z. Known: A, B",
  ],
  "a fallback that is not there": [
    two({ onError: { fallback: "none" } }),
    "steps[1].onError.fallback: there is no step none",
  ],
  "a fallback that others need": [
    two({ onError: { fallback: "good" } }),
    "steps[1].onError.fallback: s needs good, which is done only if s fails",
    matching(/^steps\[0\]\.needs: good waits for itself: good → s → good$/),
  ],
  "steps that are each other's fallback": [
    {
      steps: [
        { id: "a", delegate: ask, onError: { fallback: "b" } },
        { id: "b", delegate: ask, onError: { fallback: "a" } },
      ],
    },
    "steps[0].needs: a waits for itself: a → b → a",
  ],
  "a fallback of two steps": [
    {
      steps: [
        { ...good, onError: { fallback: "spare" } },
        { id: "s", delegate: ask, onError: { fallback: "spare" } },
        { id: "spare", delegate: ask },
      ],
    },
    "steps[1].onError.fallback: spare is the fallback of good already",
  ],
  "a fallback that needs what may not have ended": [
    {
      steps: [
        good,
        { id: "s", delegate: ask, onError: { fallback: "spare" } },
        { id: "spare", needs: ["good"], delegate: ask },
      ],
    },
    "steps[1].onError.fallback: spare needs good, which may go on when s fails; add it to the needs of s",
  ],
  "an onError that is none": [
    two({ onError: "retry" }),
    'steps[1].onError: expected one of "fail"|"continue"',
  ],
  "concurrency without forEach": [
    two({ concurrency: 2 }),
    "steps[1].concurrency: is for a step with forEach",
  ],
  "a forEach over what is no list": [
    { steps: [good, { id: "s", forEach: 3, delegate: ask }, { id: "t", forEach: "good", delegate: ask }] },
    "steps[1].forEach: expected a list, or a reference to one",
    "steps[2].forEach: expected a list, or a reference to one",
  ],
  "a session call that is none": [
    {
      steps: [
        { id: "a", session: { open: { sessionId: "s1" } } },
        { id: "b", session: {} },
      ],
    },
    'steps[0].session: expected one of {"spawn":{…}}, {"send":{…}} or {"close":{…}}',
    'steps[1].session: expected one of {"spawn":{…}}, {"send":{…}} or {"close":{…}}',
  ],
  "a session without its name": [
    { steps: [{ id: "a", session: { send: { data: 1 } } }] },
    "steps[0].session.send.sessionId: expected string",
  ],
  "a when that is always the same": [
    two({ when: "steps.good.value" }),
    "steps[1].when: expected a reference such as ${steps.id.value}, or a comparison",
  ],
  "a when that compares in two ways": [
    two({ when: { value: "${steps.good.value}", equals: 1, lessThan: 2 } }),
    "steps[1].when: give value and one of equals, notEquals, greaterThan, lessThan, exists",
  ],
  "a when that compares with no number": [
    two({ when: { value: "${steps.good.value}", lessThan: "many" } }),
    "steps[1].when.lessThan: expected a number, or a reference to one",
  ],
  "an aggregate of nothing": [
    { steps: [{ id: "a", aggregate: { strategy: "collect" } }] },
    "steps[0].aggregate.from: give one of from, with the ids of steps, responses, runId, runIds",
  ],
  "an aggregate of steps that are not needed": [
    { steps: [good, { id: "a", aggregate: { from: ["good"], strategy: "collect" } }] },
    "steps[1].aggregate.from[0]: a does not need good; add it to its needs",
  ],
  "an aggregate without its strategy's options": [
    two({ delegate: undefined, aggregate: { from: ["good"], strategy: "judge", limit: 3 } }),
    matching(/^steps\[1\]\.aggregate\.limit: judge takes no limit/),
    "steps[1].aggregate.instance: judge needs it",
  ],
  "an output that refers to an item": [
    { steps: [good], output: { all: ["${item}", "${steps.goods}"] } },
    "output.all[0]: ${item} is for the call of a step with forEach",
    "output.all[1]: there is no step goods; did you mean good?",
  ],
};
