// Attention of a chunk of rows: a workgroup per tile of QUERIES queries that read the same key head, so that each tile of
// PAGE_TOKENS keys and values serves all of them. Query e of a key head is row e / group, head e % group of the group.
//   scores, S = Q · Kᵀ: in chunks of CHUNK_QUADS quads of the head, both sides staged in workgroup memory; a lane makes
//     KEYS_PER_LANE keys × LANE_QUERIES queries
//   softmax with a running maximum and sum (Dao et al. 2022, arXiv:2205.14135): LANES_PER_QUERY lanes per query
//   sums, O += P · V: a lane holds one quad of SUMS queries; values come straight from the cache
// Rows of a tile may be of several slots: each run of rows of one slot takes its own way through the keys. A page that a
// run does not need (causal, window) is not read. Pages lie at absolute positions, and keys that a row does not see add
// nothing to it, so that its result does not depend on the rest of the tile.
//
// Constants: WORKGROUP, HEAD_QUADS, PAGE_TOKENS. Parts: head.wgsl, scores.wgsl, softmax.wgsl, kv_*.wgsl.

const QUERIES = 32u;
const CHUNK_QUADS = 8u;
const STRIDE = CHUNK_QUADS + 1u; // odd, so that lanes that work on neighbouring rows meet different banks
const WEIGHTS_STRIDE = PAGE_TOKENS + 1u;
const LANES_PER_QUERY = WORKGROUP / QUERIES;
const KEY_LANES = 16u;
const KEYS_PER_LANE = PAGE_TOKENS / KEY_LANES;
const LANE_QUERIES = QUERIES / (WORKGROUP / KEY_LANES);
const SHARES = WORKGROUP / HEAD_QUADS; // groups of lanes that hold sums of different queries
const SUMS = (QUERIES + SHARES - 1u) / SHARES;

// Keys that the query sees, for the run at hand: none where its row is not of it.
var<workgroup> seen: array<vec2u, QUERIES>;
var<workgroup> run: vec4u; // rows of the run, its slot, its keys: next row, slot, first key, end
var<workgroup> q_tile: array<vec4f, QUERIES * STRIDE>;
var<workgroup> k_tile: array<vec4f, PAGE_TOKENS * STRIDE>;
var<workgroup> weights: array<f32, QUERIES * WEIGHTS_STRIDE>; // [queries, keys]: scores, then weights
var<workgroup> lane_largest: array<f32, WORKGROUP>;
var<workgroup> shrinks: array<f32, QUERIES>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let lane = local.x;
  let kv_head = group_id.y;
  let group = params.heads / params.kv_heads;
  let first_query = group_id.x * QUERIES;
  let queries = batch.rows * group; // of the key head
  if (first_query >= queries) {
    return;
  }

  let query = lane / LANES_PER_QUERY; // softmax: the query this lane works for
  let rank = lane % LANES_PER_QUERY;
  let quad = lane % HEAD_QUADS;       // sums: the quad this lane holds, of queries first_sum ...
  let first_sum = lane / HEAD_QUADS * SUMS;
  var acc = array<vec4f, SUMS>();
  var largest = LOWEST;
  var total = 0.0; // weights that this lane made

  let end_row = (min(first_query + QUERIES, queries) - 1u) / group + 1u;
  var row = first_query / group;
  while (row < end_row) {
    // The run of rows of one slot from `row` on. Positions may come from storage; the barriers need uniform bounds.
    workgroupBarrier();
    if (lane == 0u) {
      run = run_from(row, end_row);
    }
    let keys = workgroupUniformLoad(&run);
    if (lane < QUERIES) {
      let own = (first_query + lane) / group;
      let inside = own >= row && own < keys.x;
      seen[lane] = select(vec2u(0u), visible_keys(min(own, batch.rows - 1u)), inside);
    }
    row = keys.x;

    for (var tile = keys.z / PAGE_TOKENS * PAGE_TOKENS; tile < keys.w; tile += PAGE_TOKENS) {
      let page = kv_page(keys.y, tile / PAGE_TOKENS);
      let keys_at = kv_place_in(page, tile, KV_KEYS, kv_head, HEAD_QUADS);
      let low = max(keys.z, tile) - tile; // keys that some row of the run sees: tile + low ... tile + high - 1
      let high = min(keys.w - tile, PAGE_TOKENS);
      score_tile(lane, first_query, queries, kv_head, keys_at, low, high);
      workgroupBarrier();

      let visible = seen[query];
      var tile_largest = LOWEST;
      for (var i = rank; i < PAGE_TOKENS; i += LANES_PER_QUERY) {
        if (tile + i >= visible.x && tile + i < visible.y) {
          tile_largest = max(tile_largest, weights[query * WEIGHTS_STRIDE + i]);
        }
      }
      lane_largest[lane] = tile_largest;
      workgroupBarrier();
      var new_largest = largest;
      for (var i = 0u; i < LANES_PER_QUERY; i++) {
        new_largest = max(new_largest, lane_largest[query * LANES_PER_QUERY + i]);
      }
      let shrink = select(exp_of_drop(largest, new_largest), 1.0, new_largest == largest);
      largest = new_largest;
      total *= shrink;
      for (var i = rank; i < PAGE_TOKENS; i += LANES_PER_QUERY) {
        let at = query * WEIGHTS_STRIDE + i;
        let sees = tile + i >= visible.x && tile + i < visible.y;
        let weight = select(0.0, exp(weights[at] - largest), sees);
        weights[at] = weight;
        total += weight;
      }
      if (rank == 0u) {
        shrinks[query] = shrink;
      }
      workgroupBarrier();

      add_values(&acc, quad, first_sum, kv_place_in(page, tile, KV_VALUES, kv_head, HEAD_QUADS), low, high);
    }
  }

  // Factors of the output, through the memory that held the shrinking ones.
  workgroupBarrier();
  lane_largest[lane] = total;
  workgroupBarrier();
  if (rank == 0u && first_query + query < queries) {
    var sum = 0.0;
    for (var i = 0u; i < LANES_PER_QUERY; i++) {
      sum += lane_largest[lane + i];
    }
    shrinks[query] = output_factor(kv_head * group + (first_query + query) % group, largest, sum);
  }
  workgroupBarrier();
  for (var s = 0u; s < SUMS; s++) {
    let own = first_sum + s;
    if (own < QUERIES && first_query + own < queries) {
      y[item_of(kv_head, first_query + own) * HEAD_QUADS + quad] = acc[s] * shrinks[own];
    }
  }
}

