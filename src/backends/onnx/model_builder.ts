// Builds one ONNX model in memory: nodes, constants, weights as external data, inputs and outputs by name. It knows
// ONNX's messages and no operation of ours. Field numbers: onnx/onnx.proto of ONNX 1.17 (IR version 10).

import { ProtoWriter } from "./protobuf";

const IR_VERSION = 10;
const OPSET = 21;

/** ONNX's numbers of element types. */
export const ELEMENT = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;
export type ElementType = keyof typeof ELEMENT;

/** Attributes by name: whole numbers are ONNX ints; wrap floats in {@link float}. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** Names of axes whose size is known at run time, or sizes. */
export type Shape = readonly (number | string)[];

interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Names of the results, when they matter outside; made up otherwise. */
  readonly outputs?: readonly string[];
  readonly domain?: "" | "com.microsoft";
}

/** A weight that the model names and that is handed over beside it. */
export interface ExternalTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** The file that an external tensor's bytes lie in, and where in it. */
export type Locate = (tensor: ExternalTensor) => { readonly file: string; readonly offset: number };

const underItsName: Locate = ({ name }) => ({ file: name, offset: 0 });

export const float = (value: number): Attribute => ({ float: value });

export class ModelBuilder {
  readonly inputs: string[] = [];
  readonly outputs: string[] = [];
  readonly external = new Map<string, ExternalTensor>();
  readonly #locate: Locate;
  readonly #graph = new ProtoWriter();
  readonly #constants = new Map<string, string>();
  #made = 0;

  constructor(locate: Locate = underItsName) {
    this.#locate = locate;
  }

  input(name: string, type: ElementType, shape: Shape): string {
    if (!this.inputs.includes(name)) {
      this.inputs.push(name);
      this.#graph.message(11, (info) => valueInfo(info, name, type, shape));
    }
    return name;
  }

  output(name: string, type: ElementType, shape: Shape): void {
    if (this.outputs.includes(name)) return;
    this.outputs.push(name);
    this.#graph.message(12, (info) => valueInfo(info, name, type, shape));
  }

  /** Nodes must be added in an order in which every input is there. @param inputs "" leaves an optional one out. */
  node(op: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const { attributes = {}, outputs = [this.#fresh()], domain = "" } = options;
    this.#graph.message(1, (node) => {
      for (const name of inputs) node.bytes(1, name);
      for (const name of outputs) node.bytes(2, name);
      node.bytes(3, `${op}_${outputs[0]}`).bytes(4, op);
      for (const [name, value] of Object.entries(attributes)) node.message(5, (into) => attribute(into, name, value));
      if (domain) node.bytes(7, domain);
    });
    return outputs[0]!;
  }

  /** A small constant inside the model; equal ones are stored once. */
  constant(type: "float32" | "int64", values: readonly number[], shape: readonly number[] = [values.length]): string {
    const key = `${type} [${shape}] ${values}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = this.#fresh("c");
    const array = type === "float32" ? Float32Array.from(values) : BigInt64Array.from(values, BigInt);
    this.#graph.message(5, (tensor) => {
      for (const size of shape) tensor.int(1, size);
      tensor.int(2, ELEMENT[type]).bytes(8, name).bytes(9, new Uint8Array(array.buffer));
    });
    this.#constants.set(key, name);
    return name;
  }

  /** A tensor whose bytes are handed over beside the model. */
  weight(tensor: ExternalTensor): string {
    if (this.external.has(tensor.name)) return tensor.name;
    this.external.set(tensor.name, tensor);
    const { file, offset } = this.#locate(tensor);
    this.#graph.message(5, (into) => {
      for (const size of tensor.shape) into.int(1, size);
      into.int(2, ELEMENT[tensor.type]).bytes(8, tensor.name);
      const entry = (key: string, value: string) => into.message(13, (pair) => pair.bytes(1, key).bytes(2, value));
      entry("location", file);
      entry("offset", String(offset));
      entry("length", String(tensor.bytes));
      into.int(14, 1); // data_location: EXTERNAL
    });
    return tensor.name;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new ProtoWriter()
      .int(1, IR_VERSION)
      .bytes(2, "fennec")
      .bytes(7, this.#graph.bytes(2, "graph").finish())
      .message(8, (opset) => opset.bytes(1, "").int(2, OPSET))
      .message(8, (opset) => opset.bytes(1, "com.microsoft").int(2, 1))
      .finish();
  }

  #fresh(prefix = "t"): string {
    return `${prefix}${this.#made++}`;
  }
}

function valueInfo(info: ProtoWriter, name: string, type: ElementType, shape: Shape): void {
  info.bytes(1, name).message(2, (typeProto) =>
    typeProto.message(1, (tensor) =>
      tensor.int(1, ELEMENT[type]).message(2, (dims) => {
        for (const size of shape)
          dims.message(1, (dim) => (typeof size === "number" ? dim.int(1, size) : dim.bytes(2, size)));
      }),
    ),
  );
}

function attribute(into: ProtoWriter, name: string, value: Attribute): void {
  into.bytes(1, name);
  if (typeof value === "number") into.int(3, value).int(20, 2);
  else if (typeof value === "string") into.bytes(4, value).int(20, 3);
  else if ("float" in value) into.float(2, value.float).int(20, 1);
  else {
    for (const item of value) into.int(8, item);
    into.int(20, 7);
  }
}
