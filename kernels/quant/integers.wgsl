// 32 weights as whole numbers: weight = scales[i / 16] * byte + offset, the bytes signed, four to a word, lowest first.
// A format also says ONE_SCALE: that both scales are always the same.
struct Integers {
  words: array<vec4u, 2>,
  scales: vec2f, // of the first 16 weights and of the others
  offset: f32,
}
