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

fn refused(texts: &[(&str, &str)], options: &Options) -> String {
    match load_texts(texts.iter().copied(), options) {
        Ok(loaded) => panic!("accepted: {:?}", loaded.network.vrfs().len()),
        Err(mistakes) => mistakes.render(false),
    }
}

#[test]
fn a_text_of_another_dialect_is_named() {
    let ios = include_str!("ios/whole.cfg");
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Ios) {
        match load_texts([("r1.cfg", ios)], &Options::with_dialect(format)) {
            Ok(loaded) => {
                let warnings = loaded.warnings.render(false);
                assert!(warnings.contains(&format!("looks like ios, and is read as {format}")), "{format}: {warnings}");
            }
            Err(mistakes) => {
                let text = mistakes.render(false);
                assert!(text.contains(&format!("looks like ios, and is read as {format}")), "{format}: {text}");
                assert!(text.len() < 100_000, "{format}: {}", text.len());
            }
        }
    }
    insta::assert_snapshot!(refused(&[("notes.txt", "hello\nworld\n")], &Options::default()));
    insta::assert_snapshot!(refused(&[("r1.cfg", "hello\nworld\n")], &Options::with_dialect(Format::Junos)));
}

#[test]
fn a_line_without_end_is_refused_where_it_starts() {
    for (format, start) in [
        (Format::Ios, "hostname a\nip vrf A\n rd "),
        (Format::Xr, "hostname a\nroute-policy P\n"),
        (Format::Frr, "hostname a\nroute-map M permit 10\n match ip address "),
        (Format::Junos, "system { host-name a; }\nrouting-instances { A { vrf-import [ "),
        (Format::JunosSet, "set system host-name a\nset routing-instances A vrf-import [ "),
    ] {
        let text = format!("{start}{}\n", "x ".repeat(10_000_000));
        let shown = refused(&[("r1.cfg", &text)], &Options::with_dialect(format));
        assert!(
            shown.len() < 2000 && shown.contains("the line is too long"),
            "{format}: {}",
            &shown[..shown.len().min(2000)]
        );
        assert!(shown.contains("r1.cfg:2:1") || shown.contains("r1.cfg:3:1"), "{shown}");
    }
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let folder = std::env::temp_dir().join(format!("vrfleak-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("r1.cfg");
    let shown = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("a file");
        let loaded = vrfleak_config::load(std::slice::from_ref(&path), &Options::default());
        loaded.expect_err("refused").render(false)
    };
    assert!(shown(b"hostname a\n\0\x01\x02").contains("is binary: byte 11 is 0"));
    assert!(shown(&[0xff; 4096]).contains("is binary: too much of it is not UTF-8"));
    assert!(shown(b"\x1f\x8b\x08\x00 no gzip").contains("cannot be read"));
    assert!(shown(b"\xff\xfeh\0o\0s\0t\0").contains("is UTF-16"));
    assert!(shown(b"").contains("is empty"));
    assert!(shown(b"Dear all,\nplease find attached\n").contains("no known dialect"));
    // Nothing behind a line that is too long is read, whatever there is.
    let line = [&b"hostname a\n"[..], &b"x".repeat(4 << 20), b"\0\0"].concat();
    let text = shown(&line);
    assert!(text.contains("the line is too long") && text.contains("r1.cfg:2:1"), "{text}");
    let empty = vrfleak_config::load(&[folder.join("empty")], &Options::default());
    std::fs::create_dir_all(folder.join("empty")).expect("a folder");
    let none = vrfleak_config::load(&[folder.join("empty")], &Options::default());
    assert!(empty.is_err());
    assert!(none.expect_err("nothing is there").render(false).contains("has no files to read"));
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn policies_that_call_each_other_in_a_circle_are_refused() {
    let frr = "frr version 8.4\nvrf A\nexit-vrf\nroute-map A permit 10\n call B\nexit\nroute-map B permit 10\n call A\nexit\n";
    insta::assert_snapshot!(refused(&[("r1.conf", frr)], &Options::default()));
    let xr = "vrf A\n address-family ipv4 unicast\n  import route-policy P\n !\n!\nroute-policy P\n  apply Q\nend-policy\n\
              route-policy Q\n  if apply P then\n    pass\n  endif\nend-policy\nend\n";
    insta::assert_snapshot!(refused(&[("r1.cfg", xr)], &Options::default()));
    let junos = "policy-options {\n policy-statement P { from policy Q; then accept; }\n \
                 policy-statement Q { from policy P; then accept; }\n}\nrouting-instances { A { instance-type vrf; } }\n";
    insta::assert_snapshot!(refused(&[("r1.conf", junos)], &Options::default()));
}

#[test]
fn a_million_mistakes_are_counted_and_a_hundred_shown() {
    for (format, line) in [
        (Format::Ios, "ip vrf A\n rd 65535:\n"),
        (Format::Xr, "vrf A\n rd 65535:\n"),
        (Format::Frr, "router bgp 1 vrf A\n address-family ipv4 unicast\n  rd vpn export 65535:\n"),
        (Format::JunosSet, "set routing-instances A route-distinguisher 65535:\n"),
    ] {
        let shown = refused(&[("r1.cfg", &line.repeat(1_000_000))], &Options::with_dialect(format));
        assert!(shown.len() < 100_000 && shown.contains("1000000 in all"), "{format}: {}", shown.len());
        assert_eq!(shown.matches("`65535:`").count(), 100, "{format}");
    }
}

#[test]
fn what_is_cut_off_is_said() {
    let text = include_str!("ios/whole.cfg");
    let cut = &text[..text.find("router bgp").expect("BGP runs") + 20];
    let loaded = load_texts([("r1.cfg", cut)], &Options::default()).expect("no mistakes so far");
    let warnings = loaded.warnings.render(false);
    assert!(warnings.contains("the configuration may be cut off"), "{warnings}");
    let junos = include_str!("junos/whole.conf");
    let cut = &junos[..junos.find("policy-options").expect("policies") + 40];
    assert!(refused(&[("r1.conf", cut)], &Options::default()).contains("has no end"));
}
