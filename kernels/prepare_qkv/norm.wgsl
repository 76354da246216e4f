// Heads with an RMSNorm (kernels/rms_norm has the formula).

// 1 / root mean square of the head whose first element is qkv[first]. Must be reached by the whole team.
fn head_scale(lane: u32, first: u32) -> f32 {
  var sum = 0.0;
  for (var i = lane % TEAM; i < 4u * head_quads(); i += TEAM) {
    sum += qkv[first + i] * qkv[first + i];
  }
  return inverseSqrt(team_sum(lane, sum) / f32(4u * HEAD_QUADS) + params.eps);
}

fn head_value(first: u32, i: u32, scale: f32, gain_at: u32) -> f32 {
  return qkv[first + i] * scale * vectors[gain_at + i];
}
