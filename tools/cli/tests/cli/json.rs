//! The JSON that other programs rely on: its keys, in their order.

use crate::command::data;

/// Returns the keys of the first row of an array, in the order of the text.
fn keys(text: &str) -> Vec<String> {
    let row = text.lines().nth(1).expect("a row a line");
    let mut depth = 0;
    let mut keys = Vec::new();
    let mut rest = row;
    while let Some(at) = rest.find(['"', '{', '}', '[', ']']) {
        match rest.as_bytes()[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {
                let end = at + 1 + rest[at + 1..].find('"').expect("a text ends");
                if depth == 1 && rest[end + 1..].starts_with(':') {
                    keys.push(rest[at + 1..end].to_owned());
                }
                rest = &rest[end + 1..];
                continue;
            }
        }
        rest = &rest[at + 1..];
    }
    keys
}

#[test]
fn a_route_has_these_keys() {
    let expected = "router vrf family prefix protocol distance metric best installed source_router source_vrf rd route_targets \
                    next_hop interface label";
    assert_eq!(keys(&data(0, "show route --input lab.toml --format json")).join(" "), expected);
}

#[test]
fn a_pair_of_the_matrix_has_these_keys() {
    let expected = "from_router from_vrf to_router to_vrf source destination verdict";
    assert_eq!(keys(&data(0, "ping --matrix --input lab.toml --format json")).join(" "), expected);
}

#[test]
fn nothing_is_an_empty_array() {
    assert_eq!(data(1, "show route 9.9.9.9 --input lab.toml --format json"), "[]\n");
}
