//! Names of policies and lists: those that are not defined where they are named, and those that nothing names.

use ahash::AHashMap;

use crate::dialect::Format;
use crate::load::Loaded;
use crate::place::Place;

/// A policy or list by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Where it stands: the definition of an unused name, the mention of an undefined one.
    pub place: Place,
    /// What it is: `route map`, `prefix list`, `policy statement`, ...
    pub what: String,
    /// The name.
    pub name: String,
}

impl Loaded {
    /// Returns the policies and lists whose names stand nowhere in their text but at their definitions, in the order of
    /// the texts.
    ///
    /// What a configuration does with a name is not asked: one that stands in a line that no reader knows is used.
    /// O(text); every word is looked up once.
    pub fn unused_names(&self) -> Vec<Name> {
        let mut unused = Vec::new();
        for (index, (source, &format)) in self.provenance.sources().iter().zip(&self.formats).enumerate() {
            unused.extend(unused_in(index as u32, source.text(), format));
        }
        unused
    }
}

/// A word of a text, by where it begins.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    start: usize,
}

fn unused_in(source: u32, text: &str, format: Format) -> Vec<Name> {
    let mut defined: Vec<(&'static str, Token<'_>)> = Vec::new();
    let mut names: AHashMap<&str, bool> = AHashMap::new();
    let mut seen: AHashMap<(&'static str, &str), ()> = AHashMap::new();
    statements(text, format, &mut |words, definition| {
        if let Some((what, at)) = definition
            && seen.insert((what, words[at].text), ()).is_none()
        {
            defined.push((what, words[at]));
            names.insert(words[at].text, false);
        }
    });
    if defined.is_empty() {
        return Vec::new();
    }
    statements(text, format, &mut |words, definition| {
        let at = definition.map(|(_, at)| at);
        for (index, word) in words.iter().enumerate() {
            if Some(index) != at
                && let Some(used) = names.get_mut(word.text)
            {
                *used = true;
            }
        }
    });
    defined
        .into_iter()
        .filter(|(_, word)| !names[word.text])
        .map(|(what, word)| Name {
            place: Place { source, start: word.start as u32, end: (word.start + word.text.len()) as u32 },
            what: what.to_owned(),
            name: word.text.to_owned(),
        })
        .collect()
}

/// What a statement defines, and which of its words is the name.
type Definition = Option<(&'static str, usize)>;

/// Calls `each` with the words of every statement.
fn statements<'a>(text: &'a str, format: Format, each: &mut impl FnMut(&[Token<'a>], Definition)) {
    match format {
        Format::Junos => braces(text, each),
        Format::Ios | Format::Frr | Format::Xr | Format::JunosSet => lines(text, format, each),
    }
}

fn lines<'a>(text: &'a str, format: Format, each: &mut impl FnMut(&[Token<'a>], Definition)) {
    let mut words = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        words.clear();
        let mut at = start;
        for part in line.split_inclusive([' ', '\t', '\r', '\n', '(', ')', ',', '"', '[', ']', ';']) {
            let word = part.trim_end_matches([' ', '\t', '\r', '\n', '(', ')', ',', '"', '[', ']', ';']);
            if !word.is_empty() {
                words.push(Token { text: word, start: at });
            }
            at += part.len();
        }
        let indented = line.starts_with([' ', '\t']);
        start += line.len();
        let [first, ..] = words.as_slice() else { continue };
        // What people write about a policy does not use it.
        if first.text.starts_with(['!', '#']) || matches!(first.text, "description" | "remark") {
            continue;
        }
        each(&words, line_definition(&words, indented, format));
    }
}

fn line_definition(words: &[Token<'_>], indented: bool, format: Format) -> Definition {
    let word = |at: usize| words.get(at).map_or("", |word| word.text);
    let definition = match (format, word(0), word(1), word(2)) {
        (Format::JunosSet, "set", "policy-options", kind) => (junos_kind(kind)?, 3),
        (Format::Xr, ..) if indented => return None,
        (Format::Xr, "route-policy", ..) => ("route policy", 1),
        (Format::Xr, "prefix-set", ..) => ("prefix set", 1),
        (Format::Xr, "community-set", ..) => ("community set", 1),
        (Format::Xr, "extcommunity-set", ..) => ("extended community set", 2),
        (Format::Xr, "as-path-set", ..) => ("AS-path set", 1),
        (Format::Xr, "rd-set", ..) => ("RD set", 1),
        (Format::Ios | Format::Frr, "route-map", _, "permit" | "deny") => ("route map", 1),
        (Format::Ios | Format::Frr, "ip" | "ipv6", "prefix-list", _) => ("prefix list", 2),
        (Format::Ios | Format::Frr, "ip" | "bgp", "community-list", kind) => ("community list", 2 + styled(kind)),
        (Format::Ios | Format::Frr, "ip" | "bgp", "extcommunity-list", kind) => {
            ("extended community list", 2 + styled(kind))
        }
        (Format::Ios | Format::Frr, "ip" | "bgp", "as-path", "access-list") => ("AS path list", 3),
        _ => return None,
    };
    (definition.1 < words.len()).then_some(definition)
}

/// Returns how many words stand before the name of a community list for its style.
fn styled(word: &str) -> usize {
    usize::from(matches!(word, "standard" | "expanded"))
}

fn junos_kind(word: &str) -> Option<&'static str> {
    Some(match word {
        "policy-statement" => "policy statement",
        "prefix-list" => "prefix list",
        "community" => "community",
        "as-path" => "AS path",
        _ => return None,
    })
}

/// The braces form of Junos: a statement ends at `;` or opens a block.
fn braces<'a>(text: &'a str, each: &mut impl FnMut(&[Token<'a>], Definition)) {
    let mut open: Vec<&str> = Vec::new();
    let mut words: Vec<Token<'a>> = Vec::new();
    let mut finish = |words: &mut Vec<Token<'a>>, open: &[&str]| {
        let kind = words.first().and_then(|word| junos_kind(word.text));
        let definition = kind.filter(|_| open.last() == Some(&"policy-options") && words.len() > 1);
        each(words, definition.map(|what| (what, 1)));
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => at += memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at),
            b'/' if bytes[at..].starts_with(b"/*") => {
                at += memchr::memmem::find(&bytes[at..], b"*/").map_or(bytes.len() - at, |end| end + 2);
            }
            b'{' => {
                finish(&mut words, &open);
                open.push(words.first().map_or("", |word| word.text));
                words.clear();
                at += 1;
            }
            b'}' => {
                open.pop();
                words.clear();
                at += 1;
            }
            b';' => {
                finish(&mut words, &open);
                words.clear();
                at += 1;
            }
            byte if is_word(byte) => {
                let len = bytes[at..].iter().take_while(|&&byte| is_word(byte)).count();
                // Words begin and end at ASCII bytes.
                words.push(Token { text: text.get(at..at + len).unwrap_or_default(), start: at });
                at += len;
            }
            _ => at += 1,
        }
    }
}

fn is_word(byte: u8) -> bool {
    !(byte.is_ascii_whitespace()
        || matches!(byte, b'{' | b'}' | b';' | b'[' | b']' | b'(' | b')' | b'"' | b'#' | b'&' | b'|'))
}

#[cfg(test)]
mod tests {
    use crate::{Format, Options, load_texts};

    /// Returns the unused names of a text, with the lines of their definitions.
    fn unused(format: Format, text: &str) -> Vec<String> {
        let loaded = load_texts([("r1", text)], &Options::with_dialect(format)).expect("a configuration");
        let line = |place| loaded.provenance.resolve(place).line;
        loaded.unused_names().iter().map(|name| format!("{} {} {}", line(name.place), name.what, name.name)).collect()
    }

    #[test]
    fn ios_names_count_as_used_wherever_they_stand() {
        let text = "hostname r1
ip vrf red
 rd 1:1
 export map OUT
ip prefix-list P seq 5 permit 10.0.0.0/8
ip prefix-list Q seq 5 permit 10.0.0.0/8
ip prefix-list Q seq 10 permit 11.0.0.0/8
ip community-list standard C permit 1:1
ip extcommunity-list standard E permit rt 1:1
route-map OUT permit 10
 match ip address prefix-list P
 match community C
route-map LOOSE permit 10
 description in place of OLD
route-map OLD permit 10
ip policy route-map PBR
route-map PBR permit 10
";
        assert_eq!(
            unused(Format::Ios, text),
            ["6 prefix list Q", "9 extended community list E", "13 route map LOOSE", "15 route map OLD"]
        );
    }

    #[test]
    fn xr_policies_are_used_with_their_arguments() {
        let text = "hostname r1
vrf red
 address-family ipv4 unicast
  export route-policy OUT(5)
prefix-set P
  10.0.0.0/8
end-set
prefix-set Q
  10.0.0.0/8
end-set
route-policy OUT($x)
  if destination in P then
    pass
  endif
end-policy
route-policy LOOSE
  pass
end-policy
";
        assert_eq!(unused(Format::Xr, text), ["8 prefix set Q", "16 route policy LOOSE"]);
    }

    #[test]
    fn both_forms_of_junos() {
        let braces = "system { host-name r1; }
policy-options {
    prefix-list P { 10.0.0.0/8; }
    prefix-list Q { 10.0.0.0/8; }
    policy-statement OUT { term 1 { from { prefix-list P; } then { community add C; accept; } } }
    policy-statement LOOSE { then accept; } # not OUT
    community C members target:1:1;
    community D members target:1:2;
}
routing-instances { red { instance-type vrf; vrf-export [ OUT ]; route-distinguisher 1:1; } }
";
        let expected = |lines: [usize; 3]| {
            let [q, loose, d] = lines;
            [format!("{q} prefix list Q"), format!("{loose} policy statement LOOSE"), format!("{d} community D")]
        };
        assert_eq!(unused(Format::Junos, braces), expected([4, 6, 8]));
        let set = "set system host-name r1
set policy-options prefix-list P 10.0.0.0/8
set policy-options prefix-list Q 10.0.0.0/8
set policy-options policy-statement OUT term 1 from prefix-list P
set policy-options policy-statement OUT term 1 then community add C
set policy-options policy-statement LOOSE then accept
set policy-options community C members target:1:1
set policy-options community D members target:1:2
set routing-instances red instance-type vrf
set routing-instances red vrf-export OUT
set routing-instances red route-distinguisher 1:1
";
        assert_eq!(unused(Format::JunosSet, set), expected([3, 6, 8]));
    }

    #[test]
    fn undefined_names_are_kept_with_their_places() {
        let text = "hostname r1\nip vrf red\n rd 1:1\n export map NONE\nrouter bgp 1\n address-family ipv4 vrf red\n";
        let loaded = load_texts([("r1", text)], &Options::default()).expect("a configuration");
        let names: Vec<_> = loaded.undefined.iter().map(|name| (&*name.what, &*name.name)).collect();
        assert_eq!(names, [("policy", "NONE")]);
        assert_eq!(loaded.provenance.resolve(loaded.undefined[0].place).line, 4);
    }
}
