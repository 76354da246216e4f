// A lane per key: without subgroups, sharing one would cost more barriers than it saves reads.

const PARTS = 1u;

fn parts_sum(value: f32) -> f32 {
  return value;
}
