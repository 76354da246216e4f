import { createReferenceBackend } from "../../../src/backends/reference/index";
import { describeBackend } from "../../support/conformance";

describeBackend("reference", (input) => createReferenceBackend(input));
// A page border every few tokens, and no power of two.
describeBackend("reference with pages of 5", (input) => createReferenceBackend(input, { pageTokens: 5, rows: 40 }));
