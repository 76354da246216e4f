// From the product of a query and a key to its score. Needs tanh.wgsl, and of params: scale, softcap.

fn shaped(product: f32) -> f32 {
  let score = product * params.scale;
  if (params.softcap == 0.0) {
    return score;
  }
  return params.softcap * exact_tanh(score / params.softcap);
}
