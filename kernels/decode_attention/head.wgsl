// What all ways to compute decode_attention share: parameters, buffers, the keys of a split, where results go.
// Needs attention/softmax.wgsl.

struct Params {
  heads: u32,    // query heads; head h reads key head h / (heads / kv_heads)
  kv_heads: u32,
  scale: f32,    // scale ... sinks_at: see attention/head.wgsl
  window: u32,
  softcap: f32,
  sinks_at: u32,
  table_at: u32, // table_at ... coarse_at: see prepare_qkv/prepare_qkv.wgsl
  pages_per_slot: u32,
  qkv_stride: u32,
  q_at: u32,
  k_at: u32,
  v_at: u32,
  q_gain_at: u32,
  k_gain_at: u32,
  eps: f32,
  rope_dims: u32,
  rope_style: u32,
  tables_at: u32,
  coarse_at: u32,
  splits: u32,   // most that a row may have: the layout of `partials`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> qkv: array<f32>;              // [rows, qkv_stride]
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;        // [rows, heads · head_dim]
@group(0) @binding(0) var<storage, read_write> partials: array<vec4f>; // [rows, heads, splits, head_dim + 4]

// A row's share in one split of its context: keys first ... end - 1 of the cache, then, in the split that holds it, the
// row's own key, which is not in the cache yet.
struct Span {
  first: u32,
  end: u32,
  position: u32,
  flags: u32,
}

const SPAN_HAS_KEYS = 1u; // cached or own
const SPAN_OWNS_NEWEST = 2u;
const SPAN_IS_WHOLE = 4u; // no other split of the row has keys

fn span_of(row: u32, split: u32) -> Span {
  let position = row_position(row);
  let start = first_visible_key(position);
  let begin = split * SPLIT_TOKENS;
  let owns = position / SPLIT_TOKENS == split;
  let first = max(start, begin);
  let end = min(position, begin + SPLIT_TOKENS);
  let whole = start / SPLIT_TOKENS == position / SPLIT_TOKENS;
  return Span(
    first,
    end,
    position,
    select(0u, SPAN_HAS_KEYS, owns || first < end)
      | select(0u, SPAN_OWNS_NEWEST, owns)
      | select(0u, SPAN_IS_WHOLE, whole),
  );
}

// Stores one quad of a head's weighted sum of values: the result where the span is whole, else a part of it.
fn store_sum(row: u32, head: u32, split: u32, whole: bool, quad: u32, sum: vec4f, largest: f32, total: f32) {
  let item = row * params.heads + head;
  if (whole) {
    y[item * HEAD_QUADS + quad] = sum * output_factor(head, largest, total);
    return;
  }
  let at = (item * params.splits + split) * (HEAD_QUADS + 1u);
  partials[at + quad] = sum;
  if (quad == 0u) {
    partials[at + HEAD_QUADS] = vec4f(largest, total, 0.0, 0.0);
  }
}
