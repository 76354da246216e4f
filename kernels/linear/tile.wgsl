// Linear for many rows of x (prefill): a workgroup of 128 computes 64 rows of the matrix for 64 rows of x. Half of it
// stages weights, the other half x, 32 columns at a time; then each invocation multiplies 8 rows by 4. Staging in f32 or
// f16 is chosen by which stage_*.wgsl is linked.

const TILE = 64u;
const W_STEP = 8u;  // invocation (a, b) takes matrix rows a, a + 8, ... and x rows b, b + 16, ...
const X_STEP = 16u;
const W_EACH = 8u;
const X_EACH = 4u;

// Sides of the staged tile.
const W = 0u;
const X = 1u;

@compute @workgroup_size(2u * TILE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let r = TILE * group_index(workgroup, workgroups);
  let m = TILE * workgroup.z;
  if (r >= params.rows) { // the whole workgroup
    return;
  }
  let mine = local % TILE; // the row that this invocation stages
  let a = local % W_STEP;
  let b = local / W_STEP;
  var sums: array<f32, W_EACH * X_EACH>;
  var squares = 0.0; // of row `mine` of x

  for (var group = 0u; group < groups_of_row(); group++) {
    if (local < TILE) {
      stage(W, mine, weights_of(r + mine, group));
    } else {
      var values = x_of(m + mine, group);
      if (NORM == 1u) {
        var gain = gain_of(group);
        var sum = vec4f();
        for (var k = 0u; k < 8u; k++) {
          sum = fma(values[k], values[k], sum);
          values[k] *= gain[k];
        }
        squares += sum4(sum);
      }
      stage(X, mine, values);
    }
    workgroupBarrier();

    var products: array<f32, W_EACH * X_EACH>;
    for (var k = 0u; k < 8u; k++) {
      var xs: array<vec4f, X_EACH>;
      for (var j = 0u; j < X_EACH; j++) {
        xs[j] = staged(X, b + X_STEP * j, k);
      }
      for (var i = 0u; i < W_EACH; i++) {
        let weights = staged(W, a + W_STEP * i, k);
        for (var j = 0u; j < X_EACH; j++) {
          products[X_EACH * i + j] += dot(weights, xs[j]);
        }
      }
    }
    for (var i = 0u; i < W_EACH; i++) {
      for (var j = 0u; j < X_EACH; j++) {
        let unit = unit_of(W, a + W_STEP * i) * unit_of(X, b + X_STEP * j);
        sums[X_EACH * i + j] = fma(products[X_EACH * i + j], unit, sums[X_EACH * i + j]);
      }
    }
    workgroupBarrier(); // before the next columns take the place of these
  }

  if (NORM == 1u) {
    if (local >= TILE) {
      put_squares(mine, squares);
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < W_EACH; i++) {
    for (var j = 0u; j < X_EACH; j++) {
      let row = b + X_STEP * j;
      store(m + row, r + a + W_STEP * i, sums[X_EACH * i + j], squares_of(row));
    }
  }
}
