// Where keys and values lie in a layer's KV buffer: pages of PAGE_TOKENS tokens, each [2 (k, v), kv_heads, PAGE_TOKENS]
// heads of one token, found through the page table of the layer's group. kv_<type>.wgsl says how a head is stored, and in
// which units. Needs params.kv_heads, params.table_at (first element of the table in `pages`) and params.pages_per_slot.

@group(0) @binding(0) var<storage, read> pages: array<u32>; // [slots, pages_per_slot] from table_at on

const KV_KEYS = 0u;
const KV_VALUES = 1u;

// The page that holds tokens PAGE_TOKENS · index ... of a slot.
fn kv_page(slot: u32, index: u32) -> u32 {
  return pages[params.table_at + slot * params.pages_per_slot + index];
}

// Where the key (or value) of one position and key head begins, in the page that holds the position.
fn kv_place_in(page: u32, position: u32, kind: u32, head: u32, head_quads: u32) -> u32 {
  let plane = (page * 2u + kind) * params.kv_heads + head;
  return (plane * PAGE_TOKENS + position % PAGE_TOKENS) * kv_units(head_quads);
}

fn kv_place(slot: u32, position: u32, kind: u32, head: u32, head_quads: u32) -> u32 {
  return kv_place_in(kv_page(slot, position / PAGE_TOKENS), position, kind, head, head_quads);
}
