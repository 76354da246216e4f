// What the sampler reads and writes: bindings, the slot's settings as uniform values, and the meaning of the numbers.
//
// Everything after the f32 logits is integer arithmetic, equal bit for bit to reference.ts:
//   score   i32, a logit in units of 2^-18, clamped to ±8191, after penalties and biases
//   drop    u32, (largest score − score) / (T ln 2) in units of 2^-19, at most SATURATED: a distance in octaves
//   weight  u32, 2^-drop in units of 2^-24: the probability relative to the largest
//
// Rows of logits and of scores are read in vectors of four ids. A row may begin inside its first vector: `lead` words of
// that vector are not the row's. Vector v of a row holds the ids 4 v - lead ... 4 v - lead + 3; as unsigned numbers, those
// outside the row are `vocab` or more.
// Needs batch.wgsl, u64.wgsl. Constants: LANES, MAX_BIASES.

struct Params {
  vocab: u32,
  stride: u32, // elements from one row of logits to the next
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read_write> slots: array<u32>;   // [slots, SLOT_WORDS]
@group(0) @binding(0) var<storage, read> logits: array<vec4u>;      // [outputs, stride] words, bits of f32
@group(0) @binding(0) var<storage, read_write> scores: array<vec4u>; // [outputs, scratch_vectors()], scratch: bits of
                                                                    // the row's scores, then the lists of the lanes
@group(0) @binding(0) var<storage, read_write> counts: array<u32>;  // [slots, vocab], occurrences; IN_PROMPT
@group(0) @binding(0) var<storage, read> biases: array<vec2u>;      // [slots, MAX_BIASES] (id, bits of the bias)
@group(0) @binding(0) var<storage, read> table: array<u32>;         // [4097] 2^(-k / 4096) in units of 2^-31
@group(0) @binding(0) var<storage, read_write> sampled: array<u32>; // [MAX_OUTPUTS] (id, generation)

const SCORE_MAX = 2147221504;   // 8191 · 2^18
const LOGIT_LIMIT = 0x45fff800u; // bits of 8191.0
const SATURATED = 0xffffffu;
const TOP_P_OFF = 0x1000000u;
const WEIGHTLESS_OCTAVE = 25u;
const IN_PROMPT = 0x80000000u;
const COUNT_MASK = 0xffffu;
const MAX_PENALIZED_COUNT = 4000;
const MODE_GREEDY = 1u;
const MODE_COUNTS = 2u;

// What one output is sampled with. Offsets of the slot's words: SAMPLER_WORD in slot.ts.
struct Settings {
  greedy: bool,
  counts: bool,
  key: vec2u,
  repetition_divide: u32,
  repetition_multiply: u32,
  frequency: i32,
  presence: i32,
  biases: u32,
  drop_factor: u32,
  drop_shift: u32,
  top_k: u32,
  top_p: u32,
  max_drop: u32,
  // Where the row is.
  output: u32,
  slot: u32,
  position: u32, // of the token to sample
  lead: u32,
  vectors: u32,   // that the row lies in
  logits_at: u32, // vectors into `logits` and `scores` where the row begins
  scores_at: u32,
}

// Vectors of four live tokens that each lane can list, for a quarter of the vocabulary in all.
fn list_vectors() -> u32 {
  return (params.vocab + 16u * LANES - 1u) / (16u * LANES);
}

// Vectors of `scores` per output: a row, then for each listed vector one of scores and one of ids. scratchWords in
// slot.ts is as much or more.
fn scratch_vectors() -> u32 {
  return (params.vocab + 6u) / 4u + 2u * LANES * list_vectors();
}

fn ids_of_vector(s: Settings, vector: u32) -> vec4u {
  return 4u * vector - s.lead + vec4u(0u, 1u, 2u, 3u);
}

fn read_settings(output: u32) -> Settings {
  let row = batch.row[output_row(output)];
  let at = row.slot * SLOT_WORDS;
  let mode = slots[at + 4u];
  let word = output * params.stride;
  let lead = word % 4u;
  return Settings(
    (mode & MODE_GREEDY) != 0u,
    (mode & MODE_COUNTS) != 0u,
    vec2u(slots[at + 5u], slots[at + 6u]),
    slots[at + 7u],
    slots[at + 8u],
    bitcast<i32>(slots[at + 9u]),
    bitcast<i32>(slots[at + 10u]),
    slots[at + 11u],
    slots[at + 12u],
    slots[at + 13u],
    slots[at + 14u],
    slots[at + 15u],
    slots[at + 16u],
    output,
    row.slot,
    select(row.position, slots[at + 1u], row.token == LAST_TOKEN) + 1u,
    lead,
    (lead + params.vocab + 3u) / 4u,
    word / 4u,
    output * scratch_vectors(),
  );
}

// Feeds the token back: the slot's next row takes it from here.
fn write_token(s: Settings, id: u32) {
  let at = s.slot * SLOT_WORDS;
  slots[at] = id;
  slots[at + 1u] = s.position;
  sampled[2u * s.output] = id;
  sampled[2u * s.output + 1u] = slots[at + 2u];
  if (s.counts) {
    let word = counts[s.slot * params.vocab + id];
    counts[s.slot * params.vocab + id] = word + select(0u, 1u, (word & COUNT_MASK) < COUNT_MASK);
  }
}
