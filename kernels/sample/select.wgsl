// Finding a place in a sequence of masses, and with it the thresholds of top-k and top-p: a radix select on drops, 8
// bits at a time. Needs state.wgsl, score.wgsl.

const BINS = 256u;
const BINS_PER_LANE = (BINS + LANES - 1u) / LANES;

// A bin's mass in two counters that cannot overflow: weights are at most 2^24, tokens fewer than 2^20.
var<workgroup> bins_low: array<atomic<u32>, BINS>;  // sum of the low 12 bits
var<workgroup> bins_high: array<atomic<u32>, BINS>; // sum of the rest
var<workgroup> prefix_sums: array<vec2u, LANES>;
var<workgroup> found: vec4u;

// Sums of the masses of all lanes up to each lane, its own included. Must be reached by all lanes.
fn prefix_sum(lane: u32, mine: vec2u) -> vec2u {
  var sum = mine;
  for (var reach = 1u; reach < LANES; reach *= 2u) {
    workgroupBarrier();
    prefix_sums[lane] = sum;
    workgroupBarrier();
    if (lane >= reach) {
      sum = u64_add(sum, prefix_sums[lane - reach]);
    }
  }
  workgroupBarrier();
  prefix_sums[lane] = sum;
  workgroupBarrier();
  return sum;
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

// The smallest drop up to which there are top_k tokens (`limit` where there are fewer), or, by mass, the share top_p of
// the mass of the tokens up to `limit`.
fn select_drop(s: Settings, lane: u32, largest: i32, limit: u32, by_mass: bool) -> u32 {
  var prefix = 0u;
  var before = vec2u(s.top_k - 1u, 0u); // mass to go beyond
  for (var shift = 16u; ; shift -= 8u) {
    for (var bin = lane; bin < BINS; bin += LANES) {
      atomicStore(&bins_low[bin], 0u);
      atomicStore(&bins_high[bin], 0u);
    }
    workgroupBarrier();
    for (var first = lane; first < params.vocab; first += 4u * LANES) {
      let found_scores = four_scores(s, four_ids(first));
      for (var i = 0u; i < ids_from(first); i++) {
        let drop = drop_of_score(s, largest, found_scores[i]);
        if (drop <= limit && (drop >> shift) >> 8u == prefix) {
          let mass = select(1u, weight_of_drop(drop), by_mass);
          let bin = (drop >> shift) & 0xffu;
          atomicAdd(&bins_low[bin], mass & 0xfffu);
          if (mass > 0xfffu) {
            atomicAdd(&bins_high[bin], mass >> 12u);
          }
        }
      }
    }
    workgroupBarrier();

    // Lanes own neighbouring bins; the one whose bins the target falls into finds which.
    var mine = vec2u(0u);
    let first = lane * BINS_PER_LANE;
    let end = min(first + BINS_PER_LANE, BINS);
    for (var bin = first; bin < end; bin++) {
      mine = u64_add(mine, bin_mass(bin));
    }
    let through = prefix_sum(lane, mine);
    if (by_mass && shift == 16u) {
      before = share_before(prefix_sums[LANES - 1u], s.top_p);
    }
    if (lane == LANES - 1u && !u64_less(before, through)) {
      found = vec4u(BINS); // fewer tokens than top_k
    }
    var sum = u64_sub(through, mine);
    if (!u64_less(before, sum) && u64_less(before, through)) {
      for (var bin = first; bin < end; bin++) {
        let next = u64_add(sum, bin_mass(bin));
        if (u64_less(before, next)) {
          found = vec4u(bin, u64_sub(before, sum), 0u);
          break;
        }
        sum = next;
      }
    }
    let place = workgroupUniformLoad(&found);
    if (place.x == BINS) {
      return limit;
    }
    prefix = (prefix << 8u) | place.x;
    before = place.yz;
    if (shift == 0u) {
      return prefix;
    }
  }
}

// The id at which the running sum of the weights up to `limit`, in id order, goes beyond `random` / 2^64 of their total.
// Each lane sums a range of ids; then the range that holds the place is divided again, until it is one id.
fn draw(s: Settings, lane: u32, largest: i32, limit: u32, random: vec2u) -> u32 {
  var begin = 0u;
  var count = params.vocab;
  var before = vec2u(0u);
  for (var level = 0u; ; level++) {
    let size = (count + LANES - 1u) / LANES;
    let first = begin + min(lane * size, count);
    let end = begin + min((lane + 1u) * size, count);
    var mine = vec2u(0u);
    for (var id = first; id < end; id += 4u) {
      let found_scores = four_scores(s, min(id + vec4u(0u, 1u, 2u, 3u), vec4u(end - 1u)));
      for (var i = 0u; i < min(4u, end - id); i++) {
        let drop = drop_of_score(s, largest, found_scores[i]);
        if (drop <= limit) {
          mine = u64_add(mine, vec2u(weight_of_drop(drop), 0u));
        }
      }
    }
    let through = prefix_sum(lane, mine);
    if (level == 0u) {
      before = u64_mul_high(random, prefix_sums[LANES - 1u]);
    }
    let sum = u64_sub(through, mine);
    if (!u64_less(before, sum) && u64_less(before, through)) {
      found = vec4u(first, end - first, u64_sub(before, sum));
    }
    let place = workgroupUniformLoad(&found);
    begin = place.x;
    count = place.y;
    before = place.zw;
    if (count == 1u) {
      return begin;
    }
  }
}
