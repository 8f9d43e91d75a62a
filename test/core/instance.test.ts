import { describe, expect, it } from "vitest";
import { instanceConfig, instanceId, instanceUrl, nameSchema } from "../../src/core/instance.ts";

function problem(url: string): string | undefined {
  return instanceUrl.safeParse(url).error?.issues[0]?.message;
}

describe("an instance's URL", () => {
  it.each([
    "http://10.0.0.5:7501",
    "https://agent.example/base/path",
    "http://127.0.0.1:11434/v1",
    "http://mac-mini:18789",
    "http://[::1]:7501",
    "http://[fd00::1]",
    "http://[fe8::1]",
    "http://169.253.1.1",
    "http://fe80.example",
  ])("may be %s", (url) => {
    expect(instanceUrl.parse(url)).toBe(url);
  });

  it.each([
    "",
    "A",
    "10.0.0.5:7501",
    "//host",
    "ftp://host",
    "file:///etc/passwd",
    "javascript:1",
    "http://",
    "http://h:99999",
  ])("may not be %j", (url) => {
    expect(problem(url)).toBe(`"${url}" is no http or https URL`);
  });

  it.each(["http://user:secret@host", "https://user@host", "http://:secret@host"])(
    "may not carry a credential (%s), and the refusal does not repeat it",
    (url) => {
      expect(problem(url)).toContain("apiKeyFile");
      expect(problem(url)).not.toContain("secret");
    },
  );

  it.each([
    "http://169.254.169.254/latest/meta-data",
    "http://169.254.169.254.",
    "http://2852039166",
    "http://0xa9.0xfe.1.1",
    "http://[fe80::1]",
    "http://[FEBF::1]:80",
    "http://[::ffff:169.254.169.254]",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]",
  ])("may not be link-local (%s), however it is written", (url) => {
    expect(problem(url)).toBe("link-local addresses are refused");
  });
});

describe("a name", () => {
  it.each(["A", "mac-mini", "node1", "0", "a.b_c-d", "x".repeat(64)])("may be %s", (name) => {
    expect(nameSchema.parse(name)).toBe(name);
  });

  it.each(["", "-a", ".a", "_a", "a b", "a/b", "a,b", "é", "A\n", "*", "tag:x", "x".repeat(65)])(
    "may not be %j",
    (name) => {
      expect(nameSchema.safeParse(name).error?.issues[0]?.message).toContain("letters, digits");
    },
  );
});

describe("an instance in the configuration", () => {
  it("needs a URL alone", () => {
    expect(instanceConfig.parse({ url: "http://127.0.0.1:1" })).toEqual({
      url: "http://127.0.0.1:1",
      protocol: "rest",
      tags: [],
    });
  });

  it("refuses a field that it does not know, by its name, and a protocol that it does not speak", () => {
    const mistyped = instanceConfig.safeParse({ url: "http://127.0.0.1:1", apikeyEnv: "A_KEY" });
    expect(mistyped.error?.issues[0]).toMatchObject({ code: "unrecognized_keys", keys: ["apikeyEnv"] });
    const unspoken = instanceConfig.safeParse({ url: "http://127.0.0.1:1", protocol: "grpc" });
    expect(unspoken.error?.issues[0]?.path).toEqual(["protocol"]);
  });
});

describe("an instance's identity", () => {
  it("is its name and origin, so that two of one name are two", () => {
    const here = instanceId({ name: "A", origin: "http://127.0.0.1:1" });
    expect(here).not.toBe(instanceId({ name: "A", origin: "http://127.0.0.1:2" }));
    expect(here).not.toBe(instanceId({ name: "B", origin: "http://127.0.0.1:1" }));
    expect(here).toBe(instanceId({ name: "A", origin: "http://127.0.0.1:1" }));
  });
});
