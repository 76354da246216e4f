// Heads without a norm.

fn head_scale(lane: u32, first: u32) -> f32 {
  return 1.0;
}

fn head_value(first: u32, i: u32, scale: f32, gain_at: u32) -> f32 {
  return qkv[first + i];
}
