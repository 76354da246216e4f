// From logits to scores, from scores to drops and weights. Needs state.wgsl.

// Logits in units of 2^-18, rounded towards zero, clamped to ±8191. NaN counts as the lowest. The size is compared as
// bits, since shaders may assume that NaN and Inf do not occur; the rest is exact: a power of two and a truncation.
fn scores_of_logits(bits: vec4u) -> vec4i {
  let size = bits & vec4u(0x7fffffffu);
  let inside = size < vec4u(LOGIT_LIMIT);
  let lowest = (bits != size) | (size > vec4u(0x7f800000u));
  let finite = bitcast<vec4f>(select(vec4u(0u), bits, inside));
  return select(select(vec4i(SCORE_MAX), vec4i(-SCORE_MAX), lowest), vec4i(finite * 262144.0), inside);
}

// Orders raw logits as unsigned numbers from 1 on: NaN below all, −0 equal to 0.
fn keys_of_logits(bits: vec4u) -> vec4u {
  let size = bits & vec4u(0x7fffffffu);
  let negative = bitcast<vec4u>(bitcast<vec4i>(bits) >> vec4u(31u)); // all bits set, or none
  return select(0x80000000u + ((size ^ negative) - negative), vec4u(1u), size > vec4u(0x7f800000u));
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

// How far below the largest score: see state.wgsl. The product of distance and factor in 64 bits, by halves.
fn drops_of_scores(s: Settings, largest: i32, found: vec4u) -> vec4u {
  let distance = bitcast<u32>(largest) - found;
  let distance_low = distance & vec4u(0xffffu);
  let distance_high = distance >> vec4u(16u);
  let factor_low = s.drop_factor & 0xffffu;
  let factor_high = s.drop_factor >> 16u;
  let low = distance_low * factor_low;
  let middle = distance_high * factor_low + (low >> vec4u(16u));
  let cross = distance_low * factor_high + (middle & vec4u(0xffffu));
  let lower = (cross << vec4u(16u)) | (low & vec4u(0xffffu));
  let upper = distance_high * factor_high + (middle >> vec4u(16u)) + (cross >> vec4u(16u));
  let right = vec4u(s.drop_shift);
  let drop = min(vec4u(SATURATED), (upper << (32u - right)) | (lower >> right));
  return select(drop, vec4u(SATURATED), (upper >> right) != vec4u(0u));
}

// A distance of scores that no token up to this drop exceeds: slightly more than (drop + 1) · 2^shift / factor, as floats
// are not exact.
fn distance_of_drop(s: Settings, drop: u32) -> u32 {
  return u32(f32(drop + 1u) * f32(1u << s.drop_shift) / f32(s.drop_factor) * 1.0001) + 2u;
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
