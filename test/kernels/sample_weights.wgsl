// Test only: the weight of every token of output 0 before any threshold, into `scores`. Token 0 must be the largest.
// Joined with the sampler's own parts; compared with sampleWeights of its twin.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u) {
  let vector = at.x;
  let s = read_settings(0u);
  if (vector >= s.vectors) {
    return;
  }
  let largest = scores_of_vector(s, 0u, logits[0]).x;
  let drops = drops_of_scores(s, largest, bitcast<vec4u>(scores_of_vector(s, vector, logits[vector])));
  scores[vector] = vec4u(
    weight_of_drop(drops.x),
    weight_of_drop(drops.y),
    weight_of_drop(drops.z),
    weight_of_drop(drops.w),
  );
}
