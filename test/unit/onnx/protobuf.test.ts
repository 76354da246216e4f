import { expect, test } from "vitest";
import { ProtoWriter, varint } from "../../../src/backends/onnx/protobuf";

// From the format's own documentation, and the borders of each length.
test.each([
  [0, [0]],
  [127, [127]],
  [128, [0x80, 1]],
  [150, [0x96, 1]],
  [300, [0xac, 2]],
  [2 ** 31, [0x80, 0x80, 0x80, 0x80, 8]],
  [2 ** 53 - 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 15]],
  [-1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
])("varint(%i)", (value, bytes) => {
  expect([...varint(value)]).toEqual(bytes);
});

test("fields: numbers, floats, text, a message inside", () => {
  const bytes = new ProtoWriter()
    .int(1, 150)
    .float(2, 1)
    .bytes(3, "testing")
    .message(16, (inner) => inner.int(1, 1).bytes(2, Uint8Array.of(9)))
    .finish();
  expect([...bytes]).toEqual([
    ...[0x08, 0x96, 1],
    ...[0x15, 0, 0, 0x80, 0x3f],
    ...[0x1a, 7, ...new TextEncoder().encode("testing")],
    ...[0x82, 1, 5, 0x08, 1, 0x12, 1, 9],
  ]);
});
