// The head's values as they are.

fn head_scale(lane: u32, first: u32) -> f32 {
  return 1.0;
}

fn head_value(first: u32, i: u32, scale: f32) -> f32 {
  return x[first + i];
}
