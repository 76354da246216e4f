// The head's values after RMSNorm (kernels/rms_norm has the formula).

fn head_scale(lane: u32, first: u32) -> f32 {
  var sum = 0.0;
  for (var i = lane; i < params.head_dim; i += TEAM) {
    sum += x[first + i] * x[first + i];
  }
  return inverseSqrt(team_sum(lane, sum) / f32(params.head_dim) + params.eps);
}

fn head_value(first: u32, i: u32, scale: f32) -> f32 {
  return x[first + i] * scale * vectors[params.gain_at + i];
}
