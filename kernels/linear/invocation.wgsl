// Teams of one: an invocation adds up its rows alone, without barriers. For software adapters.

// Where an invocation stands.
struct Place {
  task: Task,
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let group = group_index(workgroup, workgroups);
  let task = task_of(group, local, WORKGROUP);
  let m = ROWS * workgroup.z;
  if (is_idle(task)) {
    return;
  }
  var added: array<f32, ROWS>;
  if (SANDWICH == 1u) {
    for (var i = 0u; i < ROWS; i++) {
      added[i] = add_squares(m + i, 0u, 1u);
    }
  }
  var partial = partial_of(m, task, Share(0u, local, group == 0u), 1u, &added);
  finish_rows(&partial, m, Place(task));
}

fn finish_row(i: u32, slot: u32, m: u32, at: Place, sums: vec4f, squares: f32) {
  store_sums(m + i, at.task, sums, squares);
}
