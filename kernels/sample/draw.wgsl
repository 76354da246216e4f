// From scores to a token drawn at random. Needs state.wgsl, score.wgsl, list.wgsl, select.wgsl.

// Drops beyond it round to weight 0: nothing that is decided here depends on such tokens.
const LAST_WEIGHT = (WEIGHTLESS_OCTAVE << 19u) - 1u;

// The vectors that a lane walks over, and how to read them.
struct Walk {
  at: u32,
  end: u32,
  step: u32,
  tokens: u32,  // in the list
  listed: bool, // the lane's list; else a part of the row of scores
  scored: bool, // scores; else they have been turned into drops
}

// The lane's list, or its part of the row: every LANES-th vector, but for the draw neighbouring ones, so that a lane's
// tokens fall into few bins, and only where ids with the prefix are.
fn walk_of(s: Settings, lane: u32, level: Level, listed: bool, tokens: u32, scored: bool) -> Walk {
  if (listed) {
    let at = list_at(s, lane);
    return Walk(at, at + (tokens + 3u) / 4u * 2u * LANES, 2u * LANES, tokens, true, scored);
  }
  if (level.goal != DRAW) {
    return Walk(s.scores_at + lane, s.scores_at + s.vectors, LANES, 0u, false, true);
  }
  let known = level.take + level.below; // bits that the prefix leaves open
  let first = ((level.prefix << known) + s.lead) / 4u;
  let end = (min(params.vocab, (level.prefix + 1u) << known) + s.lead + 3u) / 4u;
  let size = (end - first + LANES - 1u) / LANES;
  let mine = min(first + lane * size, end);
  return Walk(s.scores_at + mine, s.scores_at + min(mine + size, end), 1u, 0u, false, true);
}

// Adds the masses of the lane's tokens to the bins. Of a list, tokens that can matter no more are removed, and scores
// become drops. Returns the tokens left in the list.
fn add_masses(s: Settings, lane: u32, largest: i32, level: Level, walk: Walk) -> u32 {
  var kept = 0u;
  var left = walk.tokens;
  // Masses are added up while they fall into one bin.
  var bin = 0u;
  var low = 0u;
  var high = 0u;
  for (var at = walk.at; at < walk.end; at += walk.step) {
    var numbers = scores[at];
    var ids = ids_of_vector(s, at - s.scores_at);
    var tokens = 4u;
    if (walk.listed) {
      ids = scores[at + LANES];
      tokens = min(4u, left);
      left -= tokens;
    }
    if (walk.scored) {
      numbers = drops_of_scores(s, largest, numbers);
    }
    for (var i = 0u; i < tokens; i++) {
      let drop = numbers.x;
      let id = ids.x;
      numbers = numbers.yzwx;
      ids = ids.yzwx;
      let key = select(drop, id, level.goal == DRAW) >> level.below;
      if (drop <= level.limit && id < params.vocab && key >> level.take <= level.prefix) {
        if (walk.listed) {
          write_listed(s, lane, kept, drop, id);
          kept++;
        }
        if (key >> level.take == level.prefix) {
          let here = key & ((1u << level.take) - 1u);
          if (here != bin) {
            add_to_bin(bin, low, high);
            bin = here;
            low = 0u;
            high = 0u;
          }
          let mass = select(weight_of_drop(drop), 1u, level.goal == TOP_K);
          low += mass & 0xfffu;
          high += mass >> 12u;
        }
      }
    }
  }
  add_to_bin(bin, low, high);
  return kept;
}

// Top-k, top-p, min-p, then the id at which the running sum of the weights, in id order, goes beyond a random share of
// their total. `mine` is the lane's own largest score.
fn random_id(s: Settings, lane: u32, largest: i32, mine: i32) -> u32 {
  var limit = LAST_WEIGHT;
  if (s.top_p == TOP_P_OFF) {
    limit = min(limit, s.max_drop); // no total depends on what is beyond it
  }
  if (s.top_k != 0u && s.top_k <= LANES) {
    limit = min(limit, drop_of_lanes(s, lane, largest, mine));
  }
  var listed = false;
  var tokens = 0u;
  var scored = true;
  var tried = SATURATED; // what did not fit the lists
  for (var goal = TOP_K; ; goal++) {
    if ((goal == TOP_K && s.top_k == 0u) || (goal == TOP_P && s.top_p == TOP_P_OFF)) {
      continue;
    }
    if (goal == DRAW) {
      limit = min(limit, s.max_drop);
    }
    var below = select(24u, 32u - countLeadingZeros(params.vocab - 1u), goal == DRAW);
    var prefix = 0u;
    var before = vec2u(0u);
    for (var first_level = true; ; first_level = false) {
      let ceiling = select(min(limit, ((prefix + 1u) << below) - 1u), limit, goal == DRAW);
      if (!listed && ceiling < tried) {
        tried = ceiling;
        tokens = list_tokens(s, lane, largest, mine, ceiling);
        listed = all_fit(lane, tokens);
      }
      let take = min(below, BIN_BITS);
      below -= take;
      let level = Level(goal, limit, prefix, take, below);
      clear_bins(lane);
      tokens = add_masses(s, lane, largest, level, walk_of(s, lane, level, listed, tokens, scored));
      scored = !listed;
      let place = find_bin(s, lane, goal, first_level, before);
      if (place.x == NOT_FOUND) { // fewer tokens than top_k
        prefix = limit;
        break;
      }
      prefix = (prefix << take) | place.x;
      before = place.yz;
      if (below == 0u) {
        break;
      }
    }
    limit = prefix;
    if (goal == DRAW) {
      break;
    }
  }
  return limit;
}
