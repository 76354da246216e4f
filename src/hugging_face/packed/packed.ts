// What a scheme of packed weights is: which tensors of a module it takes, and the rows that they make.

import type { SafeTensor } from "../../files/safetensors";
import type { Rows } from "../rows";

export interface PackedWeights {
  /** Last components of the names of a module's tensors that the scheme takes. */
  readonly parts: readonly string[];
  /** Whether a module with these parts is packed. */
  claims(parts: ReadonlyMap<string, SafeTensor>): boolean;
  /** @throws FennecError `file-unsupported`, `tensor-shape`, `tensor-missing`. */
  rows(module: string, parts: ReadonlyMap<string, SafeTensor>): Rows;
}
