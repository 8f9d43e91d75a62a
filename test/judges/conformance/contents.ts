import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { type RawTool, rawTool } from "./mount.ts";

// The suite's tools that answer with what ours never have: images, sound, embedded resources, every word of JSON Schema.

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
/** A header, and not one sample. */
const SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

export const IMAGE = { type: "image", data: PIXEL, mimeType: "image/png" } as const;
export const embedded = (uri: string, mimeType: string, text: string) =>
  ({ type: "resource", resource: { uri, mimeType, text } }) as const;

const saying =
  (...content: ContentBlock[]) =>
  (): CallToolResult => ({ content });

const text = { type: "string" };

export const CONTENT_TOOLS: readonly RawTool[] = [
  rawTool("test_image_content", saying(IMAGE)),
  rawTool("test_audio_content", saying({ type: "audio", data: SILENCE, mimeType: "audio/wav" })),
  rawTool(
    "test_embedded_resource",
    saying(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")),
  ),
  rawTool(
    "test_multiple_content_types",
    saying(
      { type: "text", text: "Multiple content types test:" },
      IMAGE,
      embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
  ),
  {
    ...rawTool("json_schema_2020_12_tool", saying()),
    inputSchema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: {
        address: { $anchor: "addressDef", type: "object", properties: { street: text, city: text } },
      },
      properties: {
        name: text,
        address: { $ref: "#/$defs/address" },
        contactMethod: { type: "string", enum: ["phone", "email"] },
        phone: text,
        email: text,
      },
      allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
      if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
      // biome-ignore lint/suspicious/noThenProperty: the word of JSON Schema
      then: { required: ["phone"] },
      else: { required: ["email"] },
      additionalProperties: false,
    },
  },
];
