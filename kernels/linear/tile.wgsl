// Linear for many rows of x (prefill): tile_rows.wgsl says which rows. They are staged 32 columns at a time; then each
// invocation multiplies 8 rows by 4. How they are staged and multiplied is chosen by what is linked: tile_floats.wgsl with a
// stage_*.wgsl, or tile_int8.wgsl. That gives stage_weights, stage_x, add_products, and put_squares and squares_of for when
// the columns are through.

const W_STEP = 8u;  // invocation (a, b) takes rows a, a + 8, ... of the matrix and b, b + 16, ... of x
const X_STEP = 16u;
const W_EACH = 8u;

// An invocation's results: of its W_EACH rows of the matrix, by its four rows of x.
alias Sums = array<vec4f, W_EACH>;

@compute @workgroup_size(2u * TILE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let task = task_of(group_index(workgroup, workgroups), 0u, 1u);
  let m = TILE * workgroup.z;
  if (is_idle(task)) { // the whole workgroup
    return;
  }
  let side = local / TILE;
  let mine = local % TILE; // the row that this invocation stages
  let a = local % W_STEP;
  let b = local / W_STEP;
  var sums: Sums;
  var squares = 0.0; // of row `mine` of x

  for (var group = 0u; group < groups_of_row(); group++) {
    if (side == W) {
      stage_weights(mine, task, group);
    } else {
      stage_x(mine, gained_x(m + mine, group, &squares));
    }
    workgroupBarrier();

    add_products(&sums, a, b);
    workgroupBarrier(); // before the next columns take the place of these
  }

  if (NORM == 1u) {
    if (side == X) {
      put_squares(mine, squares);
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < W_EACH / 2u; i++) {
    let slot = a + W_STEP * i;
    let low = sums[i];
    let high = sums[i + W_EACH / 2u]; // of the row TILE / 2 further
    store_pair(m + b, task, slot, low.x, high.x, squares_of(b));
    store_pair(m + b + X_STEP, task, slot, low.y, high.y, squares_of(b + X_STEP));
    store_pair(m + b + 2u * X_STEP, task, slot, low.z, high.z, squares_of(b + 2u * X_STEP));
    store_pair(m + b + 3u * X_STEP, task, slot, low.w, high.w, squares_of(b + 3u * X_STEP));
  }
}
