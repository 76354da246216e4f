// The rows that are multiplied are those of x. sandwich_*.wgsl define the same names for Gemma's.

const SANDWICH = 0u;

fn add_squares(m: u32, lane: u32, lanes: u32) -> f32 {
  return 0.0;
}

fn input_of(m: u32, group: u32, add_squares: f32) -> Group {
  return x_of(m, group);
}

fn input_four(m: u32, four: u32, add_squares: f32) -> vec4f {
  return x[x_row(m) * (params.x_stride / 4u) + four];
}

fn publish(here: bool, m: u32, group: u32, values: Group) {}

fn publish_four(here: bool, m: u32, four: u32, values: vec4f) {}
