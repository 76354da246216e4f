// A layer's keys and values, read. Addresses are those of kv_pages.wgsl. Needs a kv_<type>.wgsl.

@group(0) @binding(0) var<storage, read> kv: array<KvUnit>;
