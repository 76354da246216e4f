// Attention of one new token: a workgroup per row, key head and split of the context. It prepares the group's query
// heads, reads each cached key and value once for all of them, and stores the row's own key and value where its split is
// the last ("flash decoding": Dao et al. 2023, the Stanford CRFM post; grouping of heads: Ainslie et al. 2023,
// arXiv:2305.13245). At most PASS_HEADS heads at once, larger groups in passes.
//
// The own key comes first and starts the running maximum and sum (Milakov & Gimelshein 2018, arXiv:1805.02867); then tiles
// of TILE cached keys, at multiples of TILE. Scores: PARTS lanes per key, every head. Softmax: a team of TEAM lanes per head.
// Values: SHARES groups of lanes take turns through the keys, a lane per quad, every head.
//
// Constants: WORKGROUP, HEAD_QUADS, PASS_HEADS, PASSES, TILE, TEAM, SCRATCH, PAGE_TOKENS, SPLIT_TOKENS.
// Parts: head.wgsl, parts_*.wgsl, teams_*.wgsl, attention/scores.wgsl and softmax.wgsl, those of headParts.

const SHARES = WORKGROUP / HEAD_QUADS;
const SPLIT_PAGES = SPLIT_TOKENS / PAGE_TOKENS;
const KEYS_AT_ONCE = WORKGROUP / PARTS;

var<workgroup> span: Span;
var<workgroup> page_of: array<u32, SPLIT_PAGES>;            // pages of the split
var<workgroup> scratch: array<vec4f, SCRATCH>;              // queries [PASS_HEADS, HEAD_QUADS]; at the end, lanes' sums
var<workgroup> own_key: array<vec4f, HEAD_QUADS>;
var<workgroup> weights: array<f32, PASS_HEADS * TILE>;      // first scores, then weights
var<workgroup> shrinks: array<f32, PASS_HEADS>;             // what the sums so far are multiplied by
var<workgroup> softmax_state: array<vec2f, PASS_HEADS>;     // largest score, total weight

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = group.x / params.kv_heads;
  if (row >= batch.rows) {
    return;
  }
  let lane = local.x;
  let split = group.z;
  // Positions may come from storage; the barriers below need them to be uniform.
  if (lane == 0u) {
    span = span_of(row, split);
  }
  let keys = workgroupUniformLoad(&span);
  if ((keys.flags & SPAN_HAS_KEYS) == 0u) {
    return;
  }
  let kv_head = group.x % params.kv_heads;
  let slot = batch.row[row].slot;
  let page = split * SPLIT_PAGES + lane;
  if (lane < SPLIT_PAGES && page * PAGE_TOKENS < keys.end) {
    page_of[lane] = kv_page(slot, page);
  }
  if ((keys.flags & SPAN_OWNS_NEWEST) != 0u) {
    take_own_key(lane, row, slot, kv_head, keys.position);
  }
  for (var pass_index = 0u; pass_index < PASSES; pass_index++) {
    attend(lane, row, kv_head, pass_index * PASS_HEADS, split, keys);
  }
}

// Prepares the row's own key, and stores it and the value.
fn take_own_key(lane: u32, row: u32, slot: u32, kv_head: u32, position: u32) {
  let first = row * params.qkv_stride + kv_head * 4u * HEAD_QUADS;
  let scale = head_scale(lane, first + params.k_at);
  let page = kv_page(slot, position / PAGE_TOKENS);
  let key_at = kv_place_in(page, position, KV_KEYS, kv_head, HEAD_QUADS);
  let value_at = kv_place_in(page, position, KV_VALUES, kv_head, HEAD_QUADS);
  for (var i = lane; i < head_quads(); i += WORKGROUP) {
    let key = prepared_quad(first + params.k_at, i, scale, params.k_gain_at, position);
    let largest = key_largest(first + params.k_at, i, scale, params.k_gain_at, position);
    own_key[i] = kv_kept(key, largest);
    kv_store(key_at, i, HEAD_QUADS, key, largest);
    let value = plain_quad(first + params.v_at, i);
    kv_store(value_at, i, HEAD_QUADS, value, value_largest(first + params.v_at, i));
  }
}

