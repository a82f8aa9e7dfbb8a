//! No text makes a front end panic.

use proptest::prelude::*;
use vrfleak_config::{Format, Options, detect, load_texts};

/// Whole configurations whose lines and words are mixed.
const TEXTS: [&str; 6] = [
    include_str!("ios/whole.cfg"),
    include_str!("ios/policy.cfg"),
    include_str!("xr/whole.cfg"),
    include_str!("xr/wrong.cfg"),
    include_str!("frr/whole.conf"),
    include_str!("junos/whole.conf"),
];

fn read(text: &str) {
    let _ = detect(text);
    for format in Format::ALL {
        let _ = load_texts([("text", text)], &Options::with_dialect(format));
    }
}

/// Returns lines of the configurations, some cut, some with a word of another line.
fn mixed() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = TEXTS.iter().flat_map(|text| text.lines()).collect();
    let words: Vec<&'static str> = TEXTS.iter().flat_map(|text| text.split_ascii_whitespace()).collect();
    let line = prop_oneof![
        4 => proptest::sample::select(lines.clone()).prop_map(str::to_owned),
        2 => (proptest::sample::select(lines.clone()), 0_usize..60).prop_map(|(line, end)| line[..end.min(line.len())].to_owned()),
        2 => (proptest::sample::select(lines), proptest::sample::select(words)).prop_map(|(line, word)| {
            match line.rsplit_once(' ') {
                Some((head, _)) => format!("{head} {word}"),
                None => format!(" {word}"),
            }
        }),
    ];
    proptest::collection::vec(line, 0..60).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "(\\PC|[\n\t\r{};!\" ]){0,200}") {
        read(&text);
    }

    #[test]
    fn mixed_lines_are_read_without_panic(text in mixed()) {
        read(&text);
    }

    #[test]
    fn a_configuration_that_breaks_off_is_read_without_panic(at in 0_usize..4000, which in 0_usize..TEXTS.len()) {
        let text = TEXTS[which];
        read(&text[..at.min(text.len())]);
    }
}
