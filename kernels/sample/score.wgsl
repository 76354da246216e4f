// From logits to scores, from scores to drops and weights. Needs state.wgsl.

// A logit in units of 2^-18, rounded towards zero, clamped to ±8191. NaN counts as the lowest. The size is compared as
// bits, since shaders may assume that NaN and Inf do not occur; the rest is exact: a power of two and a truncation.
fn score_of_logit(bits: u32) -> i32 {
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) {
    return -SCORE_MAX;
  }
  if (size >= LOGIT_LIMIT) {
    return select(SCORE_MAX, -SCORE_MAX, bits != size);
  }
  return i32(bitcast<f32>(bits) * 262144.0);
}

// Orders raw logits as unsigned numbers: NaN below all, −0 equal to 0.
fn key_of_logit(bits: u32) -> u32 {
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) {
    return 0u;
  }
  if (size == 0u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits != size);
}

fn logit_bits(s: Settings, id: u32) -> u32 {
  return logits[s.output * params.stride + id];
}

// Subtracts within ±SCORE_MAX.
fn subtract(score: i32, penalty: i32) -> i32 {
  if (penalty > 0) {
    return max(score, penalty - SCORE_MAX) - penalty;
  }
  return min(score, SCORE_MAX + penalty) - penalty;
}

// Repetition, frequency and presence penalties of a token with this word of `counts`.
fn penalized(s: Settings, score: i32, word: u32) -> i32 {
  if (word == 0u) {
    return score;
  }
  let negative = score < 0;
  let product = u64_mul(u32(abs(score)), select(s.repetition_divide, s.repetition_multiply, negative));
  let size = select((product.y << 16u) | (product.x >> 16u), u32(SCORE_MAX), product.y >= 0x8000u);
  let scaled = i32(min(size, u32(SCORE_MAX)));
  let repeated = select(scaled, -scaled, negative);
  let occurrences = i32(word & COUNT_MASK);
  return subtract(
    repeated,
    s.frequency * min(occurrences, MAX_PENALIZED_COUNT) + select(0, s.presence, occurrences > 0),
  );
}

// How far below the largest score: see state.wgsl.
fn drop_of_score(s: Settings, largest: i32, score: i32) -> u32 {
  let product = u64_mul(bitcast<u32>(largest) - bitcast<u32>(score), s.drop_factor);
  if ((product.y >> s.drop_shift) != 0u) {
    return SATURATED;
  }
  return min(SATURATED, (product.y << (32u - s.drop_shift)) | (product.x >> s.drop_shift));
}

fn four_scores(s: Settings, ids: vec4u) -> vec4i {
  let at = s.output * params.vocab + ids;
  return bitcast<vec4i>(vec4u(scores[at.x], scores[at.y], scores[at.z], scores[at.w]));
}

// 2^-drop: the octave by a shift, 12 bits by the table, 7 bits between its entries by a straight line.
fn weight_of_drop(drop: u32) -> u32 {
  let octave = drop >> 19u;
  if (octave >= WEIGHTLESS_OCTAVE) {
    return 0u;
  }
  let step = (drop >> 7u) & 0xfffu;
  let from_here = table[step];
  let fraction = from_here - (((from_here - table[step + 1u]) * (drop & 127u) + 64u) >> 7u);
  return (fraction + (1u << (6u + octave))) >> (7u + octave); // rounded: 31 to 24 bits
}
