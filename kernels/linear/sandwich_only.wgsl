// Nobody needs the rows that are multiplied.

fn publish(here: bool, m: u32, group: u32, values: Group) {}
