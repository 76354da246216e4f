// A layer's keys and values, read and written. Addresses are those of kv_pages.wgsl. Needs kv_<type>.wgsl and its
// kv_<type>_store.wgsl.

@group(0) @binding(0) var<storage, read_write> kv: array<KvUnit>;
