// Nobody needs the rows that are multiplied.

fn publish(here: bool, m: u32, group: u32, values: Group) {}

fn publish_four(here: bool, m: u32, four: u32, values: vec4f) {}
