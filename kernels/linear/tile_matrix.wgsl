// Linear for many rows of x (prefill) on subgroup matrices: tile_rows.wgsl says which rows. X_PARTS x W_PARTS
// subgroups share the tile's 64 x 64 sums, each holding its own over the whole loop; a part's matrices lie X_PARTS and
// W_PARTS apart. The next columns are read before the last ones are multiplied. Staging in f16 or f32 is chosen by which
// stage_matrix_*.wgsl is linked.
//
// Where subgroups are smaller than the largest that the device may use there are more of them than parts: then several
// share the rows of x of a part. So one shader is right for any size that the driver chooses.

const VECTORS = MATRIX_K / 4u; // of a row of a matrix
const X_EACH = TILE / (MATRIX_M * X_PARTS);
const W_EACH = TILE / (MATRIX_N * W_PARTS);
const PASS = MATRIX_M * X_PARTS;  // rows of x whose sums are written at a time
const RESULT_STRIDE = TILE + 4u;  // so that rows begin in different banks

var<workgroup> results: array<f32, PASS * RESULT_STRIDE>;
var<workgroup> row_squares: array<f32, TILE>; // of x

@compute @workgroup_size(2u * TILE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
) {
  let task = task_of(group_index(workgroup, workgroups), 0u, 1u);
  let m = TILE * workgroup.z;
  if (is_idle(task)) { // the whole workgroup
    return;
  }
  let side = local / TILE;
  let mine = local % TILE; // the row that this invocation stages
  let parts = X_PARTS * W_PARTS;
  let x_part = subgroup % X_PARTS;
  let w_part = subgroup / X_PARTS % W_PARTS;
  let share = subgroup / parts;
  let shares = max(subgroups / parts, 1u);

  var sums: array<Sum, X_EACH * W_EACH>;
  var exponents = least_exponents();
  var squares = 0.0; // of row `mine` of x
  var values: Group;

  let groups = groups_of_row();
  for (var group = 0u; group <= groups; group++) {
    if (group < groups) {
      if (side == W) {
        values = weights_of(task, mine, group);
      } else {
        values = gained_x(m + mine, group, &squares);
      }
      announce(side, values, exponents);
    }
    if (group > 0u) { // the columns before are staged
      for (var k = 0u; k < 8u; k += VECTORS) {
        var lefts: array<Left, X_EACH>;
        for (var i = 0u; i < X_EACH; i++) {
          if (i % shares == share) {
            lefts[i] = left_at(STRIDE * (X * TILE + MATRIX_M * (X_PARTS * i + x_part)) + k);
          }
        }
        for (var j = 0u; j < W_EACH; j++) {
          let right = right_at(STRIDE * (W * TILE + MATRIX_N * (W_PARTS * j + w_part)) + k);
          for (var i = 0u; i < X_EACH; i++) {
            if (i % shares == share) {
              sums[W_EACH * i + j] = multiply_add(lefts[i], right, sums[W_EACH * i + j]);
            }
          }
        }
      }
    }
    if (group == groups) {
      break;
    }
    workgroupBarrier(); // the tile is free, and all have announced
    let factor = renew(&exponents);
    if (factor != 1.0) {
      for (var i = 0u; i < X_EACH * W_EACH; i++) {
        sums[i] = scaled(sums[i], factor);
      }
    }
    stage(side, mine, values, exponents);
    workgroupBarrier();
  }

  if (side == X) {
    row_squares[mine] = squares;
  }
  let unit = unit_of(exponents);
  for (var i = 0u; i < X_EACH; i++) {
    workgroupBarrier(); // what was there is written
    if (i % shares == share) {
      for (var j = 0u; j < W_EACH; j++) {
        put_sum(RESULT_STRIDE * MATRIX_M * x_part + MATRIX_N * (W_PARTS * j + w_part), sums[W_EACH * i + j]);
      }
    }
    workgroupBarrier();
    for (var at = local; at < PASS * HALF; at += 2u * TILE) {
      let row = at / HALF;
      let slot = at % HALF;
      let low = unit * results[RESULT_STRIDE * row + slot];
      let high = unit * results[RESULT_STRIDE * row + slot + HALF];
      store_pair(m + PASS * i + row, task, slot, low, high, row_squares[PASS * i + row]);
    }
  }
}
