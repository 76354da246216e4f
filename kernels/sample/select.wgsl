// Finding a place in a sequence of masses: a radix select, 9 bits of the key at a time. By drop it gives the thresholds
// of top-k and top-p, by id the token drawn. Needs state.wgsl, score.wgsl, list.wgsl, philox.wgsl.

const BIN_BITS = 9u;
const BINS = 512u;
const BINS_PER_SUM = 16u;
const SUMS = BINS / BINS_PER_SUM;
const NOT_FOUND = BINS;

// What is looked for: the smallest key up to which the masses of the tokens go beyond a goal.
const TOP_K = 0u; // drops; each token counts 1; the goal is top_k
const TOP_P = 1u; // drops; weights; the share top_p of their total
const DRAW = 2u;  // ids; weights; a random share of their total

// A bin's mass in two counters that cannot overflow: weights are at most 2^24, tokens fewer than 2^20.
var<workgroup> bins_low: array<atomic<u32>, BINS>;  // sum of the low 12 bits
var<workgroup> bins_high: array<atomic<u32>, BINS>; // sum of the rest
var<workgroup> sums: array<vec2u, SUMS>;            // of the masses of neighbouring bins
var<workgroup> found: vec4u;

// One level of a search: the tokens whose key begins with `prefix` are divided by the next `take` bits.
struct Level {
  goal: u32,   // TOP_K, TOP_P, DRAW
  limit: u32,  // drops beyond it do not count
  prefix: u32,
  take: u32,
  below: u32,  // bits of the key after these
}

fn clear_bins(lane: u32) {
  for (var bin = lane; bin < BINS; bin += LANES) {
    atomicStore(&bins_low[bin], 0u);
    atomicStore(&bins_high[bin], 0u);
  }
  workgroupBarrier();
}

fn add_to_bin(bin: u32, low: u32, high: u32) {
  if (low != 0u) {
    atomicAdd(&bins_low[bin], low);
  }
  if (high != 0u) {
    atomicAdd(&bins_high[bin], high);
  }
}

fn bin_mass(bin: u32) -> vec2u {
  let high = atomicLoad(&bins_high[bin]);
  return u64_add(vec2u(high << 12u, high >> 20u), vec2u(atomicLoad(&bins_low[bin]), 0u));
}

// p · total / 2^24, rounded up, minus one: p in units of 2^-24, total below 2^45. The product in two parts of 24 bits.
fn share_before(total: vec2u, p: u32) -> vec2u {
  let upper = u64_mul((total.x >> 24u) | (total.y << 8u), p);
  let lower = u64_add(u64_mul(total.x & 0xffffffu, p), vec2u(0xffffffu, 0u));
  return u64_sub(u64_add(upper, vec2u((lower.x >> 24u) | (lower.y << 8u), lower.y >> 24u)), vec2u(1u, 0u));
}

// The mass to go beyond.
fn goal_before(s: Settings, goal: u32, total: vec2u) -> vec2u {
  if (goal == TOP_K) {
    return vec2u(s.top_k - 1u, 0u);
  }
  if (goal == TOP_P) {
    return share_before(total, s.top_p);
  }
  return u64_mul_high(philox(vec4u(s.position, 0u, 0u, 0u), s.key).xy, total);
}

// The bin in which the running sum goes beyond `before` (at the first level: beyond the goal), and what of it remains
// before that bin; NOT_FOUND where there is too little. Must be reached by all lanes.
fn find_bin(s: Settings, lane: u32, goal: u32, first_level: bool, before: vec2u) -> vec4u {
  workgroupBarrier();
  for (var at = lane; at < SUMS; at += LANES) {
    var sum = vec2u(0u);
    for (var i = 0u; i < BINS_PER_SUM; i++) {
      sum = u64_add(sum, bin_mass(at * BINS_PER_SUM + i));
    }
    sums[at] = sum;
  }
  workgroupBarrier();
  if (lane == 0u) {
    var rest = before;
    if (first_level) {
      var total = vec2u(0u);
      for (var at = 0u; at < SUMS; at++) {
        total = u64_add(total, sums[at]);
      }
      rest = goal_before(s, goal, total);
    }
    var at = 0u;
    for (; at < SUMS && !u64_less(rest, sums[at]); at++) {
      rest = u64_sub(rest, sums[at]);
    }
    var bin = at * BINS_PER_SUM;
    for (; bin < BINS && !u64_less(rest, bin_mass(bin)); bin++) {
      rest = u64_sub(rest, bin_mass(bin));
    }
    found = vec4u(bin, rest, 0u);
  }
  return workgroupUniformLoad(&found);
}

// A drop up to which there are at least top_k tokens, if the lanes' largest alone are so many; else SATURATED.
fn drop_of_lanes(s: Settings, lane: u32, largest: i32, mine: i32) -> u32 {
  clear_bins(lane);
  if (mine != LOWEST) {
    add_to_bin(drops_of_scores(s, largest, vec4u(bitcast<u32>(mine))).x >> (24u - BIN_BITS), 1u, 0u);
  }
  let place = find_bin(s, lane, TOP_K, true, vec2u(0u));
  return ((min(place.x, BINS - 1u) + 1u) << (24u - BIN_BITS)) - 1u;
}
