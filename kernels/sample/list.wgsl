// The tokens that can still be drawn, as lists: each lane lists those in its own vectors, so that later walks touch only
// them and no lane waits for another. Where a lane has more than its list holds, the walks go over all scores instead.
// Needs state.wgsl, score.wgsl, scan.wgsl.

var<workgroup> longest: atomic<u32>;
var<workgroup> shared_longest: u32;

// Where the scores of a lane's list begin. Its vectors lie 2 LANES apart, the ids LANES behind their scores.
fn list_at(s: Settings, lane: u32) -> u32 {
  return s.scores_at + (params.vocab + 6u) / 4u + lane;
}

fn write_listed(s: Settings, lane: u32, entry: u32, number: u32, id: u32) {
  let at = list_at(s, lane) + entry / 4u * 2u * LANES;
  scores[at][entry % 4u] = number;
  scores[at + LANES][entry % 4u] = id;
}

// Lists scores and ids of the lane's tokens up to the drop `ceiling`, and of some a little beyond it.
// Returns how many; more than fit where they did not.
fn list_tokens(s: Settings, lane: u32, largest: i32, mine: i32, ceiling: u32) -> u32 {
  let room = 4u * list_vectors();
  let farthest = distance_of_drop(s, ceiling);
  var count = 0u;
  if (bitcast<u32>(largest) - bitcast<u32>(mine) > farthest) {
    return count;
  }
  for (var first = lane; first < s.vectors && count <= room; first += 4u * LANES) {
    let at = first + LANES * vec4u(0u, 1u, 2u, 3u);
    let reads = s.scores_at + min(at, vec4u(s.vectors - 1u));
    let score_0 = scores[reads.x];
    let score_1 = scores[reads.y];
    let score_2 = scores[reads.z];
    let score_3 = scores[reads.w];
    var live = live_bits(largest, score_0, farthest, at.x < s.vectors);
    live |= live_bits(largest, score_1, farthest, at.y < s.vectors) << 4u;
    live |= live_bits(largest, score_2, farthest, at.z < s.vectors) << 8u;
    live |= live_bits(largest, score_3, farthest, at.w < s.vectors) << 12u;
    for (; live != 0u; live &= live - 1u) {
      let place = firstTrailingBit(live);
      let vector = first + LANES * (place / 4u);
      let id = 4u * vector - s.lead + place % 4u;
      if (id < params.vocab) {
        if (count < room) {
          write_listed(s, lane, count, scores[s.scores_at + vector][place % 4u], id);
        }
        count++;
      }
    }
  }
  return count;
}

fn live_bits(largest: i32, score: vec4u, farthest: u32, inside: bool) -> u32 {
  let live = (bitcast<u32>(largest) - score <= vec4u(farthest)) & vec4<bool>(inside);
  return dot(select(vec4u(0u), vec4u(1u, 2u, 4u, 8u), live), vec4u(1u));
}

// Did the tokens of every lane fit its list? Must be reached by all lanes.
fn all_fit(lane: u32, count: u32) -> bool {
  if (count > atomicLoad(&longest)) {
    atomicMax(&longest, count);
  }
  workgroupBarrier();
  if (lane == 0u) {
    shared_longest = atomicLoad(&longest);
    atomicStore(&longest, 0u);
  }
  return workgroupUniformLoad(&shared_longest) <= 4u * list_vectors();
}