// Rows from `row` on that are of its slot, and the keys that any of them sees.
fn run_from(row: u32, end_row: u32) -> vec4u {
  let slot = batch.row[row].slot;
  var keys = visible_keys(row);
  var next = row + 1u;
  for (; next < end_row && batch.row[next].slot == slot; next++) {
    let more = visible_keys(next);
    keys = vec2u(min(keys.x, more.x), max(keys.y, more.y));
  }
  return vec4u(next, slot, keys.x, keys.y);
}

// Row · heads + head of a key head's query.
fn item_of(kv_head: u32, query: u32) -> u32 {
  let group = params.heads / params.kv_heads;
  return query / group * params.heads + kv_head * group + query % group;
}

// Scores of the tile's queries and of keys low ... high - 1 of a page whose keys begin at keys_at, into `weights`.
fn score_tile(lane: u32, first_query: u32, queries: u32, kv_head: u32, keys_at: u32, low: u32, high: u32) {
  let key_lane = lane % KEY_LANES;
  let lane_query = lane / KEY_LANES * LANE_QUERIES;
  var products = array<f32, LANE_QUERIES * KEYS_PER_LANE>();
  for (var chunk = 0u; chunk < HEAD_QUADS; chunk += CHUNK_QUADS) {
    workgroupBarrier(); // the chunk before may still be read
    for (var i = lane; i < QUERIES * CHUNK_QUADS; i += WORKGROUP) {
      let query = first_query + i / CHUNK_QUADS;
      let quad = chunk + i % CHUNK_QUADS;
      var value = vec4f(0.0);
      if (query < queries && quad < HEAD_QUADS) {
        value = q[item_of(kv_head, query) * HEAD_QUADS + quad];
      }
      q_tile[i / CHUNK_QUADS * STRIDE + i % CHUNK_QUADS] = value;
    }
    for (var i = lane; i < PAGE_TOKENS * CHUNK_QUADS; i += WORKGROUP) {
      let key = i / CHUNK_QUADS;
      let quad = chunk + i % CHUNK_QUADS;
      var value = vec4f(0.0); // unseen keys may hold anything, even NaN
      if (key >= low && key < high && quad < HEAD_QUADS) {
        value = kv_load(keys_at + key * kv_units(HEAD_QUADS), quad, HEAD_QUADS);
      }
      k_tile[key * STRIDE + i % CHUNK_QUADS] = value;
    }
    workgroupBarrier();
    for (var c = 0u; c < CHUNK_QUADS; c++) {
      var keys = array<vec4f, KEYS_PER_LANE>();
      for (var k = 0u; k < KEYS_PER_LANE; k++) {
        keys[k] = k_tile[(key_lane + k * KEY_LANES) * STRIDE + c];
      }
      for (var e = 0u; e < LANE_QUERIES; e++) {
        let query = q_tile[(lane_query + e) * STRIDE + c];
        for (var k = 0u; k < KEYS_PER_LANE; k++) {
          products[e * KEYS_PER_LANE + k] += dot(query, keys[k]);
        }
      }
    }
  }
  for (var e = 0u; e < LANE_QUERIES; e++) {
    for (var k = 0u; k < KEYS_PER_LANE; k++) {
      weights[(lane_query + e) * WEIGHTS_STRIDE + key_lane + k * KEY_LANES] = shaped(products[e * KEYS_PER_LANE + k]);
    }
  }
}

// Adds the weighted values low ... high - 1 of a page whose values begin at values_at to a lane's sums.
fn add_values(acc: ptr<function, array<vec4f, SUMS>>, quad: u32, first_sum: u32, values_at: u32, low: u32, high: u32) {
  if (first_sum >= QUERIES) {
    return; // a lane beyond the last query
  }
  for (var s = 0u; s < SUMS; s++) {
    (*acc)[s] *= shrinks[min(first_sum + s, QUERIES - 1u)];
  }
  for (var i = low; i < high; i++) {
    let value = kv_load(values_at + i * kv_units(HEAD_QUADS), quad, HEAD_QUADS);
    for (var s = 0u; s < SUMS; s++) {
      (*acc)[s] += weights[min(first_sum + s, QUERIES - 1u) * WEIGHTS_STRIDE + i] * value;
    }
  }
}
