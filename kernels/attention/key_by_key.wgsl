// Attention of one query head by one invocation, key by key, with a running maximum and sum (Milakov & Gimelshein 2018,
// arXiv:1805.02867). For software adapters: no barriers.
// Needs `fn query_quad(query: u32, i: u32) -> vec4f`, scores.wgsl, softmax.wgsl, kv_*.wgsl. Constant: HEAD_QUADS.

struct Running {
  sum: array<vec4f, HEAD_QUADS>, // of the values, weighted
  largest: f32,                  // score; LOWEST before the first
  total: f32,                    // of the weights
}

// Adds keys first ... end - 1 of the cache.
fn attend_keys(running: ptr<function, Running>, query: u32, slot: u32, kv_head: u32, first: u32, end: u32) {
  for (var key = first; key < end; key++) {
    let key_at = kv_place(slot, key, KV_KEYS, kv_head, HEAD_QUADS);
    var product = 0.0;
    for (var i = 0u; i < HEAD_QUADS; i++) {
      product += dot(query_quad(query, i), kv_load(key_at, i, HEAD_QUADS));
    }
    let score = shaped(product);
    if (score > (*running).largest) {
      let shrink = exp_of_drop((*running).largest, score);
      (*running).total *= shrink;
      for (var i = 0u; i < HEAD_QUADS; i++) {
        (*running).sum[i] *= shrink;
      }
      (*running).largest = score;
    }
    let weight = exp(score - (*running).largest);
    (*running).total += weight;
    let value_at = kv_place(slot, key, KV_VALUES, kv_head, HEAD_QUADS);
    for (var i = 0u; i < HEAD_QUADS; i++) {
      (*running).sum[i] += weight * kv_load(value_at, i, HEAD_QUADS);
    }
  }
}