// Heads first_head ... first_head + PASS_HEADS - 1 of the group over the keys of the span.
fn attend(lane: u32, row: u32, kv_head: u32, first_head: u32, split: u32, keys: Span) {
  let group_heads = params.heads / params.kv_heads;
  let owns = (keys.flags & SPAN_OWNS_NEWEST) != 0u;
  let team = lane / TEAM; // softmax: the head of the pass that this lane works for, idle from PASS_HEADS on
  let rank = lane % TEAM;
  let quad = lane % HEAD_QUADS;
  let share = lane / HEAD_QUADS;

  // Teams beyond the last head repeat it; nobody reads what they make.
  let head = kv_head * group_heads + min(first_head + team, group_heads - 1u);
  let query = row * params.qkv_stride + params.q_at + head * 4u * HEAD_QUADS;
  let scale = head_scale(lane, query);
  workgroupBarrier(); // the pass before may still read the scratch; the own key is there
  var own_product = 0.0;
  for (var i = rank; i < head_quads(); i += TEAM) {
    let q = prepared_quad(query, i, scale, params.q_gain_at, keys.position);
    if (team < PASS_HEADS) {
      scratch[team * HEAD_QUADS + i] = q;
    }
    if (owns) {
      own_product += dot(q, own_key[i]);
    }
  }

  var acc: array<vec4f, PASS_HEADS>; // of this lane's share of the keys
  var largest = LOWEST;              // of the team's head
  var total = 0.0;                   // weights that this lane made
  if (owns) {
    largest = shaped(team_sum(lane, own_product));
    total = select(0.0, 1.0, rank == 0u);
    if (share == 0u) {
      let first = row * params.qkv_stride + params.v_at + kv_head * 4u * HEAD_QUADS;
      let value = kv_kept(plain_quad(first, quad), value_largest(first, quad));
      for (var h = 0u; h < PASS_HEADS; h++) {
        acc[h] = value;
      }
    }
  }
  workgroupBarrier(); // queries and pages are there

  for (var tile = keys.first / TILE * TILE; tile < keys.end; tile += TILE) {
    let low = max(keys.first, tile) - tile; // keys of the tile: tile + low ... tile + high - 1
    let high = min(keys.end - tile, TILE);

    for (var chunk = low / KEYS_AT_ONCE * KEYS_AT_ONCE; chunk < high; chunk += KEYS_AT_ONCE) {
      let i = chunk + lane / PARTS;
      let seen = i >= low && i < high;
      var products = array<f32, PASS_HEADS>();
      if (seen) {
        let at = cached_at(tile + i, KV_KEYS, kv_head);
        for (var part = lane % PARTS; part < HEAD_QUADS; part += PARTS) {
          let key = kv_load(at, part, HEAD_QUADS);
          for (var h = 0u; h < PASS_HEADS; h++) {
            products[h] += dot(scratch[h * HEAD_QUADS + part], key);
          }
        }
      }
      for (var h = 0u; h < PASS_HEADS; h++) {
        let product = parts_sum(products[h]);
        if (seen && h % PARTS == lane % PARTS) {
          weights[h * TILE + i] = shaped(product);
        }
      }
    }
    workgroupBarrier();

    var tile_largest = LOWEST;
    if (team < PASS_HEADS) {
      for (var i = low + rank; i < high; i += TEAM) {
        tile_largest = max(tile_largest, weights[team * TILE + i]);
      }
    }
    let new_largest = max(largest, team_max(lane, tile_largest));
    let shrink = exp_of_drop(largest, new_largest);
    total *= shrink;
    largest = new_largest;
    if (team < PASS_HEADS) {
      for (var i = low + rank; i < high; i += TEAM) {
        let weight = exp(weights[team * TILE + i] - largest);
        weights[team * TILE + i] = weight;
        total += weight;
      }
      if (rank == 0u) {
        shrinks[team] = shrink;
      }
    }
    workgroupBarrier();

    for (var h = 0u; h < PASS_HEADS; h++) {
      acc[h] *= shrinks[h];
    }
    if (share < SHARES) {
      for (var i = low + share; i < high; i += SHARES) {
        let value = kv_load(cached_at(tile + i, KV_VALUES, kv_head), quad, HEAD_QUADS);
        for (var h = 0u; h < PASS_HEADS; h++) {
          acc[h] += weights[h * TILE + i] * value;
        }
      }
    }
    workgroupBarrier(); // before the next tile's scores
  }

  let whole_total = team_sum(lane, total);
  if (team < PASS_HEADS && rank == 0u) {
    softmax_state[team] = vec2f(largest, whole_total);
  }
  let whole = (keys.flags & SPAN_IS_WHOLE) != 0u;
  for (var h = 0u; h < PASS_HEADS; h++) {
    workgroupBarrier(); // the scratch is free, the state is there
    scratch[lane] = acc[h];
    workgroupBarrier();
    if (lane < HEAD_QUADS && first_head + h < group_heads) {
      var sum = scratch[lane];
      for (var s = 1u; s < SHARES; s++) {
        sum += scratch[s * HEAD_QUADS + lane];
      }
      let state = softmax_state[h];
      store_sum(row, kv_head * group_heads + first_head + h, split, whole, lane, sum, state.x, state.y);
    }
  }
}

// Where a cached key (or value) of this split begins.
fn cached_at(position: u32, kind: u32, kv_head: u32) -> u32 {
  return kv_place_in(page_of[position / PAGE_TOKENS % SPLIT_PAGES], position, kind, kv_head, HEAD_QUADS);
}
