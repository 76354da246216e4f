// LayerNorm: centre each row, divide it by its standard deviation, scale and shift each column.
//   y[r, i] = (x[r, i] − mean) / sqrt(variance + eps) · gain[i] + bias[i]
// Source: Ba et al. 2016, arXiv:1607.06450. The variance is the mean square of the centred row, in a second pass: the
// difference of mean square and squared mean would cancel. A team per row.

struct Params {
  width: u32,   // a multiple of 4
  gain_at: u32, // first element in `vectors`
  bias_at: u32, // or NO_BIAS
  eps: f32,
  on_outputs: u32, // 1: rows are the step's outputs, not its tokens
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [rows, width]
@group(0) @binding(0) var<storage, read> vectors: array<f32>;
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>; // [rows, width]

const NO_BIAS = 0xffffffffu;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let row = team_item(group_index(group, groups), local.x);
  if (row >= select(batch.rows, batch.outputs, params.on_outputs == 1u)) {
    return;
  }
  let lane = team_lane(local.x);
  let quads = params.width / 4u;
  let first = row * quads;

  var sum = 0.0;
  for (var i = lane; i < quads; i += TEAM) {
    sum += dot(x[first + i], vec4f(1.0));
  }
  let mean = team_sum(lane, sum) / f32(params.width);

  var squares = 0.0;
  for (var i = lane; i < quads; i += TEAM) {
    let centred = x[first + i] - mean;
    squares += dot(centred, centred);
  }
  let scale = inverseSqrt(team_sum(lane, squares) / f32(params.width) + params.eps);

  for (var i = lane; i < quads; i += TEAM) {
    var value = (x[first + i] - mean) * scale * vector_quad(params.gain_at + 4u * i);
    if (params.bias_at != NO_BIAS) {
      value += vector_quad(params.bias_at + 4u * i);
    }
    y[first + i] = value;
  }
}

fn vector_quad(at: u32) -> vec4f {
  return vec4f(vectors[at], vectors[at + 1u], vectors[at + 2u], vectors[at + 3u]);
}
