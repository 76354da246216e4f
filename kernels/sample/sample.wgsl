// One token per output that wants one: penalties, biases, temperature, top-k, top-p, min-p, one draw; or the largest.
// One workgroup per output. What the numbers mean: state.wgsl; the same in TypeScript: reference.ts.
// Parts: state.wgsl, score.wgsl, select.wgsl, philox.wgsl, u64.wgsl, batch.wgsl.

const NO_ID = 0xffffffffu;

var<workgroup> shared_settings: Settings;
var<workgroup> top_score: atomic<u32>;
var<workgroup> top_key: atomic<u32>;
var<workgroup> lowest_id: atomic<u32>;

struct Candidate {
  score: u32, // ordered as an unsigned number
  key: u32,
  id: u32,
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let output = group.x;
  if (output >= batch.outputs || !output_samples(output)) {
    return;
  }
  let lane = local.x;
  if (lane == 0u) {
    shared_settings = read_settings(output);
    atomicStore(&lowest_id, NO_ID);
  }
  let s = workgroupUniformLoad(&shared_settings);

  var best = Candidate(0u, 0u, NO_ID);
  if (s.greedy && !s.counts && s.biases == 0u) {
    best = largest_logit(s, lane);
  } else {
    write_scores(s, lane);
    best = largest_score(s, lane);
  }
  let largest = best_of_lanes(best);
  var id = largest.id;
  if (!s.greedy) {
    id = random_id(s, lane, bitcast<i32>(largest.score ^ 0x80000000u));
  }
  if (lane == 0u) {
    write_token(s, id);
  }
}

// Four ids of a lane's walk through the vocabulary, read together to hide the memory's latency; past its end the last.
fn four_ids(first: u32) -> vec4u {
  return min(first + vec4u(0u, LANES, 2u * LANES, 3u * LANES), vec4u(params.vocab - 1u));
}

// How many of the four are not past the end. (No constant, lest compilers write out the loops over the four.)
fn ids_from(first: u32) -> u32 {
  return min(4u, (params.vocab - first + LANES - 1u) / LANES);
}

fn four_logits(s: Settings, ids: vec4u) -> vec4u {
  return vec4u(logit_bits(s, ids.x), logit_bits(s, ids.y), logit_bits(s, ids.z), logit_bits(s, ids.w));
}

fn largest_logit(s: Settings, lane: u32) -> Candidate {
  var best = Candidate(0u, 0u, NO_ID);
  for (var first = lane; first < params.vocab; first += 4u * LANES) {
    let ids = four_ids(first);
    let bits = four_logits(s, ids);
    for (var i = 0u; i < ids_from(first); i++) {
      let key = key_of_logit(bits[i]);
      if (best.id == NO_ID || key > best.key) {
        best = Candidate(0u, key, ids[i]);
      }
    }
  }
  return best;
}

fn write_scores(s: Settings, lane: u32) {
  let base = s.output * params.vocab;
  for (var first = lane; first < params.vocab; first += 4u * LANES) {
    let ids = four_ids(first);
    let bits = four_logits(s, ids);
    for (var i = 0u; i < ids_from(first); i++) {
      var score = score_of_logit(bits[i]);
      if (s.counts) {
        score = penalized(s, score, counts[s.slot * params.vocab + ids[i]]);
      }
      scores[base + ids[i]] = bitcast<u32>(score);
    }
  }
  storageBarrier();
  for (var i = lane; i < s.biases; i += LANES) {
    let bias = biases[s.slot * MAX_BIASES + i];
    if (bias.x < params.vocab) {
      scores[base + bias.x] = bitcast<u32>(subtract(bitcast<i32>(scores[base + bias.x]), -bitcast<i32>(bias.y)));
    }
  }
  storageBarrier();
}

// The largest score; among equals the largest raw logit, then the lowest id.
fn largest_score(s: Settings, lane: u32) -> Candidate {
  var best = Candidate(0u, 0u, NO_ID);
  for (var first = lane; first < params.vocab; first += 4u * LANES) {
    let ids = four_ids(first);
    let found_scores = four_scores(s, ids);
    for (var i = 0u; i < ids_from(first); i++) {
      let score = bitcast<u32>(found_scores[i]) ^ 0x80000000u;
      if (best.id == NO_ID || score >= best.score) {
        let key = key_of_logit(logit_bits(s, ids[i]));
        if (best.id == NO_ID || score > best.score || key > best.key) {
          best = Candidate(score, key, ids[i]);
        }
      }
    }
  }
  return best;
}

fn best_of_lanes(mine: Candidate) -> Candidate {
  if (mine.id != NO_ID) {
    atomicMax(&top_score, mine.score);
  }
  workgroupBarrier();
  let score = atomicLoad(&top_score);
  let in_score = mine.id != NO_ID && mine.score == score;
  if (in_score) {
    atomicMax(&top_key, mine.key);
  }
  workgroupBarrier();
  let key = atomicLoad(&top_key);
  if (in_score && mine.key == key) {
    atomicMin(&lowest_id, mine.id);
  }
  workgroupBarrier();
  return Candidate(score, key, atomicLoad(&lowest_id));
}

fn random_id(s: Settings, lane: u32, largest: i32) -> u32 {
  var limit = SATURATED - 1u;
  // One call for top-k (0) and top-p (1), so that the code is there once.
  let last = select(0u, 1u, s.top_p < TOP_P_OFF);
  for (var by_mass = select(0u, 1u, s.top_k == 0u); by_mass <= last; by_mass++) {
    limit = select_drop(s, lane, largest, limit, by_mass == 1u);
  }
  let words = philox(vec4u(s.position, 0u, 0u, 0u), s.key);
  return draw(s, lane, largest, min(limit, s.max_drop), words.xy);
}
