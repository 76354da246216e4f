export { createReferenceBackend, type ReferenceOptions } from "./reference_backend";
