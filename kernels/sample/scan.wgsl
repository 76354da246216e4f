// The walk over the whole row of logits: the largest, and in `scores` what penalties and biases make of them.
// A lane owns every LANES-th vector, so that neighbouring lanes read neighbouring bytes, and only it writes there: from
// logits to the lanes' lists no lane waits for another. Needs state.wgsl, score.wgsl.

const LOWEST = -2147483647 - 1; // below every score

// The largest that a lane has seen at each place of its vectors, the first of equals.
struct Best {
  score: vec4i,
  key: vec4u,    // 0: nothing seen
  vector: vec4u,
}

fn better_of(best: Best, score: vec4i, key: vec4u, vector: u32) -> Best {
  let better = (score > best.score) | ((score == best.score) & (key > best.key));
  return Best(
    max(score, best.score),
    select(best.key, key, better),
    select(best.vector, vec4u(vector), better),
  );
}

// Greedy without penalties and biases: the raw logits order the tokens, scores are not needed. Four vectors are on
// their way at once, to hide the memory's latency.
fn largest_logits(s: Settings, lane: u32) -> Best {
  var best = Best(vec4i(0), vec4u(0u), vec4u(0u));
  for (var first = lane; first < s.vectors; first += 4u * LANES) {
    // Past the end the last vector again, which changes nothing.
    let at = min(first + LANES * vec4u(0u, 1u, 2u, 3u), vec4u(s.vectors - 1u));
    let bits_0 = logits[s.logits_at + at.x];
    let bits_1 = logits[s.logits_at + at.y];
    let bits_2 = logits[s.logits_at + at.z];
    let bits_3 = logits[s.logits_at + at.w];
    best = better_logits(s, best, at.x, bits_0);
    best = better_logits(s, best, at.y, bits_1);
    best = better_logits(s, best, at.z, bits_2);
    best = better_logits(s, best, at.w, bits_3);
  }
  return best;
}

fn better_logits(s: Settings, best: Best, vector: u32, bits: vec4u) -> Best {
  let key = select(vec4u(0u), keys_of_logits(bits), ids_of_vector(s, vector) < vec4u(params.vocab));
  return Best(best.score, max(key, best.key), select(best.vector, vec4u(vector), key > best.key));
}

// Writes the scores of the lane's vectors and finds their largest; where that is all, among equals the largest raw logit.
// Biases, which are few, are added to what was written, and the largest is looked for again.
fn write_scores(s: Settings, lane: u32) -> Best {
  var best = Best();
  for (var biased = false; ; biased = true) {
    best = Best(vec4i(LOWEST), vec4u(0u), vec4u(0u));
    let last = s.vectors - 1u;
    var next = logits[s.logits_at + min(lane, last)];
    var after_next = logits[s.logits_at + min(lane + LANES, last)];
    for (var vector = lane; vector < s.vectors; vector += LANES) {
      let bits = next;
      next = after_next;
      after_next = logits[s.logits_at + min(vector + 2u * LANES, last)]; // on its way meanwhile
      var score: vec4i;
      if (biased) {
        score = bitcast<vec4i>(scores[s.scores_at + vector]);
      } else {
        score = scores_of_vector(s, vector, bits);
        scores[s.scores_at + vector] = bitcast<vec4u>(score);
      }
      if (s.greedy) {
        best = better_of(best, score, keys_of_logits(bits), vector);
      } else {
        best.score = max(best.score, score);
      }
    }
    if (biased || s.biases == 0u) {
      break; // not a return: naga, Firefox's compiler, wants one at the end
    }
    add_biases(s, lane);
  }
  return best;
}

fn scores_of_vector(s: Settings, vector: u32, bits: vec4u) -> vec4i {
  let ids = ids_of_vector(s, vector);
  var score = scores_of_logits(bits);
  if (s.counts) {
    let at = s.slot * params.vocab + min(ids, vec4u(params.vocab - 1u));
    let words = vec4u(counts[at.x], counts[at.y], counts[at.z], counts[at.w]);
    if (any(words != vec4u(0u))) {
      for (var i = 0u; i < 4u; i++) {
        score[i] = penalized(s, score[i], words[i]);
      }
    }
  }
  return select(vec4i(LOWEST), score, ids < vec4u(params.vocab));
}

// Each lane goes through all biases and adds those of its own vectors.
fn add_biases(s: Settings, lane: u32) {
  for (var i = 0u; i < s.biases; i++) {
    let bias = biases[s.slot * MAX_BIASES + i];
    let word = bias.x + s.lead;
    if (bias.x < params.vocab && (word / 4u) % LANES == lane) {
      let at = s.scores_at + word / 4u;
      scores[at][word % 4u] = bitcast<u32>(subtract(bitcast<i32>(scores[at][word % 4u]), -bitcast<i32>(bias.y)));
    }
  }
}
